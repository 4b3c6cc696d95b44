"""`visit(plan, options)` from a program: again and again in one process, and in a worker's."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json
import multiprocessing
import sys

from crawler.options import Options
from crawler.plan import plan
from crawler.options import VisitLimits
from crawler.visit.run import visit

def made(url):
    ended = visit(plan(url), Options(VisitLimits(pages=4), delay=0))
    return [ended.state, ended.counts["images"]]

if __name__ == "__main__":
    url = sys.argv[1]
    found = [made(url), made(url)]
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as workers:
        found += workers.map(made, [url, url])
    print(json.dumps(found))
"""


@pytest.fixture
def ran(tmp_path, database_url, monkeypatch):
    """Return a function that runs a program with a URL, on the test's database."""
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)

    def run(program, url):
        script = tmp_path / "program.py"
        script.write_text(program)
        return subprocess.run(
            [sys.executable, script, url], capture_output=True, text=True, timeout=120, check=False
        )

    return run


def test_again_and_from_a_worker(ran, site, conn):
    done = ran(PROGRAM, site.url + "/")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made == [made[0]] * 4
    assert made[0][0] == "finished"
    assert made[0][1] > 0
    states = conn.execute("SELECT state FROM visit").fetchall()
    assert states == [("finished",)] * 4


def test_names_are_judged_anew_for_every_visit(ran, site):
    """A visit that may see a private network leaves no leave to the next one."""
    program = """
import socket, sys

real = socket.getaddrinfo
socket.getaddrinfo = lambda host, *a, **k: real(
    "127.0.0.1" if host in ("art.example", b"art.example") else host, *a, **k)

# The hosts are on this machine.
import crawler.settings
crawler.settings.LEAST_DELAY = 0.05

from crawler.options import Options
from crawler.plan import plan
from crawler.visit.run import visit

url = sys.argv[1]
for private in (True, False, True, False):
    options = Options(delay=0.05, timeout=5, contact="mailto:me@example.org", private=private)
    ended = visit(plan(url), options)
    print(ended.start_refusal, ended.counts["pages"] > 0)
"""
    port = site.url.rpartition(":")[2]
    site.replace("/one.html", b'<img src="/pictures/cat.jpg">')
    done = ran(program, f"http://art.example:{port}/one.html")
    assert done.returncode == 0, done.stderr
    refused = "private-address False"
    assert done.stdout.splitlines() == ["None True", refused, "None True", refused]


def test_a_visit_that_ends_in_an_error_is_held_by_nobody(ran, site, conn):
    """The next one in the same process continues it, as it does one of a dead process."""
    site.replace("/one.html", b'<img src="/pictures/cat.jpg">')
    program = """
import sys
from crawler.options import Options
from crawler.plan import plan
from crawler.site_spider import SiteSpider
from crawler.visit.run import visit

def faulty(*_, **__):
    raise RuntimeError("fault")

real = SiteSpider.__init__
SiteSpider.__init__ = faulty
try:
    visit(plan(sys.argv[1]), Options(delay=0))
except RuntimeError as error:
    print(error)
SiteSpider.__init__ = real
print(visit(plan(sys.argv[1]), Options(delay=0)).state)
"""
    done = ran(program, site.url + "/one.html")
    assert done.stdout.split() == ["fault", "finished"], done.stderr
    assert conn.execute("SELECT state, token FROM visit").fetchall() == [("finished", 2)]


def test_an_exception_of_the_report_is_the_callers(ran, site, conn):
    program = """
import asyncio, sys
from crawler.options import Options
from crawler.plan import plan
from crawler.visit.run import visit
from registry.errors import UsageError

def report(tally):
    raise KeyError("mine")

made = plan(sys.argv[1])
try:
    visit(made, Options(delay=0), report=report)
except KeyError as error:
    print(error)

async def within():
    visit(made, Options(delay=0))

try:
    asyncio.run(within())
except UsageError as error:
    print("refused")
"""
    done = ran(program, site.url + "/")
    assert done.stdout.split() == ["'mine'", "refused"], done.stderr
    # The visit ended early, and says so.
    assert conn.execute("SELECT state FROM visit").fetchall() == [("interrupted",)]


FAULTY = """
from crawler.pages.reading import parse_page
from crawler.site_spider import SiteSpider

class Faulty(SiteSpider):
    name = "faulty"

    @staticmethod
    def parse(response):
        if "two" in response.url:
            raise KeyError("items")
        return parse_page(response)
"""
IN_MODULE = """
import sys
from crawler.options import Options
from crawler.plan import Plan
from crawler.visit.run import visit
from faulty import Faulty

ended = visit(Plan(Faulty, sys.argv[1]), Options(delay=0))
print(ended.state, ended.counts["errors"], ended.counts["pages_refused.parse-error"])
"""
IN_SCRIPT = """
import sys
from crawler.options import Options
from crawler.plan import Plan
from crawler.visit.run import visit
from registry.errors import UsageError

try:
    visit(Plan(Faulty, sys.argv[1]), Options(delay=0))
except UsageError as error:
    print(error.hint)
"""


@pytest.fixture
def faulty(ran, tmp_path, site):
    """Return a function that runs a program beside the spider Faulty, on a site of two pages."""
    (tmp_path / "faulty.py").write_text(FAULTY)
    mark = b'<meta name="robots" content="noai"><img src="/pictures/cat.jpg">'
    site.replace("/one.html", mark + b'<a href="/two.html">two</a>')
    site.replace("/two.html", mark + b'<a href="/works/">rest</a>')
    return lambda program: ran(program, site.url + "/one.html")


def test_a_page_on_which_the_spider_fails_keeps_its_marks(faulty, conn):
    done = faulty(IN_MODULE)
    assert done.stdout.split() == ["finished", "1", "1"], done.stderr
    rows = conn.execute(
        "SELECT page_url, refusal, cardinality(evidence) > 0 FROM observation ORDER BY page_url"
    ).fetchall()
    assert [(url.rpartition("/")[2], *rest) for url, *rest in rows] == [
        ("one.html", None, True),
        ("two.html", "parse-error", True),
    ]
    signals = conn.execute("SELECT text FROM evidence WHERE carrier = 'html'").fetchall()
    assert len(signals) == 2
    assert all("noai" in text for (text,) in signals)


def test_a_spider_that_no_worker_can_import_is_refused(faulty, conn):
    done = faulty(FAULTY + IN_SCRIPT)
    assert "module" in done.stdout, done.stderr
    assert conn.execute("SELECT count(*) FROM visit").fetchone() == (0,)

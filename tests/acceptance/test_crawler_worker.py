"""`crawler worker`: what is due is visited once, by whoever is alive."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psutil
import psycopg
import pytest
from crawling import CRAWLER, Run, observed, rows
from test_crawler_interrupted import rename

from demo.server import SampleSite

Start = Callable[..., subprocess.Popen[str]]
# What a resumed visit asks for again.
AGAIN = {"/robots.txt"}


@pytest.fixture
def sites() -> Iterator[list[SampleSite]]:
    with ExitStack() as served:
        yield [served.enter_context(SampleSite()) for _ in range(3)]


@pytest.fixture
def due(run: Run, database_url: str) -> Run:
    """Schedule sites."""

    def add(*urls: str, delay: float = 0) -> subprocess.CompletedProcess[str]:
        options = ("--every", "7d", "--delay", delay)
        added = run("crawler", "schedule", "add", *urls, *options, database=database_url)
        assert added.returncode == 0, added.stderr
        return added

    return add


@pytest.fixture
def start(database_url: str) -> Iterator[Start]:
    """Start a worker."""
    processes: list[subprocess.Popen[str]] = []

    def begin(*options: object, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(CRAWLER), "worker", "--json", *map(str, options)],
            env={**os.environ, "REGISTRY_DATABASE_URL": database_url, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        for child in children(process):
            child.kill()
        process.kill()
        process.communicate()


def children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the processes that make the visits of a worker."""
    try:
        return psutil.Process(process.pid).children()
    except psutil.NoSuchProcess:
        return []


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def states(database_url: str) -> list[tuple[str, int]]:
    return rows(database_url, "SELECT state, token FROM visit ORDER BY id")


def test_what_is_due_is_visited_once_by_all_workers(
    sites: list[SampleSite], due: Run, start: Start, run: Run, database_url: str
) -> None:
    due(*(site.url + "/" for site in sites))
    workers = [start("--once", "--concurrency", 2) for _ in range(2)]
    ended = [worker.communicate(timeout=60) for worker in workers]
    # One of them may have found nothing to do.
    assert {worker.returncode for worker in workers} <= {0, 1}
    made = [json.loads(line) for stdout, _ in ended for line in stdout.splitlines()]
    assert {visit["start_url"] for visit in made} == {site.url + "/" for site in sites}
    assert states(database_url) == [("finished", 1)] * 3
    listed = run("crawler", "schedule", "list", "--json", database=database_url).stdout
    for schedule in json.loads(listed)["schedules"]:
        assert schedule["next_due_at"] > schedule["last_visit"]["finished_at"]
    again = start("--once")
    assert again.communicate(timeout=60)[1].endswith("nothing is due\n")
    assert again.returncode == 1

    by_hand = run(
        "crawler", "run", sites[0].url + "/", "--delay", 0, "--json", database=database_url
    )
    counts = json.loads(by_hand.stdout)["visits"][0]["counts"]
    first = next(v for v in made if v["start_url"] == sites[0].url + "/")["counts"]
    assert counts["observations"] == first["observations"] > 100
    assert counts["marks"] == first["marks"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_visit_of_a_stopped_worker_is_continued_by_another(
    number: signal.Signals, site: SampleSite, due: Run, start: Start, database_url: str
) -> None:
    site.delay = 0.05
    due(site.url + "/")
    worker = start()
    wait_for(lambda: len(site.requests) > 30)
    made_by = children(worker)
    assert len(made_by) == 1
    worker.send_signal(number)
    worker.wait(60)
    wait_for(lambda: not made_by[0].is_running())
    site.delay = 0
    assert worker.returncode == (0 if number != signal.SIGKILL else -9)
    assert states(database_url) == [("given_back", 1)]
    done = {(r.host, r.path) for r in site.requests if r.status == 200} - AGAIN
    begun = len(site.requests)
    other = start("--once")
    stdout, stderr = other.communicate(timeout=60)
    assert other.returncode == 0, stderr
    assert "(visit 1, resumed)" in stderr
    assert "Traceback" not in stderr
    assert states(database_url) == [("finished", 2)]
    repeated = Counter((r.host, r.path) for r in site.requests[begun:] if r.status == 200)
    assert {path for host, path in repeated if (host, path) in done} <= AGAIN
    assert json.loads(stdout)["counts"]["observations"] == len(observed(database_url)) > 100


def test_a_visit_goes_on_when_its_process_is_killed_and_fails_the_fourth_time(
    site: SampleSite, due: Run, start: Start, run: Run, database_url: str
) -> None:
    site.delay = 0.1
    due(site.url + "/")
    worker = start()
    for killed in range(4):
        begun = len(site.requests)
        wait_for(lambda begun=begun: len(site.requests) > begun + 5)  # type: ignore[misc]
        (child,) = children(worker)
        child.kill()
        seen = killed + 1
        query = "SELECT crashes FROM visit"
        wait_for(lambda seen=seen, query=query: rows(database_url, query) == [(seen,)])  # type: ignore[misc]
    wait_for(lambda: states(database_url) == [("failed", 4)])
    worker.terminate()
    _, stderr = worker.communicate(timeout=60)
    assert worker.returncode == 0
    assert stderr.count("a process ended unexpectedly; its visits go on in another") == 4
    assert "visit 1 failed: it ends its process" in stderr
    listed = run("crawler", "schedule", "list", "--due", database=database_url)
    assert listed.stderr == "no such schedules\n"


def test_a_visit_that_cannot_be_made_fails_alone(
    site: SampleSite, due: Run, start: Start, database_url: str
) -> None:
    due("https://gallery.example/", delay=1)
    due(site.url + "/")
    worker = start("--once", CRAWLER_CONTACT="")
    stdout, stderr = worker.communicate(timeout=60)
    assert worker.returncode == 4
    assert "of gallery.example stopped: no contact for the owners of the sites" in stderr
    assert json.loads(stdout)["state"] == "finished"
    assert sorted(state for state, _ in states(database_url)) == ["failed", "finished"]
    query = "SELECT count(*) FROM schedule WHERE pages_due_at < now() + interval '2 days'"
    assert rows(database_url, query) == [(1,)]


def test_a_worker_waits_for_a_database_that_is_away(
    site: SampleSite, due: Run, start: Start, database_url: str
) -> None:
    site.delay = 0.05
    due(site.url + "/")
    worker = start("--once")
    wait_for(lambda: len(site.requests) > 30)
    address, _, query = database_url.partition("?")
    base, name = address.rsplit("/", 1)
    with psycopg.connect(f"{base}/postgres?{query}", autocommit=True) as admin:
        rename(admin, name)
        time.sleep(1.5)
        admin.execute(f"ALTER DATABASE {name}_away RENAME TO {name}")  # type: ignore[call-overload]
    site.delay = 0
    stdout, stderr = worker.communicate(timeout=90)
    assert worker.returncode == 0, stderr
    assert "Traceback" not in stderr
    assert json.loads(stdout)["state"] == "finished"
    assert len(observed(database_url)) > 100
    assert [state for state, _ in states(database_url)] == ["finished"]


def test_a_worker_does_not_begin_without_a_database(start: Start) -> None:
    worker = start(REGISTRY_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    stdout, stderr = worker.communicate(timeout=60)
    assert (worker.returncode, stdout) == (3, "")
    assert "error: the database 127.0.0.1:1/none does not answer" in stderr
    assert "Traceback" not in stderr


def test_the_worker_itself_does_not_load_scrapy() -> None:
    program = """
import sys
import crawler.cli.worker, crawler.worker.work
names = ("scrapy", "twisted", "lxml", "numpy", "prometheus_client")
print([name for name in names if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"

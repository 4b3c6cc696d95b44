"""Nothing lifts robots.txt: no setting, no add-on, no request's meta, no redirect."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import asked

from demo.server import SampleSite

# A visit without a database, by a spider that tries to get around the rules.
SCRIPT = """
import json, logging, sys
from datetime import UTC, datetime
from scrapy import Request
from scrapy.crawler import AsyncCrawlerRunner
from crawler.options import VisitLimits
from crawler.visit.ending import VisitEnding
from crawler.visit.reactor import running_loop, with_names
from crawler.visit.readers import Readers
from crawler.settings import scrapy_settings
from crawler.site_spider import SiteSpider
from crawler.record.values import Known
from registry.db.hosts import Turn
from registry.db.visits import Begun

class Recorder:
    visit_id, known, archive = 1, Known(), None
    begun = Begun(0.0, "full", datetime.now(UTC), ())
    def __init__(self):
        self.observations, self.site_files = [], []
    def write(self, batch):
        self.observations += batch.observations
        self.site_files += batch.site_files
    def finish(self, state, counts, rest):
        self.observations += rest
        self.counts = counts
        return {}

class Turns:
    async def take(self, host, *, holder, delay, timeout):
        return Turn(0.0, taken=True)
    def end(self, host, *, holder, seconds, status):
        pass
    def crawl_delay(self, host, seconds):
        pass

class Cheat(SiteSpider):
    name = "cheat"
SPIDER

if __name__ == "__main__":
    settings = scrapy_settings(contact="test", delay=0, timeout=5, hosts=["127.0.0.1"])
    recorder = Recorder()
    readers = Readers(1)

    async def made():
        runner = AsyncCrawlerRunner(settings)
        crawler = runner.create_crawler(Cheat)
        with with_names(crawler):
            await runner.crawl(
                crawler, start_url=sys.argv[1], limits=VisitLimits(), recorder=recorder,
                readers=readers, turns=Turns(), ending=VisitEnding(crawler),
                report=lambda tally: None,
            )
        await crawler.spider.finish()

    try:
        running_loop().run_until_complete(made())
    except Exception as error:
        print(json.dumps({"error": str(error)}))
    else:
        print(json.dumps({
            "refused": [[o.image_url, o.refusal] for o in recorder.observations if o.refusal],
            "site_files": [f.url for f in recorder.site_files],
            "counts": recorder.counts,
        }))
    readers.close()
"""


@pytest.fixture
def site() -> Iterator[SampleSite]:
    with SampleSite() as served:
        yield served


def cheat(tmp_path: Path, url: str, spider: str) -> dict[str, object]:
    script = tmp_path / "cheat.py"
    script.write_text(SCRIPT.replace("SPIDER", textwrap.indent(spider, "    ")))
    ended = subprocess.run(
        [sys.executable, str(script), url], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    said: dict[str, object] = json.loads(ended.stdout)
    return said


def test_request_meta_is_ignored(site: SampleSite, tmp_path: Path) -> None:
    spider = """
def _request(self, item):
    request = super()._request(item)
    request.meta.update(dont_obey_robotstxt=True, robots_txt_pass=object())
    return request
"""
    site.replace("/one.html", b'<img src="/private/daedalus.jpg">')
    said = cheat(tmp_path, site.url + "/one.html", spider)
    assert said["refused"] == [[site.url + "/private/daedalus.jpg", "robots-txt"]]
    assert asked(site) == ["/robots.txt", "/one.html"]


def test_a_spider_cannot_carry_the_pass_of_robots_txt_along(
    site: SampleSite, tmp_path: Path
) -> None:
    site.replace("/robots.txt", b"", status=302, headers=(("Location", "/rules.txt"),))
    site.replace("/rules.txt", b"User-agent: *\nDisallow: /private/\nDisallow: /rules.txt")
    site.replace("/one.html", b'<img src="/private/daedalus.jpg"><img src="/rules.txt">')
    said = cheat(tmp_path, site.url + "/one.html", "pass")
    assert asked(site) == ["/robots.txt", "/rules.txt", "/one.html"]
    assert {refusal for _, refusal in said["refused"]} == {"robots-txt"}  # type: ignore[attr-defined]


def test_robots_txt_is_requested_again_in_mid_visit(site: SampleSite, tmp_path: Path) -> None:
    links = "".join(f'<a href="/p{n}.html">p</a>' for n in range(9)).encode()
    site.replace("/one.html", links)
    answer, rules = site.answer, [b"", b"", b"User-agent: *\nDisallow: /p"]

    def changed(host: str, target: str) -> object:
        # Each request for the file gets the next version; the last one stays.
        if target == "/robots.txt":
            site.replace(target, rules.pop(0) if len(rules) > 1 else rules[0])
        elif target.startswith("/p"):
            site.replace(target, b"nothing")
        return answer(host, target)

    site.answer = changed  # type: ignore[method-assign,assignment]
    spider = """
custom_settings = {"ROBOTS_AGE": 0.3, "AUTOTHROTTLE_ENABLED": False, "DOWNLOAD_DELAY": 0.1}
"""
    said = cheat(tmp_path, site.url + "/one.html", spider)
    paths = asked(site)
    assert paths.count("/robots.txt") >= 3
    read = [path for path in paths if path.startswith("/p")]
    assert 0 < len(read) < 9
    # Requests that the rules before allowed were in the queue.
    third = [at for at, path in enumerate(paths) if path == "/robots.txt"][2]
    assert not any(path.startswith("/p") for path in paths[third:])
    counts = said["counts"]
    assert counts["pages_refused.robots-txt"] == 9 - len(read)  # type: ignore[index]


CUSTOM = {
    "the setting": "{'ROBOTSTXT_OBEY': False}",
    "another name": "{'ROBOTSTXT_USER_AGENT': 'Googlebot'}",
    "no middleware": "{'DOWNLOADER_MIDDLEWARES': {}}",
    "an add-on": "{'ADDONS': {'cheat_addon.Addon': 1}}",
}


@pytest.mark.parametrize("name", CUSTOM)
def test_settings_that_would_lift_it_end_the_visit(
    name: str, site: SampleSite, tmp_path: Path
) -> None:
    (tmp_path / "cheat_addon.py").write_text(
        "class Addon:\n"
        "    def update_settings(self, settings):\n"
        "        settings.set('DOWNLOADER_MIDDLEWARES', {}, priority='cmdline')\n"
    )
    said = cheat(tmp_path, site.url + "/", f"custom_settings = {CUSTOM[name]}")
    assert "error" in said or said["counts"]["pages"] == 0  # type: ignore[index]
    assert site.requests == []


def test_private_networks_are_not_asked_for_a_public_page() -> None:
    from types import SimpleNamespace

    from scrapy import Request

    from crawler.manners.bounds import BoundsMiddleware
    from crawler.manners.refusals import Refused
    from crawler.options import VisitLimits
    from crawler.visit.state import VisitState

    visit = VisitState("https://art.example/", VisitLimits())
    crawler = SimpleNamespace(spider=SimpleNamespace(visit=visit))
    bounds = BoundsMiddleware(crawler)  # type: ignore[arg-type]
    for url in ("http://127.0.0.1/a.jpg", "http://10.0.0.1/", "http://[::1]/", "http://db/a.png"):
        with pytest.raises(Refused, match="private") as refused:
            bounds.process_request(Request(url, meta={"kind": "image"}))
        assert refused.value.reason == "private-address"
    bounds.process_request(Request("https://cdn.example/a.jpg", meta={"kind": "image"}))
    with pytest.raises(Refused, match="another site"):
        bounds.process_request(Request("https://cdn.example/", meta={"kind": "page"}))


def test_a_redirect_does_not_carry_the_conditions_of_another_image() -> None:
    from types import SimpleNamespace

    from scrapy import Request

    from crawler.manners.conditional import ConditionalMiddleware

    known = {("image", "https://art.example/a.jpg"): ('"1"', "then")}
    revisit = SimpleNamespace(conditions=lambda *named: known.get(named, (None, None)))
    crawler = SimpleNamespace(spider=SimpleNamespace(revisit=revisit))
    middleware = ConditionalMiddleware(crawler)  # type: ignore[arg-type]
    request = Request("https://art.example/a.jpg", meta={"kind": "image"})
    middleware.process_request(request)
    assert request.headers.to_tuple_list() == [
        ("If-None-Match", '"1"'),
        ("If-Modified-Since", "then"),
    ]
    redirected = request.replace(url="https://art.example/b.jpg")
    middleware.process_request(redirected)
    assert redirected.headers.to_tuple_list() == []
    page = Request("https://art.example/a.jpg", meta={"kind": "page"})
    middleware.process_request(page)
    assert page.headers.to_tuple_list() == []

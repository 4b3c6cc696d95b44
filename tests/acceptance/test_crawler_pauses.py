"""How fast the crawler asks, by the clock of the server that is asked."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crawling import Run, observed

from crawler.manners.pace import MOST_REFUSALS
from demo.content import SiteResponse
from demo.server import SampleSite

# Of what is waited at least this must be seen: a busy server notes one request late.
PAUSE = 0.8
CAT = Path("demo/site/www/pictures/cat.jpg").read_bytes()


def arrivals(site: SampleSite, role: str = "site") -> list[float]:
    return sorted(r.at for r in site.requests if r.host == site.hosts[role])


def least_gap(times: list[float]) -> float:
    return min(later - sooner for sooner, later in itertools.pairwise(times))


def gallery(site: SampleSite, images: int, url: str = "") -> None:
    shown = "".join(f'<img src="{url}/{n}.jpg">' for n in range(images))
    site.replace("/start.html", shown.encode())
    for number in range(images):
        for role in ("site", "cdn"):
            site.replace(f"/{number}.jpg", CAT, role=role)


def refuse(
    site: SampleSite,
    refused: Callable[[str, str], bool],
    retry_after: str | None,
    status: int = 429,
) -> None:
    """Let the site refuse the requests, by host and path, of which that is so."""
    answer = site.answer
    headers = () if retry_after is None else (("Retry-After", retry_after),)

    def instead(host: str, target: str) -> Any:
        return SiteResponse(status, headers, b"") if refused(host, target) else answer(host, target)

    site.answer = instead  # type: ignore[method-assign]


def test_the_delay_is_the_least_time_between_two_requests(
    site: SampleSite, crawl: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where delays vary, let them be as short as they can be.
    (tmp_path / "sitecustomize.py").write_text("import random\nrandom.uniform = min\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    gallery(site, 3)
    site.replace("/1.jpg", b"", status=302, headers=(("Location", "/moved.jpg"),))
    site.replace("/moved.jpg", CAT)
    site.replace("/2.jpg", b"", status=500)
    done = crawl(site.url + "/start.html", "--max-depth", 0, "--delay", 0.2)
    assert done.returncode == 0
    times = arrivals(site)
    # robots.txt, the page, three images, a redirect, a second try, six files of the site.
    assert len(times) == 13
    assert least_gap(times) >= 0.15


def test_crawl_delay_is_obeyed(site: SampleSite, crawl: Run) -> None:
    gallery(site, 0)
    site.replace("/robots.txt", b"User-agent: *\nCrawl-delay: 0.4\n")
    assert crawl(site.url + "/start.html", "--max-depth", 0).returncode == 1
    assert least_gap(arrivals(site)) >= 0.3


def test_a_host_that_asks_for_a_long_pause_is_asked_no_more(
    site: SampleSite, crawl: Run, database_url: str
) -> None:
    gallery(site, 20)
    refuse(site, lambda host, path: path.endswith(".jpg"), "120")
    done = crawl(site.url + "/start.html", "--max-depth", 0, "--max-seconds", 60)
    assert done.returncode == 4
    assert "is incomplete: the host refused further requests" in done.stderr
    assert "stopped hosts    127.0.0.1 (http-429)" in done.stdout
    refused = [r for r in site.requests if r.status == 429]
    assert len(refused) == 1
    assert {o["refusal"] for o in observed(database_url)} == {"http-429"}
    assert len(observed(database_url)) == 20


@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_goes_on_refusing_is_asked_no_more_and_others_go_on(
    status: int, site: SampleSite, crawl: Run
) -> None:
    gallery(site, 12, site.cdn_url)
    for number in range(12):
        site.replace(f"/p{number}.html", b"<img src=/own.jpg>")
    links = "".join(f'<a href="/p{n}.html">p</a>' for n in range(12)).encode()
    shown = b"".join(b'<img src="%s/%d.jpg">' % (site.cdn_url.encode(), n) for n in range(12))
    site.replace("/start.html", shown + links)
    site.replace("/own.jpg", CAT)
    cdn = site.hosts["cdn"]
    refuse(site, lambda host, path: host == cdn and path.endswith(".jpg"), "1", status)
    done = crawl(site.url + "/start.html", "--json")
    said = json.loads(done.stdout)
    (visit,) = said["visits"]
    assert visit["stopped"] == {cdn: status}
    assert (visit["state"], done.returncode) == ("finished", 0)
    assert said["refused"] == {f"http-{status}": 12}
    assert said["pages"] == 13
    refused = [r.at for r in site.requests if r.status == status]
    assert len(refused) == MOST_REFUSALS
    pauses = [later - sooner for sooner, later in itertools.pairwise(refused)]
    assert sum(pause >= PAUSE for pause in pauses) >= MOST_REFUSALS - 1
    # The site itself did not wait for its images' host.
    own = [r.at for r in site.requests if r.path.startswith("/p")]
    assert min(own) < refused[-1]


def test_after_the_pause_the_visit_goes_on(site: SampleSite, crawl: Run, database_url: str) -> None:
    gallery(site, 6)
    seen: list[str] = []

    def first(host: str, path: str) -> bool:
        seen.append(path)
        return path == "/2.jpg" and seen.count(path) == 1

    refuse(site, first, "1")
    done = crawl(site.url + "/start.html", "--max-depth", 0)
    assert done.returncode == 0
    assert {o["refusal"] for o in observed(database_url)} == {None}
    (refused,) = [r.at for r in site.requests if r.status == 429]
    assert len(seen) == 15
    assert not any(refused < r.at < refused + PAUSE for r in site.requests)


def test_a_robots_txt_that_is_refused_once(site: SampleSite, crawl: Run) -> None:
    gallery(site, 1)
    seen: list[str] = []

    def first(host: str, path: str) -> bool:
        seen.append(path)
        return seen == ["/robots.txt"]

    refuse(site, first, "1")
    assert crawl(site.url + "/start.html", "--max-depth", 0).returncode == 0
    assert seen[:3] == ["/robots.txt", "/robots.txt", "/start.html"]
    assert least_gap(arrivals(site)[:2]) >= PAUSE

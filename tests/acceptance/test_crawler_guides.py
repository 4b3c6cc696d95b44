"""Sitemaps and feeds: what is new is found, and visits to an unchanged site ask for little."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from crawling import Run, rows, visits_after

from demo.server import SampleSite

PICTURES = Path("demo/site/www/pictures")
WORKS = [f"/works/{number}.html" for number in range(10, 22)]
Later = Callable[[float], list[tuple[str, set[str]]]]


class Studio:
    """A site whose works are only in its feed or its sitemap."""

    def __init__(self, site: SampleSite) -> None:
        self.site = site
        self.changed = dict.fromkeys(WORKS, "2026-01-05")
        self.guide = "feed"
        for path in WORKS:
            self.work(path)

    def work(self, path: str, head: str = "") -> None:
        image = path.replace(".html", ".jpg")
        self.site.replace(path, f'<head>{head}</head><img src="{image}">'.encode())
        self.site.replace(image, (PICTURES / "cat.jpg").read_bytes())

    def serve(self) -> None:
        robots = "User-agent: *\nAllow: /\n"
        head = ""
        if self.guide == "sitemap":
            robots += f"Sitemap: {self.site.url}/all.xml\n"
            self.site.replace("/all.xml", self._sitemap())
        else:
            head = '<link rel="alternate" type="application/rss+xml" href="/new.rss">'
            self.site.replace("/new.rss", self._feed())
        self.site.replace("/robots.txt", robots.encode())
        links = "".join(f'<a href="{path}">w</a>' for path in WORKS)
        self.site.replace("/index.html", f"<head>{head}</head>{links}".encode())

    def _sitemap(self) -> bytes:
        urls = "".join(
            f"<url><loc>{self.site.url}{path}</loc><lastmod>{day}</lastmod></url>"
            for path, day in self.changed.items()
        )
        space = "http://www.sitemaps.org/schemas/sitemap/0.9"
        return f'<urlset xmlns="{space}">{urls}</urlset>'.encode()

    def _feed(self) -> bytes:
        items = "".join(
            f"<item><link>{self.site.url}{path}</link><pubDate>{day}</pubDate></item>"
            for path, day in list(self.changed.items())[::-1][:5]
        )
        return f'<rss version="2.0"><channel>{items}</channel></rss>'.encode()


@pytest.fixture(params=["sitemap", "feed"])
def studio(site: SampleSite, run: Run, database_url: str, request: pytest.FixtureRequest) -> Studio:
    made = Studio(site)
    made.guide = request.param
    made.serve()
    url, options = f"{site.url}/index.html", ("--every", "7d", "--delay", 0)
    added = run("crawler", "schedule", "add", url, *options, database=database_url)
    assert added.returncode == 0, added.stderr
    return made


@pytest.fixture
def later(studio: Studio, run: Run, database_url: str) -> Later:
    return lambda days: visits_after(days, studio.site, run, database_url)


def works(asked: set[str]) -> set[str]:
    return {path for path in asked if path.startswith("/works/") and path.endswith(".html")}


def test_a_new_work_is_found_before_the_pages_are_due(
    studio: Studio, later: Later, database_url: str
) -> None:
    later(0)
    assert works(later(1.1)[0][1]) == set()
    new = "/works/30.html"
    studio.changed[new] = f"{datetime.now(UTC):%Y-%m-%d}"
    studio.work(new, '<meta name="robots" content="noai">')
    studio.serve()
    ((extent, asked),) = later(1.1)
    assert (extent, works(asked)) == ("site-files", {new})
    # The site files, too, which every host of a page or an image is asked for.
    requests = Counter((request.host, request.path) for request in studio.site.requests)
    assert set(requests.values()) == {1}
    told = rows(database_url, "SELECT kind, right(url, 13) FROM event")
    assert told == [("picture-new", "/works/30.jpg")]


@pytest.mark.parametrize("studio", ["feed"], indirect=True)
def test_pages_of_which_nothing_is_told_are_not_asked_for(studio: Studio, later: Later) -> None:
    later(0)
    for _ in range(5):
        for extent, asked in later(7.5):
            assert (extent, len(works(asked))) == ("due", 1)
    # Until the longest interval is over.
    ((_, asked),) = later(60)
    assert len(works(asked)) > 4


@pytest.mark.parametrize("studio", ["sitemap"], indirect=True)
def test_a_sitemap_tells_which_pages_changed(
    studio: Studio, later: Later, database_url: str
) -> None:
    later(0)
    path = WORKS[7]
    studio.work(path, '<meta name="robots" content="noai">')
    studio.changed[path] = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    studio.serve()
    assert [(extent, path in asked) for extent, asked in later(1.1)][:1] == [("site-files", True)]
    assert rows(database_url, "SELECT kind FROM event") == [("mark-appeared",)]
    # One that names all pages as changed each time is not believed.
    for path in WORKS:
        studio.changed[path] = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    studio.serve()
    assert works(later(1.1)[0][1]) == set()


def test_an_unchanged_guide_is_not_sent_again(studio: Studio, later: Later) -> None:
    later(0)
    later(1.1)
    later(1.1)
    guide = "/all.xml" if studio.guide == "sitemap" else "/new.rss"
    statuses = [request.status for request in studio.site.requests if request.path == guide]
    assert statuses == [304]


def test_a_broken_guide_does_no_harm(studio: Studio, later: Later) -> None:
    for path in ("/all.xml", "/new.rss"):
        studio.site.replace(path, b"<html>not found")
    ((extent, asked),) = later(0)
    assert (extent, works(asked)) == ("full", set(WORKS))
    for path in ("/all.xml", "/new.rss"):
        studio.site.replace(path, b"gone", status=410)
    ((extent, asked),) = later(7.5)
    assert (extent, len(works(asked))) == ("due", 2)


@pytest.mark.parametrize("studio", ["sitemap"], indirect=True)
def test_a_visit_to_all_pages_asks_for_those_that_only_a_guide_names(
    studio: Studio, later: Later, database_url: str
) -> None:
    later(0)
    hidden = "/works/hidden.html"
    studio.work(hidden)
    studio.changed[hidden] = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    studio.serve()
    assert any(hidden in asked for _, asked in later(7.5))

    # Its mark changes, as those of all pages: the visit to all finds it again.
    noai = '<meta name="robots" content="noai">'
    for path in (hidden, *WORKS):
        studio.work(path, noai)
    visits = later(7.5)
    assert [extent for extent, _ in visits][-1] == "full"
    assert hidden in visits[-1][1]
    told = rows(database_url, "SELECT url FROM event WHERE kind = 'mark-appeared'")
    assert f"{studio.site.url}{hidden}" in {url for (url,) in told}
    # A page that is gone is forgotten by the next visit to all pages.
    studio.site.replace(hidden, b"gone", status=404)
    del studio.changed[hidden]
    for path in WORKS:
        studio.work(path, noai.replace("noai", "noimageai"))
    studio.serve()
    assert later(7.5)[-1][0] == "full"
    known = rows(database_url, "SELECT url FROM known_page")
    assert f"{studio.site.url}{hidden}" not in {url for (url,) in known}

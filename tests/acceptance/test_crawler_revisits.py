"""Revisits: what did not change is neither sent nor recorded again; what did is found."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from crawling import Run, observed, rows

from demo.server import SampleSite

PICTURES = Path("demo/site/www/pictures")
NOAI = '<meta name="robots" content="noai">'


@pytest.fixture
def gallery(site: SampleSite) -> SampleSite:
    """A site of an index and four pages, each with a picture of its own."""
    works = {"1": "cat", "2": "bulldog", "3": "capitol", "4": "ducks"}
    links = "".join(f'<a href="/works/{n}.html">{n}</a>' for n in works)
    site.replace("/index.html", f'<title>all</title>{links}<img src="/all.jpg">'.encode())
    site.replace("/all.jpg", (PICTURES / "djembe.jpg").read_bytes())
    for n, file in works.items():
        site.replace(f"/works/{n}.jpg", (PICTURES / f"{file}.jpg").read_bytes())
        site.replace(f"/works/{n}.html", page(n))
    return site


def page(name: str, head: str = "") -> bytes:
    return f'<head>{head}</head><a href="/index.html">all</a><img src="/works/{name}.jpg">'.encode()


def visited(site: SampleSite, crawl: Run, *options: object) -> dict[str, Any]:
    """Visit the site; return its counts."""
    site.requests.clear()
    ended = crawl(f"{site.url}/index.html", "--json", *options)
    assert ended.returncode == 0, ended.stderr
    counts: dict[str, Any] = json.loads(ended.stdout)
    return counts


def statuses(site: SampleSite, ends: str) -> Counter[int]:
    return Counter(request.status for request in site.requests if request.path.endswith(ends))


def test_an_unchanged_page_is_not_sent_again(
    gallery: SampleSite, crawl: Run, database_url: str
) -> None:
    first = visited(gallery, crawl)
    assert (first["pages"], statuses(gallery, ".html")) == (5, {200: 5})
    second = visited(gallery, crawl)
    # The start page and a sample of two come without conditions, so that their headers are seen.
    assert statuses(gallery, ".html") == {304: 2, 200: 3}
    assert (second["pages"], second["observations"]) == (5, first["observations"])
    assert len(observed(database_url, 2)) == len(observed(database_url, 1)) == 5
    assert rows(database_url, "SELECT count(*) FROM observation") == [(5,)]


def test_a_changed_page_is_sent_and_told(
    gallery: SampleSite, crawl: Run, database_url: str
) -> None:
    visited(gallery, crawl)
    gallery.replace("/works/2.html", page("2", NOAI))
    gallery.replace("/works/3.html", page("3") + b'<a href="/works/5.html">5</a>')
    gallery.replace("/works/5.html", page("5"))
    visited(gallery, crawl)
    assert sum(statuses(gallery, f"/{name}.html")[200] for name in ("2", "3", "5")) == 3
    assert sum(statuses(gallery, ".html").values()) == 6
    told = rows(database_url, "SELECT kind, url FROM event")
    assert told == [("mark-appeared", f"{gallery.url}/works/2.html")]


def test_a_page_that_is_sent_again_is_compared_by_what_it_has(
    gallery: SampleSite, crawl: Run, database_url: str
) -> None:
    visited(gallery, crawl)
    digests = "SELECT key, digest FROM known_page ORDER BY key"
    before = rows(database_url, digests)
    gallery.replace("/works/1.html", page("1", "<!-- built at 10:31 -->"))
    visited(gallery, crawl)
    assert statuses(gallery, "1.html") == {200: 1}
    assert rows(database_url, digests) == before
    assert rows(database_url, "SELECT count(*) FROM observation") == [(5,)]

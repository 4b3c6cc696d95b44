"""Visits of a schedule: which pages and files each of them asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from crawling import Run, rows, visits_after

from demo.server import SampleSite

PICTURES = Path("demo/site/www/pictures")
NOAI = '<meta name="robots" content="noai">'
WORKS = [f"/works/{number}.html" for number in range(10, 22)]
SITE_FILES = {
    "/robots.txt",
    "/ai.txt",
    "/.well-known/ai.txt",
    "/.well-known/ai.json",
    "/trust.txt",
    "/.well-known/trust.txt",
    "/.well-known/tdmrep.json",
}
Later = Callable[[float], list[tuple[str, set[str]]]]


def page(path: str, head: str = "", more: str = "") -> bytes:
    image = path.replace(".html", ".jpg")
    return f'<head>{head}</head><a href="/index.html">all</a><img src="{image}">{more}'.encode()


@pytest.fixture
def gallery(site: SampleSite, run: Run, database_url: str) -> SampleSite:
    """A scheduled site of an index and twelve works, each with one picture."""
    site.replace("/robots.txt", b"User-agent: *\nAllow: /\n")
    site.replace("/index.html", "".join(f'<a href="{path}">w</a>' for path in WORKS).encode())
    for number, path in enumerate(WORKS):
        site.replace(path, page(path))
        picture = sorted(PICTURES.glob("*.jpg"))[number % 5].read_bytes()
        site.replace(path.replace(".html", ".jpg"), picture)
    options = ("--every", "7d", "--delay", 0)
    run("crawler", "schedule", "add", f"{site.url}/index.html", *options, database=database_url)
    return site


@pytest.fixture
def later(gallery: SampleSite, run: Run, database_url: str) -> Later:
    """Let days pass, and make the visits that are due."""
    return lambda days: visits_after(days, gallery, run, database_url)


def works(asked: set[str]) -> set[str]:
    return {path for path in asked if path.startswith("/works/") and path.endswith(".html")}


def test_a_page_is_asked_for_when_it_is_due(gallery: SampleSite, later: Later) -> None:
    ((extent, asked),) = later(0)
    assert (extent, works(asked)) == ("full", set(WORKS))

    ((extent, asked),) = later(7.5)
    assert extent == "due"
    # A sample of two, with their pictures; the start page; and the site files.
    assert len(works(asked)) == 2
    pictures = {path.replace(".html", ".jpg") for path in works(asked)}
    assert asked == works(asked) | pictures | SITE_FILES | {"/index.html"}
    statuses = {request.path: request.status for request in gallery.requests}
    # Two pages and one picture come without conditions, so that all of their headers are seen.
    assert {statuses[path] for path in (*works(asked), "/index.html")} == {200}
    assert sorted(statuses[path] for path in pictures) == [200, 304]

    ((_, again),) = later(7.5)
    assert not works(again) & works(asked)

    # A new page is due after 11 to 18 days; a quarter of all pages at one visit.
    ((_, others),) = later(20)
    assert len(works(others)) == 3 + 2
    assert works(later(90)[0][1]) == set(WORKS)


def test_site_files_are_asked_for_more_often(
    gallery: SampleSite, later: Later, database_url: str
) -> None:
    later(0)
    assert later(0.8) == []
    assert later(0.3) == [("site-files", SITE_FILES)]
    gallery.replace("/robots.txt", b"User-agent: GPTBot\nDisallow: /\n")
    (first, (extent, asked)) = later(1.1)
    assert first == ("site-files", SITE_FILES)
    # The site has changed its mind: its pages are looked at.
    assert (extent, len(works(asked))) == ("due", 2)
    assert rows(database_url, "SELECT kind FROM event") == [("mark-appeared",)]


def test_a_mark_on_one_page_leads_to_all(
    gallery: SampleSite, later: Later, database_url: str
) -> None:
    later(0)
    for path in WORKS:
        gallery.replace(path, page(path, NOAI))
    (due, full) = later(7.5)
    assert (due[0], len(works(due[1]))) == ("due", 2)
    assert (full[0], works(full[1])) == ("full", set(WORKS))
    told = rows(database_url, "SELECT kind, url FROM event ORDER BY url")
    assert told == [("mark-appeared", gallery.url + path) for path in WORKS]
    # The next visit asks for few pages again: the two that were found to have changed, and two.
    ((extent, asked),) = later(7.5)
    assert (extent, 2 <= len(works(asked)) <= 4) == ("due", True)


def test_a_mark_in_headers_is_looked_for_without_conditions(
    gallery: SampleSite, later: Later
) -> None:
    later(0)
    gallery.replace(
        "/index.html",
        "".join(f'<a href="{path}">w</a>' for path in WORKS).encode(),
        headers=(("X-Robots-Tag", "noai"),),
    )
    (_, (extent, asked)) = later(7.5)
    assert (extent, works(asked)) == ("fresh", set(WORKS))
    assert {request.status for request in gallery.requests if request.path in WORKS[5:]} == {200}


def test_new_pages_are_found_and_pictures_not_asked_for_are_not_stale(
    gallery: SampleSite, later: Later, database_url: str
) -> None:
    later(0)
    new = "/works/30.html"
    links = "".join(f'<a href="{path}">w</a>' for path in (new, *WORKS))
    gallery.replace("/index.html", links.encode())
    gallery.replace(new, page(new))
    gallery.replace("/works/30.jpg", (PICTURES / "cat.jpg").read_bytes())
    ((extent, asked),) = later(7.5)
    assert (extent, new in asked, "/works/30.jpg" in asked) == ("due", True, True)
    # A page that is asked for in vain, and one that shows its picture no more.
    gallery.replace(new, b"gone", status=404)
    later(30)
    for _ in range(3):
        later(2)
        later(7.5)
    told = rows(database_url, "SELECT kind, right(url, 13) FROM event ORDER BY id")
    assert told == [("picture-new", "/works/30.jpg"), ("picture-stale", "/works/30.jpg")]


def test_every_page_can_be_asked_for_at_each_visit(
    gallery: SampleSite, later: Later, run: Run, database_url: str
) -> None:
    options = ("--every", "7d", "--delay", 0, "--every-page", "--site-files", "30d")
    url = f"{gallery.url}/index.html"
    assert run("crawler", "schedule", "add", url, *options, database=database_url).returncode == 0
    later(0)
    assert later(3) == []
    ((extent, asked),) = later(4.5)
    assert (extent, works(asked)) == ("full", set(WORKS))
    statuses = Counter(request.status for request in gallery.requests if request.path in WORKS)
    assert statuses == {304: len(WORKS) - 2, 200: 2}
    # A mark in header fields, which a 304 may leave out, is found, and looked for everywhere.
    for path in WORKS:
        gallery.replace(path, page(path), headers=(("X-Robots-Tag", "noai"),))
    (full, (extent, asked)) = later(7.5)
    assert (full[0], extent, works(asked)) == ("full", "fresh", set(WORKS))
    told = rows(database_url, "SELECT kind, count(*) FROM event GROUP BY kind")
    assert told == [("mark-appeared", len(WORKS))]

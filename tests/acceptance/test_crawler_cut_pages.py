"""Pages that break off: their marks and pictures are kept, and take nothing back."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from crawling import Run, observed
from raw_site import NOT_FOUND, answer, raw_site

from registry.db.connect import connect_to
from registry.lookups.history import history

CAT = answer(Path("demo/site/www/pictures/cat.jpg").read_bytes(), "Content-Type: image/jpeg")
HTML = "Content-Type: text/html"
IMAGE = '<img src="/cat.jpg">'
MARKED = f'<!doctype html><meta name="robots" content="noai">{IMAGE}<a href="/next">'.encode()
BARE = f"<!doctype html>{IMAGE}<p>words".encode()
CHUNKED = (
    f"HTTP/1.1 200 OK\r\n{HTML}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    f"{len(MARKED):x}\r\n".encode()
)
PACKED = gzip.compress(MARKED + bytes(range(256)) * 40)
# How a page breaks off, and how often it is asked for.
BROKEN = {
    "length": (answer(MARKED, HTML, length=100_000), 2),
    "chunked": (CHUNKED + MARKED + b"\r\n", 2),
    "packed": (answer(PACKED[:-200], HTML, "Content-Encoding: gzip", length=99_999), 2),
    "too-long": (answer(MARKED + b"<p>words " * 1_500_000, HTML), 1),
}


@pytest.mark.parametrize("how", BROKEN)
def test_the_marks_and_pictures_of_a_page_that_breaks_off_are_kept(
    crawl: Run, run: Run, database_url: str, how: str
) -> None:
    body, times = BROKEN[how]
    with raw_site() as site:
        first = answer(b'<!doctype html><a href="/cut">', HTML)
        site.answers = {"/": first, "/cut": body, "/cat.jpg": CAT, "/next": answer(BARE, HTML)}
        crawled = crawl(site.url + "/", "--json")
        assert site.asked.count("/cut") == times
        explained = run("registry", "explain", site.url + "/cut")
    assert (crawled.returncode, "Traceback" in crawled.stderr) == (0, False), crawled.stderr
    said = json.loads(crawled.stdout)
    assert said["pages_refused"] == {"page-truncated": 1}
    assert (said["pages"], said["marks"]["noai"], said["images"]) == (2, 1, 1)
    found = {o["page_url"].rpartition("/")[2]: o for o in observed(database_url)}
    assert found["cut"]["refusal"] == "page-truncated"
    assert found["cut"]["image_id"] == found["next"]["image_id"] is not None
    assert found["next"]["refusal"] is None
    assert "noai" in explained.stdout


def test_a_page_that_breaks_off_takes_no_mark_back(crawl: Run, database_url: str) -> None:
    cut = answer(BARE, HTML, length=100_000)
    whole = {"marked": answer(MARKED, HTML), "bare": answer(BARE, HTML)}
    stands = []
    with raw_site() as site:
        site.answers["/cat.jpg"] = CAT
        for page in (whole["marked"], cut, cut, whole["bare"]):
            site.answers["/"] = page
            crawl(site.url + "/")
            with connect_to(database_url) as conn:
                (place,) = history(conn, site.url + "/cat.jpg").places
            stands.append([e.what for e in place.events if e.what in {"mark", "went"}])
    assert stands == [["mark"], ["mark"], ["mark"], ["mark", "went"]]


def test_a_whole_page_takes_the_place_of_one_that_broke_off(crawl: Run, database_url: str) -> None:
    cut = answer(BARE, HTML, length=100_000)
    with raw_site() as site:
        site.answers = {"/": [cut, answer(MARKED, HTML)], "/cat.jpg": CAT}
        crawled = crawl(site.url + "/", "--json")
    said = json.loads(crawled.stdout)
    assert (said["pages_refused"].get("page-truncated"), said["marks"]["noai"]) == (None, 1)
    assert observed(database_url)[0]["refusal"] is None


SECOND = {
    "nothing": b"",
    "missing": NOT_FOUND,
    "failure": answer(b"", status="500 X"),
    "shorter": answer(b"<p>", HTML, length=99_999),
}


@pytest.mark.parametrize("second", SECOND.values(), ids=SECOND)
def test_a_failed_second_try_loses_nothing(crawl: Run, database_url: str, second: bytes) -> None:
    with raw_site() as site:
        cut = answer(MARKED, HTML, length=100_000)
        site.answers = {"/": [cut, second], "/cat.jpg": CAT}
        crawled = crawl(site.url + "/", "--json")
    assert crawled.returncode == 4
    assert "the response was truncated; the received part was recorded" in crawled.stderr
    assert json.loads(crawled.stdout)["marks"]["noai"] == 1
    (found,) = observed(database_url)
    assert (found["refusal"], found["image_id"] is None) == ("page-truncated", False)

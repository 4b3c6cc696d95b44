"""What is a page: the crawler and `registry explain` say the same of every answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from crawling import Run, observed
from raw_site import answer, raw_site

CAT = Path("demo/site/www/pictures/cat.jpg").read_bytes()
PAGE = b'<html lang="en"><meta name="robots" content="noai"><img src="/cat.jpg">'
TYPES = {
    "missing": (),
    "empty": ("Content-Type:",),
    "invalid": ("Content-Type: html",),
    "only-parameters": ("Content-Type: ; charset=utf-8",),
    "unknown": ("Content-Type: application/octet-stream",),
    "twice": ("Content-Type: text/html", "Content-Type: nonsense"),
    "xml": ("Content-Type: application/xml",),
    "text": ("Content-Type: text/plain",),
    "script": ("Content-Type: application/javascript",),
}
NO_PAGES = {"text", "script"}


@pytest.mark.parametrize("name", TYPES)
def test_the_crawler_and_explain_agree_on_what_is_a_page(
    run: Run, crawl: Run, database_url: str, name: str
) -> None:
    with raw_site() as site:
        site.answers = {
            "/": answer(PAGE, *TYPES[name]),
            "/cat.jpg": answer(CAT, "Content-Type: image/jpeg"),
        }
        crawled = crawl(site.url + "/", "--json")
        explained = run("registry", "explain", site.url + "/", "--json")
    said = json.loads(crawled.stdout)
    assert (json.loads(explained.stdout)["kind"] == "html") == (name not in NO_PAGES)
    if name in NO_PAGES:
        assert said["pages_refused"] == {"not-a-page": 1}
        assert "not-a-page" not in crawled.stderr
        assert observed(database_url) == []
        return
    assert said["marks"]["noai"] == 1, crawled.stderr
    (found,) = observed(database_url)
    assert found["image_id"] is not None
    assert "reserved" in explained.stdout

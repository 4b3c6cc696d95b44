"""Every spider reads its captured pages as expected. A new spider needs no test code.

`tests/captures/SPIDER/NAME.html` starts with a comment that holds its address;
`NAME.json` beside it says what must be found. A missing one is written, and the
test fails so that a person looks at it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from crawler.pages.reading import PageResponse
from crawler.plan import spiders

CAPTURES = Path(__file__).parents[1] / "captures"
PAGES = sorted(CAPTURES.glob("*/*.html"))


@pytest.mark.parametrize("name", sorted(spiders()))
def test_every_spider_has_captures_and_the_name_of_its_file(name: str) -> None:
    assert list((CAPTURES / name).glob("*.html")), f"capture a page under {CAPTURES / name}"
    assert spiders()[name].__module__ == f"crawler.spiders.{name}"
    assert spiders()[name].about


@pytest.mark.parametrize("page", PAGES, ids=[f"{p.parent.name}/{p.stem}" for p in PAGES])
def test_a_captured_page_is_read_as_expected(page: Path) -> None:
    html = page.read_text("utf-8")
    url = html.partition("-->")[0].removeprefix("<!--").strip()
    content = spiders()[page.parent.name].parse(PageResponse(html, url))
    found = {
        "images": list(map(asdict, content.images)),
        "links": list(map(asdict, content.links)),
    }
    found = json.loads(json.dumps(found))
    expected = page.with_suffix(".json")
    if not expected.exists():
        expected.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
        pytest.fail(f"{expected.name} was not there and has been written: review it, then commit")
    assert found == json.loads(expected.read_text("utf-8"))

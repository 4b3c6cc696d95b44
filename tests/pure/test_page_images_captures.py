"""Every spider reads its captured pages as expected. A new spider needs no test code.

tests/captures/README.md says what a capture is.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import captured
import pytest

from crawler.pages.images import ImageCandidate
from crawler.pages.reading import PageContent, PageParser, PageResponse
from crawler.plan import spiders

PAGES = captured.pages(captured.CAPTURES)


def found_in(page: Path, parse: PageParser) -> dict[str, Any]:
    """Return what a spider finds in a captured page, as its expected file has it."""
    content = parse(captured.response(page))
    found = {
        "images": list(map(asdict, content.images)),
        "links": list(map(asdict, content.links)),
    }
    return dict(json.loads(json.dumps(found)))


def agrees(page: Path, parse: PageParser) -> None:
    """Fail if the expected file of a captured page is missing, then written, or differs."""
    found = found_in(page, parse)
    expected = page.with_name(captured.stem_of(page) + captured.EXPECTED)
    if not expected.exists():
        expected.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
        pytest.fail(
            f"{expected.name} was not there and has been written: compare it with {page.name}, "
            "then commit both",
            pytrace=False,
        )
    assert found == json.loads(expected.read_text("utf-8")), (
        f"{page.name} is read in another way than {expected.name} says: correct the spider, or "
        f"delete {expected.name} and run this test again; {captured.HELP}"
    )


@pytest.mark.parametrize("name", sorted(spiders()))
def test_every_spider_has_captures_and_the_name_of_its_file(name: str) -> None:
    there = {captured.kind_of(page) for page in captured.pages(captured.CAPTURES / name)}
    missing = set(spiders()[name].kinds) - there
    assert not missing, (
        f"capture a page of the kind {', '.join(sorted(missing))} in tests/captures/{name}/; "
        f"{captured.HELP}"
    )
    assert spiders()[name].__module__ == f"crawler.spiders.{name}"
    assert spiders()[name].about


@pytest.mark.parametrize("page", PAGES, ids=[f"{p.parent.name}/{p.name}" for p in PAGES])
def test_a_captured_page_is_read_as_expected(page: Path) -> None:
    agrees(page, spiders()[page.parent.name].parse)


def parse_json(response: PageResponse) -> PageContent:
    """Read a page as a spider for JSON does."""
    assert response.kind == "json"
    return PageContent((ImageCandidate(response.url + response.json()["image"]),))


def test_a_json_page_is_captured_and_its_expected_file_written_once(tmp_path: Path) -> None:
    page = tmp_path / "work.page.json"
    page.write_text('// https://a.example/\n{"image": "cat.jpg"}', "utf-8")
    with pytest.raises(pytest.fail.Exception, match=r"compare it with work\.page\.json"):
        agrees(page, parse_json)
    expected = json.loads((tmp_path / "work.expected.json").read_text("utf-8"))
    assert expected["images"][0]["url"] == "https://a.example/cat.jpg"
    agrees(page, parse_json)
    page.write_text('// https://a.example/\n{"image": "dog.jpg"}', "utf-8")
    with pytest.raises(AssertionError, match=r"correct the spider, or delete work\.expected\.json"):
        agrees(page, parse_json)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.page.json", "{}"),
        ("a.page.json", "// a.example\n{}"),
        ("a.html", "<p>"),
        ("a.html", "<!-- mine --><p>"),
    ],
)
def test_a_capture_without_an_address_says_what_to_do(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(ValueError, match=rf"{name}: the first line is not .*README\.md"):
        captured.response(tmp_path / name)

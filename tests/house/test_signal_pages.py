"""The readers' docstrings are pages: what is generated of them is fresh."""

import runpy

import pytest
from sources import ROOT, hold

from registry.verdict import known_policies

GENERATE = runpy.run_path(str(ROOT / "docs/generate.py"))
OVERVIEW = (ROOT / "docs/signals.md").read_text("utf-8")


def test_page_is_fresh():
    page = (ROOT / "docs/reference/signals.md").read_text("utf-8")
    fix = ".venv/bin/python docs/generate.py"
    assert GENERATE["signals_page"]() == page, f"docs/reference/signals.md is stale; {fix}"


def test_overview_is_fresh_and_names_every_policy():
    assert GENERATE["overview_page"]() == OVERVIEW, "docs/signals.md is stale; docs/generate.py"
    wrong = [name for name in known_policies() if f"| `{name}`" not in OVERVIEW]
    hold(wrong, "docs/signals.md has a row for each", "write one")


@pytest.mark.parametrize(
    ("text", "page"),
    [
        (
            "Where: here.\n\nExample:\n\n    a\n\n    b\n",
            "**Where:** here.\n\n**Example:**\n\n```\na\n\nb\n```",
        ),
        ("In <head> a `<meta>` of * [x]", "In \\<head> a `<meta>` of \\* \\[x]"),
    ],
)
def test_docstrings_as_pages(text, page):
    assert GENERATE["_markdown"](text.rstrip()) == page

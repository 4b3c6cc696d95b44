"""A reader's docstring is its reference page, so it has a reference page's parts."""

import re

import pytest
from sources import hold

from registry.explain.evidence_lines import TEXT_KINDS
from registry.signals import readers

PARTS = ("Where", "Example", "Grammar", "What it says", "Decisions", "Source")


@pytest.mark.parametrize("name", readers())
def test_page_has_its_parts(name):
    page = readers()[name].__doc__
    missing = [part for part in PARTS if not re.search(rf"^{part}s?:", page, re.MULTILINE)]
    hold(
        [f"registry/signals/{name}.py has no paragraph `{part}:`" for part in missing],
        "a reader's docstring says: " + ", ".join(PARTS),
        "write the paragraph; registry/signals/x_robots_tag.py shows the form",
    )


@pytest.mark.parametrize("name", readers())
def test_reader_takes_the_kinds_there_are(name):
    assert set(readers()[name].CARRIERS) <= {"headers", "tdmrep-json", *TEXT_KINDS}

"""A plug-in for sizes of pictures has its reference page and its vectors."""

import json
import re

import pytest
from sources import ROOT, hold

from registry.urls.variants import plugins

FOLDER = ROOT / "tests/vectors/variants"
PARTS = ("What", "Grammar", "Ambiguities", "Decision", "Source")
FEWEST = 8


@pytest.mark.parametrize("name", plugins())
def test_page_has_its_parts(name):
    page = plugins()[name].__doc__ or ""
    missing = [part for part in PARTS if not re.search(rf"^{part}:\s", page, re.MULTILINE)]
    hold(
        [f"registry/urls/variants/{name}.py has no paragraph `{part}:`" for part in missing],
        "a plug-in's docstring says: " + ", ".join(PARTS),
        "write the paragraph; registry/urls/variants/flickr.py shows the form",
    )


@pytest.mark.parametrize("name", plugins())
def test_plugin_has_vectors(name):
    path = FOLDER / f"{name}.jsonl"
    assert path.is_file(), f"write {path.name}: URLs, and the picture that {name} finds in each"
    vectors = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(vectors) >= FEWEST
    assert {frozenset(vector) for vector in vectors} == {frozenset({"url", "picture", "why"})}
    negative = [vector["picture"] is None for vector in vectors]
    assert negative == sorted(negative, reverse=True), "negative vectors come first"
    assert any(negative)
    assert not all(negative)
    assert len({vector["url"] for vector in vectors}) == len(vectors), "a URL is there twice"


def test_vectors_belong_to_a_plugin():
    assert {path.stem for path in FOLDER.iterdir()} == set(plugins())

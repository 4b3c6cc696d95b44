"""A reader's docstring is its reference page; what it declares of its vocabulary is so."""

import json
import re

import pytest
from sources import ROOT, hold

from registry.evidence.carriers import Carrier
from registry.explain import evidence_lines
from registry.explain.evidence_lines import TEXT_KINDS
from registry.model import Reading
from registry.signals import readers, vocabularies_with

PARTS = ("Refuses", "Where", "Example", "Grammar", "What it says", "Decisions", "Source")


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
    assert set(readers()[name].CARRIERS) <= {"headers", *TEXT_KINDS}


@pytest.mark.parametrize("name", readers())
def test_signals_name_the_vocabulary_that_is_declared(name, monkeypatch):
    """By that name their flags are found."""
    reader = readers()[name]

    def read(evidence):
        return reader.read(evidence) if evidence.carrier in reader.CARRIERS else Reading()

    monkeypatch.setattr(evidence_lines, "read", read)
    declared = getattr(reader, "VOCABULARY", name.replace("_", "-"))
    vectors = (ROOT / f"tests/vectors/{name}.jsonl").read_text("utf-8")
    for line in map(json.loads, vectors.splitlines()):
        _, reading = evidence_lines.read_line(line)
        assert {signal.vocabulary for signal in reading.signals} <= {declared}


def test_flags_are_those_of_the_vocabulary_whoever_reads_it():
    """Two readers are of one vocabulary; one of them says how its marks combine."""
    assert {"x-robots-tag", "robots-meta", "deviantart"} <= vocabularies_with("COVERS_IMAGES")
    assert {"tdmrep", "plus", "content-usage"}.isdisjoint(vocabularies_with("COVERS_IMAGES"))
    assert "content-usage" in vocabularies_with("LICENSABLE")
    assert "cc-signals" not in vocabularies_with("LICENSABLE")


@pytest.mark.parametrize("name", readers())
def test_a_declared_file_is_read_by_its_reader(name):
    reader = readers()[name]
    for row in getattr(reader, "SITE_FILES", ()):
        assert isinstance(row, Carrier)
        assert (row.about, row.name in reader.CARRIERS) == ("site", True)

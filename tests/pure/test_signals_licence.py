"""Links to licences: what the tokeniser must give back, and what an answer says of them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.explain.evidence_lines import answer
from registry.model import Evidence
from registry.signals import licence, rsl, tdmrep_link
from registry.signals._link_header import MAX_FIELD, links, links_of

VECTORS = Path(__file__).parent.parent / "vectors"


def vectors(pattern):
    lines = [
        line for path in VECTORS.glob(pattern) for line in path.read_text("utf-8").splitlines()
    ]
    return [pytest.param(vector, id=vector["id"]) for vector in map(json.loads, lines)]


def with_licence():
    return [each for each in vectors("*.jsonl") if "licence" in each.values[0]["expect"]]


def unsettled():
    found = [*vectors("rsl.jsonl"), *vectors("licence.jsonl"), *vectors("tdmrep_link.jsonl")]
    return [each for each in found if each.values[0].get("unsure")]


@pytest.mark.parametrize("vector", with_licence())
def test_answer_says_where_the_licence_stands(vector):
    assert answer(vector, "letter")["licence"] == vector["expect"]["licence"]


TOKENS = st.text("abz019!*", min_size=1, max_size=5)
QUOTED = st.text(st.sampled_from('a,;<>="\\ é'), max_size=8)
TARGETS = st.text(st.sampled_from('ab,;="/:. '), max_size=8).map(str.strip)


@pytest.mark.parametrize("vector", unsettled())
def test_what_documents_do_not_settle_is_decided_as_it_is_written_down(vector):
    expect = vector["expect"]
    letter, cautious = answer(vector, "letter"), answer(vector, "cautious")
    assert letter["train"] == expect["train"]
    assert cautious["train"] == expect.get("train_cautious", expect["train"])
    assert set(letter["signals"]) == set(expect["signals"])


@given(st.lists(st.tuples(TARGETS, st.dictionaries(TOKENS, QUOTED, max_size=3)), max_size=4))
def test_links_are_read_back_as_they_were_written(written):
    def quoted(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    fields = [
        f"<{target}>" + "".join(f" ; {name}={quoted(value)}" for name, value in given.items())
        for target, given in written
    ]
    found = list(links(" , ".join(fields)))
    assert [(link.target, link.parameters) for link in found] == [
        (target, {name: value.strip() for name, value in given.items()})
        for target, given in written
    ]
    assert [link.raw for link in found] == fields


def test_what_is_no_link_is_skipped_to_the_next_comma():
    text = 'x; rel="a, <b>; rel=license", <c>; rel=license; rel=next garbage, ,<d>'
    assert [(link.target, sorted(link.relations)) for link in links(text)] == [
        ("c", ["license"]),
        ("d", []),
    ]


def test_hostile_headers_are_bounded():
    values = ("<," * 100_000, '<a>;rel="' * 30_000, "<a>;rel=license," * 20_000, "," * 500_000)
    for value in values:
        evidence = Evidence("headers", "image", "https://a.example", (("Link", value),))
        assert sum(len(link.raw) for link in links_of(evidence)[0]) <= 4 * MAX_FIELD
        for reader in (rsl, licence, tdmrep_link):
            reading = reader.read(evidence)
            assert len(reading.signals) <= 100
            assert len(reading.warnings) <= rsl.MAX_WARNINGS

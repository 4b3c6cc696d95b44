"""Whom to ask and to credit, from the marks of a picture."""

from dataclasses import replace

import pytest

from registry.model import Evidence, Signal
from registry.signals import read
from registry.verdict import decide
from registry.verdict.licensing import Terms, about_licensing, host_of_marks, terms_of

OFFER = Signal(
    *("tdm-reservation=1", "tdmrep", "headers", "image", "1", "https://art.example/a.jpg"),
    (("train", "conditional"), ("train-genai", "conditional")),
    licence_url="https://art.example/policy",
)


def named(name, text, **fields):
    signal = Signal(name, name.partition(":")[0], "xmp", "image", f"x: {text}", "https://b.example")
    return replace(signal, **fields)


@pytest.mark.parametrize(
    ("names", "terms"),
    [
        ({}, Terms()),
        ({"licence:creator": "Ada: A"}, Terms("Ada: A", creator="Ada: A")),
        ({"licence:licensor-name": " ", "licence:owner": "O"}, Terms("O")),
        (
            {"licence:owner": "O", "rsl:licensor": "R", "licence:licensor-name": "L"},
            Terms("L"),
        ),
        (
            {"licence:creator-url": "https://c.example", "rsl:contactUrl": "https://r.example"},
            Terms(contact="https://r.example"),
        ),
        ({"licence:credit": "C", "schema:creditText": "S"}, Terms(credit="C")),
    ],
)
def test_the_nearest_name_counts(names, terms):
    about = [named(name, text) for name, text in names.items()]
    verdict = decide([OFFER, *about], "letter")
    assert verdict.decision == "conditional"
    assert terms_of(verdict) == replace(terms, licence_url="https://art.example/policy")
    assert host_of_marks(verdict) == "art.example"
    assert terms_of(decide(about)) == terms
    assert host_of_marks(decide(about)) is None


def test_creators_are_few_and_short():
    creators = [named("licence:creator", f"{n}" * 100) for n in range(9)]
    text = terms_of(decide(creators)).creator
    assert text is not None
    assert len(text) == 200
    assert text.startswith("0" * 100 + ", 1")


def test_a_page_names_nobody_for_the_pictures_of_others():
    given = named("schema:creator", "Ada", scope="page")
    assert about_licensing([given]) == (given,)
    assert about_licensing([replace(given, third_party=True)]) == ()


def test_very_many_names_are_bounded():
    items = "".join(f"<rdf:li>{n}{'x' * 5000}</rdf:li>" for n in range(300))
    packet = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator><rdf:Seq>{items}</rdf:Seq>'
        "</dc:creator></rdf:Description></rdf:RDF>"
    )
    found = read(Evidence("xmp", "image", "https://a.example/1.jpg", text=packet)).signals
    assert len(found) == 10
    assert max(len(signal.raw) for signal in found) < 250

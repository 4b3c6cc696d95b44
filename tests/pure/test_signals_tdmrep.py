"""TDMRep in its four places: what its vectors cannot say of a reader."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.explain.evidence_lines import answer
from registry.model import DECISIONS, Evidence
from registry.signals import _tdmrep_file, tdmrep
from registry.signals._directives import MAX_RAW

URL = "https://a.example/.well-known/tdmrep.json"
SPACE = "http://www.w3.org/ns/tdmrep/"
VALUES = st.sampled_from(
    [0, 1, 2, -1, 0.0, 1.0, True, False, None, "0", "1", "true", "yes", "", [], {}, [1], {"a": 1}]
)
ENTRIES = st.one_of(
    VALUES,
    st.fixed_dictionaries({"location": st.sampled_from(["/", "a"]), "tdm-reservation": VALUES}),
    st.dictionaries(
        st.sampled_from(["location", "Location", "tdm-reservation", "tdm_reservation", "x"]),
        VALUES | st.sampled_from(["/", "/a", "a", "*.jpg", "https://a.example/a", "p.json"]),
    ),
)


def of_file(text):
    return tdmrep.read(Evidence("tdmrep-json", "site", URL, text=text))


def said(reading):
    return [(s.name, s.conformance) for s in reading.signals]


@given(st.lists(ENTRIES, max_size=5), st.integers(0, 200), st.text(max_size=3))
@settings(max_examples=400)
def test_any_file_is_read_and_only_a_proper_0_permits(entries, cut, more):
    text = json.dumps(entries)
    for given_text in (text, text[:cut] + more, json.dumps(entries[0]) if entries else more):
        reading = of_file(given_text)
        for signal in reading.signals:
            assert signal.raw
            assert signal.rule.precedence == "first"
            if signal.conformance != "ok":
                assert reading.warnings
                assert signal.name == "tdm-reservation=1"
                assert signal.meaning("tdm") in {"reserved", "conditional"}
            if signal.meaning("tdm") == "allowed":
                entry = entries[signal.rule.order]
                assert type(entry["tdm-reservation"]) is int
                assert entry["tdm-reservation"] == 0
                assert given_text == text


@given(
    st.lists(st.text(max_size=5) | st.sampled_from(["0", "1", "0,1", "true", "?1"]), max_size=3),
    st.lists(st.text(max_size=9) | st.sampled_from(["https://b.example/p", "/p"]), max_size=3),
)
@settings(max_examples=300)
def test_headers_say_one_thing_at_most(values, policies):
    lines = [("TDM-Reservation", value) for value in values]
    lines += [("tdm-policy", value) for value in policies]
    reading = tdmrep.read(Evidence("headers", "image", "https://a.example/a", tuple(lines)))
    names = [signal.name for signal in reading.signals]
    assert len(names) == len(set(names)) <= 2
    if "tdm-reservation=0" in names:
        parts = [part.strip(" \t") for value in values for part in value.split(",")]
        assert set(parts) == {"0"}
        assert names == ["tdm-reservation=0"]
    if any(value.strip(" \t") == "1" for value in values):
        assert names[0] == "tdm-reservation=1"
        assert reading.signals[0].conformance == "ok"


@given(st.data())
@settings(max_examples=300)
def test_cautious_is_never_looser_than_letter(data):
    """But for a permission: what the letter refuses, caution refuses as strictly."""
    entries = data.draw(st.lists(ENTRIES, max_size=4))
    given_input = {"wellknown": json.dumps(entries)}
    value = st.sampled_from(["0", "1", "true", "x"])
    if data.draw(st.booleans()):
        given_input["headers"] = [["tdm-reservation", data.draw(value)]]
    if data.draw(st.booleans()):
        given_input.setdefault("headers", []).append(["tdm-policy", "/p"])
    if data.draw(st.booleans()):
        given_input["html"] = f'<meta name="tdm-reservation" content="{data.draw(value)}">'
    page = data.draw(st.sampled_from(["https://a.example/page", "https://b.example/page"]))
    line = {
        "id": "x",
        "kind": "tdmrep-json",
        "input": given_input,
        "context": {"image_url": "https://a.example/a", "page_url": page},
    }
    letter, cautious = answer(line, "letter")["train"], answer(line, "cautious")["train"]
    if letter in {"reserved", "conditional"}:
        assert DECISIONS.index(cautious) <= DECISIONS.index(letter)
    if cautious == "allowed":
        assert letter == "allowed"


@given(st.text())
@settings(max_examples=300)
def test_no_text_makes_it_raise(text):
    for carrier in ("tdmrep-json", "html", "xmp"):
        for whole in (text, f"[{text}", f'<meta name="tdm-reservation" content="{text}">'):
            tdmrep.read(Evidence(carrier, "image", text, text=whole))
    lines = ((text, text), ("tdm-policy", text), ("tdm-reservation", text))
    tdmrep.read(Evidence("headers", "image", text, lines))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 3_000_000,
        '{"a":' * 500_000,
        '[{"location":' * 500_000,
        "[" + "9" * 3_000_000,
        '[{"location":"/","tdm-reservation":' + "1" * 1_000_000 + "}]",
        '[{"location":"/","tdm-reservation":1e' + "9" * 1_000_000 + "}]",
        "[" + "{}," * 1_500_000,
        '["\ud800\x00", "' + "\ud800" * 1_000_000,
    ],
)
def test_hostile_files_say_nothing(text):
    reading = of_file(text)
    assert reading.signals == ()
    assert 0 < len(reading.warnings) <= tdmrep.MAX_WARNINGS + 1
    assert all(len(warning) < 2000 for warning in reading.warnings)


def test_signals_and_their_texts_are_bounded():
    entry = '{"location":"/%s","tdm-reservation":1,"x":"' + "x" * 5000 + '"}'
    many = ",".join(entry % number for number in range(300))
    reading = of_file(f"[{many}]")
    assert len(reading.signals) == 300
    assert {len(signal.raw) for signal in reading.signals} == {MAX_RAW}
    more = ",".join('{"location":"/a","tdm-reservation":1}' for _ in range(50_500))
    reading = of_file(f"[{more}]")
    assert len(reading.signals) == _tdmrep_file.MAX_ENTRIES
    assert "too long" in reading.warnings[0]
    assert of_file('[{"location":"/' + "a" * 5000 + '","tdm-reservation":1}]').signals == ()


def test_a_location_of_another_host_is_not_read():
    text = '[{"location":"https://%s/a","tdm-reservation":1}]'
    assert said(of_file(text % "b.example")) == []
    (own,) = of_file(text % "A.example").signals
    assert (own.rule.pattern, own.conformance) == ("/a", "malformed")


@pytest.mark.parametrize("prefix", ["\ufeff", " \n", "\u00ef\u00bb\u00bf", "\ufeff\r\n\t"])
def test_what_stands_before_the_array_is_passed_over(prefix):
    reading = of_file(prefix + '[{"location":"/","tdm-reservation":1}] \n')
    assert (said(reading), reading.warnings) == ([("tdm-reservation=1", "ok")], ())


@pytest.mark.parametrize(
    ("about", "carrier", "scope"),
    [
        ("image", "headers", "image"),
        ("page", "headers", "page"),
        ("page", "html", "page"),
        ("image", "xmp", "image"),
        ("site", "tdmrep-json", "site"),
    ],
)
def test_scope_is_that_of_what_spoke(about, carrier, scope):
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    text = {
        "html": '<meta name="tdm-reservation" content="1">',
        "tdmrep-json": '[{"location":"/","tdm-reservation":1}]',
        "xmp": f'<x><r:RDF xmlns:r="{rdf}" xmlns:t="{SPACE}"><r:D t:reservation="1"/></r:RDF></x>',
    }.get(carrier, "")
    lines = (("tdm-reservation", "1"),) if carrier == "headers" else ()
    (signal,) = tdmrep.read(Evidence(carrier, about, URL, lines, text)).signals
    assert (signal.scope, signal.carrier, signal.url) == (scope, carrier, URL)
    assert signal.vocabulary == "tdmrep"
    assert dict(signal.uses) == dict.fromkeys(["tdm", "train", "train-genai"], "reserved")


def test_xmp_that_no_parser_takes_is_warned_of():
    bomb = f'<!DOCTYPE a [<!ENTITY e "1">]><a xmlns:t="{SPACE}" t:reservation="&e;"/>'
    for text in (bomb, f'<a xmlns:t="{SPACE}">', "<a>" * 200 + SPACE):
        reading = tdmrep.read(Evidence("xmp", "image", "u", text=text))
        assert (reading.signals, len(reading.warnings)) == ((), 1)

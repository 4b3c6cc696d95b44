"""Spawning's API: what its vectors cannot say of a reader."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from registry.model import Evidence
from registry.signals import spawning_api
from registry.verdict import decide

URL = "https://a.example/1.jpg"
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 2), st.sampled_from(["true", "false", "1", URL])
)
ENTRIES = st.one_of(
    VALUES,
    st.dictionaries(st.sampled_from(["url", "optOut", "optIn"]), VALUES),
    st.fixed_dictionaries({"url": st.just(URL), "optOut": VALUES, "optIn": VALUES}),
)


def read(value, url=URL):
    text = value if isinstance(value, str) else json.dumps(value)
    return spawning_api.read(Evidence("spawning-api", "image", url, text=text))


@given(st.lists(ENTRIES, max_size=4))
@settings(max_examples=300)
def test_no_answer_permits_and_opting_out_always_wins(entries):
    reading = read({"urls": entries})
    verdict = decide(reading.signals, "cautious")
    assert verdict.decision in {"reserved", "unspecified"}
    assert decide(reading.signals, "letter").decision == "unspecified"
    own = [e for e in entries if isinstance(e, dict) and e.get("url") == URL]
    if any(entry.get("optOut") is True for entry in own):
        assert "legacy" in {s.conformance for s in reading.signals}
        assert verdict.decision == "reserved"


@given(st.text())
@settings(max_examples=300)
def test_no_text_makes_it_raise(text):
    assert read(text).signals == ()
    read({"urls": [{"url": text, "optOut": text}]}, text)
    read('{"urls":[' + text)


def test_entries_of_other_urls_are_read_only_where_none_was_asked():
    answer = {"urls": [{"url": URL, "optOut": True}, {"url": URL + "x", "optOut": True}]}
    assert len(read(answer).signals) == 1
    assert len(read(answer, "").signals) == 2
    assert read(answer, "https://b.example/").signals == ()


def test_hostile_sizes_are_bounded():
    entry = {"url": URL, "optOut": "true", "x": "y" * 5000}
    reading = read({"urls": [entry] * 500})
    assert len(reading.signals) == spawning_api.MAX_SIGNALS
    assert len(reading.warnings) <= 20
    assert all(len(signal.raw) <= 4096 for signal in reading.signals)
    for text in ("[" * 1_000_000, '{"urls":[' + "1," * 3_000_000, '{"urls":' + "9" * 5000 + "}"):
        assert read(text).signals == ()
        assert len(read(text).warnings) == 1

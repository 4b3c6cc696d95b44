"""Marks in C2PA manifests: grades by validation, forms the vectors leave out, hostile JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.model import USES, Evidence
from registry.signals._directives import MAX_RAW
from registry.signals.training_mining import (
    MAX_ASSERTIONS,
    MAX_MANIFESTS,
    MAX_SIGNALS,
    MAX_TEXT,
    MAX_WARNINGS,
    read,
)
from registry.verdict import decide

KEYS = ("data_mining", "ai_inference", "ai_training", "ai_generative_training")
GENAI = "cawg.ai_generative_training"
REFUSED = {GENAI: {"use": "notAllowed"}}
ALLOWED = {GENAI: {"use": "allowed"}, "cawg.ai_training": {"use": "allowed"}}


def reading(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return read(Evidence("c2pa-json", "image", "https://a.example/i.jpg", text=text))


def manifest(entries, label="cawg.training-mining"):
    return {"assertions": [{"label": label, "data": {"entries": entries}}]}


def store(entries, **validation):
    return {"active_manifest": "a", "manifests": {"a": manifest(entries)}, **validation}


def codes(*names):
    return {"validation_status": [{"code": name} for name in names]}


def grades(value):
    return {signal.conformance for signal in reading(value).signals}


@pytest.mark.parametrize("label", ["c2pa", "cawg"])
@pytest.mark.parametrize("prefix", ["c2pa", "cawg"])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("level", [True, False])
@pytest.mark.parametrize("use", ["allowed", "notAllowed", "constrained"])
def test_every_form_is_read(label, prefix, key, level, use):
    entries = {f"{prefix}.{key}": {"use": use}}
    data = {"entries": entries} if level else entries
    (signal,) = reading(
        {"assertions": [{"label": f"{label}.training-mining", "data": data}]}
    ).signals
    assert signal.name == f"{prefix}:{key}={use}"
    ((_, meaning),) = signal.uses
    assert meaning == ("allowed" if use == "allowed" else "reserved")
    assert (signal.conformance, signal.scope) == ("ok", "image")


def test_four_keys_speak_of_four_uses():
    signals = reading(manifest({f"c2pa.{key}": {"use": "notAllowed"} for key in KEYS})).signals
    assert [s.uses[0][0] for s in signals] == ["tdm", "ai-input", "train", "train-genai"]


@pytest.mark.parametrize(
    ("info", "licence"),
    [
        ("https://a.example/terms", "https://a.example/terms"),
        (" HTTP://a.example/terms ", "HTTP://a.example/terms"),
        ("ask: https://a.example/terms", None),
        ("https://a.example/\ud800", None),
        ("javascript:alert(1)", None),
        ("CC BY-NC", None),
        ("https://a.example/" + "x" * 3000, None),
    ],
)
def test_terms_are_a_licence_where_they_are_a_url(info, licence):
    (signal,) = reading(manifest({GENAI: {"use": "constrained", "constraint_info": info}})).signals
    assert signal.licence_url == licence
    assert signal.meaning("train-genai") == "conditional"
    assert signal.raw.encode("utf-8"), "no lone surrogate leaves the reader"


@pytest.mark.parametrize("info", [None, 7, [], {}, "", " ", ["https://a.example/"]])
def test_constrained_without_readable_terms_is_refused(info):
    (signal,) = reading(manifest({GENAI: {"use": "constrained", "constraints_info": info}})).signals
    assert signal.meaning("train-genai") == "reserved"


@pytest.mark.parametrize(
    ("validation", "refusals", "permissions"),
    [
        ({}, "ok", "ok"),
        ({"validation_state": "Trusted"}, "ok", "ok"),
        ({"validation_state": "Trusted", **codes("timeStamp.untrusted")}, "ok", "ok"),
        ({"validation_state": "Valid"}, "ok", "unverified"),
        (codes("signingCredential.untrusted"), "ok", "unverified"),
        ({"validation_state": "Invalid"}, "unverified", "unverified"),
        ({"validation_state": "Unheard of"}, "unverified", "unverified"),
        ({"validation_state": ["Valid"]}, "unverified", "unverified"),
        ({"validation_state": "Trusted", **codes("general.error")}, "unverified", "unverified"),
        (codes("assertion.hashedURI.mismatch"), "unverified", "unverified"),
        (codes("assertion.hashedURI.match", "signingCredential.trusted"), "ok", "ok"),
    ],
)
def test_validation_grades_marks(validation, refusals, permissions):
    assert grades(store(REFUSED, **validation)) == {refusals}
    assert grades(store(ALLOWED, **validation)) == {permissions}


def test_only_a_trusted_signer_permits():
    states = (None, "Trusted", "Valid", "Invalid")
    for state, decision in zip(states, ["allowed", "allowed", *["unspecified"] * 2], strict=True):
        validation = {} if state is None else {"validation_state": state}
        for policy in ("letter", "cautious"):
            signals = reading(store(ALLOWED, **validation)).signals
            assert decide(signals, policy).decision == decision


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("claimSignature.missing", "signature is missing"),
        ("claimSignature.mismatch", "signature is broken"),
        ("assertion.dataHash.mismatch", "picture was changed"),
        ("assertion.bmffHash.mismatch", "picture was changed"),
        ("signingCredential.expired", "certificate has expired"),
        ("signingCredential.ocsp.revoked", "certificate was revoked"),
        ("com.example.new", "com.example.new"),
    ],
)
def test_the_warning_says_what_is_wrong(code, words):
    (warning,) = reading(store(REFUSED, validation_state="Invalid", **codes(code))).warnings
    assert words in warning
    assert code in warning


def test_silent_manifests_are_not_warned_about():
    assert reading(store({}, validation_state="Invalid")).warnings == ()


def test_untrusted_signers_are_named():
    found = store(REFUSED, validation_state="Valid")
    found["manifests"]["a"]["signature_info"] = {"issuer": "Studio\x00" + "x" * 500}
    (warning,) = reading(found).warnings
    assert "Studio\\x00" in warning
    assert len(warning) < 400


def test_manifests_in_a_list_are_read():
    listed = {
        "active_manifest": "a",
        "manifests": [
            {"label": "b", **manifest(ALLOWED)},
            {"label": "a", **manifest(REFUSED)},
        ],
    }
    names = [signal.name for signal in reading(listed).signals]
    assert names[0] == "cawg:ai_generative_training=notAllowed"
    assert all(name.endswith("(ingredient)") for name in names[1:])


@pytest.mark.parametrize(
    "use", ["NOTALLOWED", "not-allowed", "Disallowed", "prohibited", " notAllowed"]
)
def test_misspelt_refusals_are_malformed(use):
    found = reading(manifest({GENAI: {"use": use}}))
    assert [s.conformance for s in found.signals] == ["malformed"]
    assert len(found.warnings) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20) | st.sampled_from(KEYS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "assertions",
                    "assertion_store",
                    "label",
                    "data",
                    "entries",
                    "use",
                    "constraint_info",
                    "manifests",
                    "active_manifest",
                    "validation_status",
                    "code",
                    "cawg.training-mining",
                    "a",
                    "cawg.ai_generative_training",
                ]
            ),
            inner | st.sampled_from(["notAllowed", "allowed", "cawg.training-mining", "a"]),
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(JSON)
def test_any_json_is_read(value):
    holds(reading(value))


@given(st.text())
def test_any_text_is_read(text):
    holds(reading(text))


@given(JSON)
def test_any_entries_are_read(value):
    found = reading(manifest({GENAI: value, "ai_training": {"use": value}}))
    holds(found)
    bad = [s for s in found.signals if s.conformance == "malformed"]
    assert all(meaning != "allowed" for s in bad for _, meaning in s.uses)


def holds(found):
    assert len(found.signals) <= MAX_SIGNALS
    assert len(found.warnings) <= MAX_WARNINGS
    for signal in found.signals:
        assert len(signal.raw) <= MAX_RAW
        assert {use for use, _ in signal.uses} <= set(USES)
        assert signal.vocabulary == "c2pa-training-mining"
    for text in (*found.warnings, *(s.raw for s in found.signals)):
        assert "\x00" not in text
        text.encode("utf-8")


HOSTILE = {
    "nested lists": "[" * MAX_TEXT,
    "nested objects": '{"a":' * (MAX_TEXT // 5),
    "too long": '{"a":"' + "x" * MAX_TEXT + '"}',
    "a long number": '{"a":' + "9" * (MAX_TEXT - 10) + "}",
    "many assertions": json.dumps({"assertions": [{"label": "c2pa.actions"}] * 50_000}),
    "many entries": json.dumps(
        {
            "assertions": [
                {"label": f"cawg.training-mining__{n}", "data": {GENAI: {"use": f"Not{n}Allowed"}}}
                for n in range(15_000)
            ]
        }
    ),
    "many manifests": json.dumps({"manifests": {str(n): manifest(REFUSED) for n in range(9000)}}),
    "long values": json.dumps(
        manifest({GENAI: {"use": "constrained", "constraint_info": "é" * 300_000}})
    ),
    "surrogates": json.dumps(manifest({GENAI: {"use": "not\ud800Allowed"}})),
    "codes": json.dumps(store(REFUSED, validation_status=[{"code": "x" * 50}] * 20_000)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_bounded(name):
    holds(reading(HOSTILE[name]))


def test_limits_are_said():
    assert "longer than" in reading(HOSTILE["too long"]).warnings[0]
    for what, limit in (("manifests", MAX_MANIFESTS), ("assertions", MAX_ASSERTIONS)):
        warnings = " ".join(reading(HOSTILE[f"many {what}"]).warnings)
        assert f"more than {limit} {what}" in warnings

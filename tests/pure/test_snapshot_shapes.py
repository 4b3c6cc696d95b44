"""A policy decides on a shape as on every set of signals that has it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from registry.model import PathRule, Signal
from registry.signals import vocabularies_with
from registry.snapshot.format import shape
from registry.verdict import decide, known_policies

LICENSABLE = vocabularies_with("LICENSABLE")
VOCABULARIES = sorted({*LICENSABLE, *vocabularies_with("COVERS_IMAGES")})

MEANINGS = st.sampled_from(["reserved", "conditional", "allowed"])
URLS = ["", "//odd", "https://a.example/x", "https://a.example:443/y", "https://b.example/x"]


@st.composite
def marks(draw):
    vocabulary = draw(st.sampled_from([*VOCABULARIES, "robots-txt", "plus"]))
    names = {
        "tdmrep": ["tdm-reservation=1", "tdm-reservation=0", "tdm-policy"],
        "robots-txt": ["robots-txt:disallow"],
    }.get(vocabulary, [vocabulary])
    uses = draw(st.lists(st.sampled_from(["train", "train-genai", "tdm"]), unique=True))
    meaning = draw(MEANINGS)
    on_path = draw(st.booleans())
    return Signal(
        draw(st.sampled_from(names)),
        vocabulary,
        draw(st.sampled_from(["headers", "html", "xmp", "robots-txt", "tdmrep-json"])),
        draw(st.sampled_from(["image", "page", "site"])),
        draw(st.sampled_from(["one", "two"])),
        draw(st.sampled_from(URLS)),
        tuple((use, meaning) for use in uses),
        draw(st.sampled_from([(), ("*",), ("gptbot",)])),
        PathRule(draw(st.sampled_from(["/", "/x"])), "all", 0) if on_path else None,
        draw(st.sampled_from(["ok", "legacy", "malformed", "unverified"])),
        draw(st.sampled_from([None, "https://a.example/licence"])),
        draw(st.booleans()),
    )


@given(st.lists(marks(), max_size=5))
@settings(max_examples=500)
def test_a_shape_decides_as_its_signals_do(signals):
    for policy in known_policies():
        assert (
            decide(shape(signals, LICENSABLE), policy).decision == decide(signals, policy).decision
        )


def test_shapes_keep_apart_what_a_licence_may_soften():
    uses = (("train", "reserved"), ("train-genai", "reserved"))
    refusal = Signal("a", "content-usage", "headers", "site", "n", "https://a.example/x", uses)
    offers = [(use, "conditional") for use, _ in uses]
    own = Signal("b", "rsl", "rsl-xml", "site", "p", "https://a.example/l.xml", tuple(offers))
    other = Signal("b", "rsl", "rsl-xml", "site", "p", "https://b.example/l.xml", tuple(offers))
    assert shape([refusal, own], LICENSABLE) != shape([refusal, other], LICENSABLE)
    assert shape([refusal]) == shape(
        [Signal(*("a", "content-usage", "headers", "site", "m"), "https://c.example/z", uses)]
    )

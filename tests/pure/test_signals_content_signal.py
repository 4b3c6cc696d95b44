"""Content-Signal: what its vectors do not say, and what must hold on any text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.model import Evidence, Target
from registry.signals import _robots_groups, content_signal
from registry.signals.content_signal import MAX_AGENTS_OF_PATH, MAX_PATHS, MAX_WARNINGS
from registry.verdict import decide, known_policies
from registry.verdict.site_rules import applicable

URL = "https://a.example/robots.txt"
IMAGE = Target(image_url="https://a.example/image.jpg")


def read(text):
    return content_signal.read(Evidence("robots-txt", "site", URL, text=text))


def of_header(*values, about="image"):
    lines = tuple(("content-SIGNAL", value) for value in values)
    return content_signal.read(Evidence("headers", about, IMAGE.image_url, lines=lines))


def decision(reading, policy="cautious"):
    return decide(applicable(reading.signals, IMAGE), policy).decision


PIECES = st.sampled_from(
    [
        *("User-agent: *\n", "User-agent: GPTBot\n", "User-agent: Kangaroo Bot\n", "Allow: /\n"),
        *("Content-Signal: ", "content-signals:", "ai-train", "ai-input", "search", "use", "="),
        *("yes", "no", "n", "NO", "reference", "full", ",", ";", " ", '"', ":", "/", "/a ", "*"),
        *("#", "\n", "\r", "\x00", "\ufeff", "\ud800", "é", "train-ai"),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join))


@given(TEXTS)
@settings(max_examples=500)
def test_any_text_is_read_and_what_is_odd_permits_nothing(text):
    for reading in (read(text), of_header(*text.splitlines())):
        assert len(reading.warnings) <= MAX_WARNINGS + 1
        for signal in reading.signals:
            assert signal.vocabulary == "content-signal"
            assert signal.raw in text or signal.carrier == "headers"
            if signal.conformance != "ok":
                assert signal.uses
                assert reading.warnings
            if signal.conformance == "malformed":
                assert {meaning for _, meaning in signal.uses} == {"reserved"}
        if not any(s.conformance == "ok" and s.meaning("train") for s in reading.signals):
            assert {decision(reading, policy) for policy in known_policies()}.isdisjoint(
                {"allowed"}
            )


MEMBERS = st.lists(
    st.sampled_from(["ai-train=no", "ai-train=yes", "search=no", "use=reference", "ai-input=yes"]),
    min_size=1,
    max_size=4,
)


@given(st.lists(MEMBERS, min_size=1, max_size=3), st.sampled_from([",", ", ", " , "]))
def test_lines_add_up_and_refusals_stand(lines, comma):
    """One line or several, one group of * or several: the same is said."""
    one = "User-agent: *\nAllow: /\nContent-Signal: " + comma.join(map(comma.join, lines))
    many = "".join(
        f"User-agent: *\nContent-Signal: {comma.join(line)}\nAllow: /\n" for line in lines
    )
    members = {member for line in lines for member in line}
    expected = "unspecified"
    if "ai-train=no" in members or ("use=reference" in members and "ai-train=yes" not in members):
        expected = "reserved"
    elif "ai-train=yes" in members:
        expected = "allowed"
    for text in (one, many):
        assert {s.name for s in read(text).signals} == {f"content-signal:{m}" for m in members}
        assert decision(read(text)) == expected


@pytest.mark.parametrize("policy", known_policies())
def test_a_header_never_permits(policy):
    assert decision(of_header("ai-train=yes, search=yes, ai-input=yes"), policy) == "unspecified"


def test_headers_are_named_where_they_speak_of_training_or_refuse():
    reading = of_header("search=yes, ai-input=no", "ai-train=no", "ai-train=no", about="page")
    assert [(s.name, s.scope, s.conformance) for s in reading.signals] == [
        ("content-signal-header:ai-input=no", "page", "legacy"),
        ("content-signal-header:ai-train=no", "page", "legacy"),
    ]
    assert reading.signals[1].raw == "content-SIGNAL: ai-train=no"
    assert reading.warnings
    assert of_header("search=yes").signals == ()


def test_what_is_wrong_is_quoted():
    for text, part in [
        ("User-agent: *\nContent-Signal: ai-train=n\nAllow: /\n", "'ai-train=n'"),
        ("User-agent: *\nContent-Signal: ai-train\nAllow: /\n", "'ai-train'"),
        ("User-agent: *\nContent-Signal: /a ai-train=no\nAllow: /\n", "/a ai-train=no"),
        ("Content-Signal: ai-train=no\n", "before any user-agent line"),
        ("User-agent: *\nContent-Signal: use=reference\nAllow: /\n", "use=reference"),
    ]:
        (warning,) = read(text).warnings
        assert part in warning


def test_the_form_with_a_path_adds_up():
    text = (
        "User-agent: *\nContent-Signal: ai-train=yes\nContent-Signal: /image ai-train=no\n"
        "Content-Signal: /image.jpg search=yes\nAllow: /\n"
    )
    names = [s.name for s in applicable(read(text).signals, IMAGE)]
    assert names == [
        "content-signal:ai-train=yes",
        "content-signal:ai-train=no(path-form)",
        "content-signal:search=yes(path-form)",
    ]


def test_a_file_that_is_not_read_to_its_end_permits_nothing():
    start = "User-agent: *\nContent-Signal: ai-train=yes\nAllow: /\n"
    assert decision(read(start)) == "allowed"
    comments = "# no more\n" * (_robots_groups.MAX_BYTES // 10)
    text = start + comments + "User-agent: *\nContent-Signal: ai-train=no\n"
    assert {decision(read(text), policy) for policy in known_policies()} == {"unspecified"}
    assert decision(read(start.replace("yes", "no") + comments)) == "reserved"


def test_of_many_permissions_and_agents_each_is_heard_by_those_before_it():
    text = "".join(f"User-agent: b{n}\nContent-Signal: ai-train=yes\n" for n in range(5_000))
    (signal,) = read(text).signals
    assert len(signal.agents) == 5_000
    (signal,) = read(text + "User-agent: *\nAllow: /\n").signals
    assert "*" not in signal.agents


def test_hostile_sizes_are_bounded():
    paths = "".join(f"Content-Signal: /{n} ai-train=no,search=no\n" for n in range(MAX_PATHS * 3))
    reading = read("User-agent: *\n" + paths + "Content-Signal: ai-train=no\n")
    assert sum(s.rule is not None for s in reading.signals) == MAX_PATHS
    assert reading.signals[-1].name == "content-signal:ai-train=no"
    assert len(reading.warnings) == MAX_WARNINGS + 1
    many = "".join(f"User-agent: b{n}\n" for n in range(MAX_AGENTS_OF_PATH + 1))
    reading = read(many + "Content-Signal: /a ai-train=no\nContent-Signal: ai-train=no\n")
    assert [s.rule for s in reading.signals] == [None]
    assert "too many paths" in "".join(reading.warnings)
    assert len(read("User-agent: *\nContent-Signal: " + "search=no," * 100_000).signals) == 1
    assert len(of_header(*["ai-train=no"] * 5_000).signals) == 1

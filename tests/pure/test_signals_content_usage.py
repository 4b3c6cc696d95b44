"""`Content-Usage`, CC signals and `Robots-Tag` on any text, beside the library's own answer."""

import http_sf
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from registry.model import TRAINING_USES, USES, Evidence, Target
from registry.signals import _robots_groups, cc_signals, content_usage, robots_tag
from registry.signals._directives import MAX_RAW
from registry.signals._preferences import CURRENT, LABELS
from registry.signals._structured import MAX_VALUE, dictionary, listing
from registry.text import MAX_QUOTE
from registry.verdict import decide
from registry.verdict.site_rules import applicable

HOST = "https://a.example"
ROBOTS = HOST + "/robots.txt"


def header(*values, about="image", name="Content-Usage"):
    lines = tuple((name, value) for value in values)
    return Evidence("headers", about, HOST + "/a.jpg", lines)


def robots(text):
    return Evidence("robots-txt", "site", ROBOTS, text=text)


def letter(evidence, url=HOST + "/a.jpg"):
    signals = content_usage.read(evidence).signals
    return decide(applicable(signals, Target(image_url=url)), "letter").decision


def cautious(evidence, url=HOST + "/a.jpg"):
    signals = content_usage.read(evidence).signals
    return decide(applicable(signals, Target(image_url=url)), "cautious").decision


# Well formed dictionaries, made by the library from values.

KEYS = st.sampled_from([*sorted(LABELS), "train-ai", "exceptions", "x", "*", "a_b-c.d*9"])
BARE = st.one_of(
    st.sampled_from(["y", "n", "y", "n", "N", "no", "*", "cc-cr"]).map(http_sf.Token),
    st.sampled_from(["", "n", "train-ai=n", 'a"\\, b', 0, -(10**15) + 1, 1.5, True, False, b"n"]),
    st.sampled_from(["", 'ü"%', "n"]).map(http_sf.DisplayString),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=6),
)
PARAMETERS = st.lists(st.tuples(KEYS, BARE), max_size=2).map(dict)
ITEMS = st.tuples(BARE, PARAMETERS)
MEMBERS = st.one_of(ITEMS, ITEMS, st.tuples(st.lists(ITEMS, max_size=2), PARAMETERS))
MEMBER_LISTS = st.lists(st.tuples(KEYS, MEMBERS), min_size=1, max_size=4)
# Keys that come again are written again: of equal ones the last counts.
VALUES = MEMBER_LISTS.map(lambda found: ", ".join(http_sf.ser(dict([one])) for one in found))
# What lies between dictionaries and noise.
PIECES = st.sampled_from(
    [
        *("train-ai", "search", "genai", "ai-train", "exceptions", "cc-cr", "=", "=n", "=y", ";"),
        *(",", ", ", " ", "\t", '"', "\\", "(", ")", "?0", "?1", "%", '%"', "%c3%bc", ":", "@1"),
        *("N", "no", "1", "-", ".", "*", "\x00", "\n", "\ud800", "é", "{", "}", "/", "/a/ ", "#"),
        *("User-agent: *\n", "\nContent-Usage: ", "\nDisallow: /a/\n", "GPTBot", ";noai", "noai"),
    ]
)
TEXTS = st.one_of(
    st.text(max_size=12),
    st.lists(PIECES, max_size=12).map("".join),
    VALUES,
)


def peer_answer(values):
    """Answer for training from the library alone, as the drafts' algorithm has it."""
    joined = ", ".join(value.strip(" \t") for value in values)
    try:
        members = http_sf.parse(joined.encode("ascii"), tltype="dictionary")
    except (http_sf.StructuredFieldError, UnicodeEncodeError):
        return "unspecified"
    value = members.get("train-ai", (None, {}))[0]
    if not isinstance(value, http_sf.Token):
        return "unspecified"
    return {"y": "allowed", "n": "reserved"}.get(str(value), "unspecified")


@given(st.lists(VALUES, min_size=1, max_size=2))
@settings(max_examples=300)
def test_letter_is_what_the_library_gives(values):
    assert letter(header(*values)) == peer_answer(values)


@given(st.lists(TEXTS, min_size=1, max_size=3))
@example(["train-ai=n,"])
@example(["train-ai=y", "train-ai=n"])
@settings(max_examples=300)
def test_letter_is_what_the_library_gives_on_any_text(values):
    assert letter(header(*values)) == peer_answer(values)


@given(VALUES)
@settings(max_examples=200)
def test_a_robots_line_says_what_the_header_says(value):
    # There `#` ends the line, and a path may stand in front.
    if "#" in value:
        return
    for path in ("", "/ ", "/a\t "):
        text = f"User-agent: *\nContent-Usage: {path}{value}\n"
        assert letter(robots(text)) == letter(header(value))
        assert cautious(robots(text)) == cautious(header(value))


@given(st.lists(TEXTS, min_size=1, max_size=3))
@settings(max_examples=300)
def test_cautious_is_never_milder(values):
    order = ["reserved", "conditional", "allowed", "unspecified"]
    evidence = header(*values)
    strict, literal = cautious(evidence), letter(evidence)
    assert strict == literal or order.index(strict) < order.index("allowed")
    assert literal != "reserved" or strict == "reserved"


@given(
    reader=st.sampled_from([content_usage, cc_signals, robots_tag]),
    place=st.integers(0, 1),
    about=st.sampled_from(["image", "page", "site"]),
    texts=st.lists(TEXTS, max_size=3),
)
@settings(max_examples=300)
def test_no_reader_raises_and_all_signals_are_well_formed(reader, place, about, texts):
    lines = tuple((field, text) for text in texts for field in ("Content-Usage", "Robots-Tag"))
    text = "User-agent: *\nContent-Usage: " + "".join(texts)
    carrier = reader.CARRIERS[place % len(reader.CARRIERS)]
    evidence = Evidence(carrier, about, HOST, lines, text)
    reading = reader.read(evidence)
    for signal in reading.signals:
        assert signal.carrier == evidence.carrier
        assert signal.raw
        assert signal.name == signal.name.lower()
        assert all(agent and agent == agent.lower() for agent in signal.agents)
        assert {use for use, _ in signal.uses} <= set(USES)
        if signal.conformance == "malformed":
            assert {meaning for _, meaning in signal.uses} == {"reserved"}
        if signal.conformance != "ok":
            assert reading.warnings


@pytest.mark.parametrize("label", sorted(set(LABELS) - CURRENT))
@pytest.mark.parametrize("value", ["y", "n"])
def test_a_legacy_label_permits_nothing_and_needs_cautious_to_refuse(label, value):
    evidence = header(f"{label}={value}")
    (signal,) = content_usage.read(evidence).signals
    assert (signal.name, signal.conformance) == (f"content-usage:{label}={value}(legacy)", "legacy")
    assert letter(evidence) == "unspecified"
    refuses = value == "n" and any(signal.meaning(use) for use in TRAINING_USES)
    assert cautious(evidence) == ("reserved" if refuses else "unspecified")


def test_scope_is_what_the_header_came_with():
    (of_image,) = content_usage.read(header("train-ai=n")).signals
    (of_page,) = content_usage.read(header("train-ai=n", about="page")).signals
    assert (of_image.scope, of_page.scope) == ("image", "page")
    assert of_image.rule is of_page.rule is None
    (tag,) = robots_tag.read(header("*;noindex", about="page", name="Robots-Tag")).signals
    assert tag.scope == "page"


def test_signals_keep_the_lines_as_they_were():
    evidence = Evidence("headers", "image", "u", (("CONTENT-usage", " train-ai=y "), ("A", "b")))
    (signal,) = content_usage.read(evidence).signals
    assert (signal.raw, signal.url) == ("CONTENT-usage:  train-ai=y ", "u")
    line = "  content-usage : /a/ \ttrain-ai=n # mine"
    (signal,) = content_usage.read(robots(f"\nuser-agent:GPTBot\n{line}\n")).signals
    assert signal.raw == line
    assert (signal.rule.pattern, signal.rule.precedence, signal.rule.order) == (
        "/a/",
        "longest-restrict",
        2,
    )
    assert (signal.agents, signal.scope) == (("gptbot",), "site")


def test_preferences_of_one_line_compete_as_one_rule():
    text = "User-agent: *\nContent-Usage: /a train-ai=n, genai=n;exceptions=cc-cr\n"
    evidence = robots(text)
    signals = content_usage.read(evidence).signals + cc_signals.read(evidence).signals
    assert [signal.name for signal in signals] == [
        "content-usage:train-ai=n",
        "content-usage:genai=n(legacy)",
        "cc-signal:cc-cr",
    ]
    assert len({(s.rule, s.vocabulary, s.agents) for s in signals}) == 1
    assert len(applicable(signals, Target(image_url=HOST + "/a.jpg"))) == 3
    assert applicable(signals, Target(image_url=HOST + "/b.jpg")) == ()


def test_a_permission_for_one_trainer_is_none_for_everybody():
    signals = content_usage.read(robots("User-agent: GPTBot\nContent-Usage: train-ai=y\n")).signals
    assert decide(signals, "cautious").decision == "unspecified"
    assert decide(signals, "cautious", "GPTBot").decision == "allowed"


# Sizes.


@pytest.mark.parametrize(
    "values",
    [
        ["train-ai=n, " * 600_000],
        ["train-ai=n"] * 100_000,
        ["a" * MAX_VALUE + ", train-ai=y", "train-ai=n"],
        ["train-ai=n", "\ud800" * 5_000_000],
    ],
)
def test_a_header_too_long_refuses_at_most(values):
    reading = content_usage.read(header(*values))
    assert "longer than" in reading.warnings[0]
    assert {s.conformance for s in reading.signals} <= {"malformed"}
    assert all(len(s.raw) <= MAX_RAW for s in reading.signals)
    assert all(len(text) < 10 * MAX_QUOTE for text in reading.warnings)
    assert letter(header(*values)) == "unspecified"


def test_a_value_is_parsed_up_to_the_limit():
    start = "train-ai=y, a="
    fits = start + "b" * (MAX_VALUE - len(start))
    assert dictionary(fits) is not None
    assert letter(header(fits)) == "allowed"
    assert letter(header(fits + "b")) == "unspecified"
    assert listing("b" * (MAX_VALUE + 1)) is None


@pytest.mark.parametrize(
    "text",
    [
        "User-agent: *\nContent-Usage: train-ai=y\n" + "Content-Usage: /x search=n\n" * 1_000,
        "User-agent: *\nContent-Usage: train-ai=y\n"
        + "".join(f"User-agent: a{n}\nContent-Usage: search=y\n" for n in range(1_000)),
        "User-agent: *\nContent-Usage: train-ai=y\n"
        + "".join(f"User-agent: a{n}\n" for n in range(2_000))
        + "Content-Usage: search=y\n" * 100,
        "User-agent: *\nContent-Usage: train-ai=y\nUser-agent: GPTBot\n"
        + "Content-Usage: ai=n, genai=n, tdm=n, search=n, ai-use=n\n" * 300,
    ],
)
def test_too_many_lines_are_taken_for_a_refusal(text):
    """What was cut off might have taken the permission back."""
    reading = content_usage.read(robots(text))
    assert len(reading.signals) <= content_usage.MAX_SIGNALS
    assert sum(len(s.agents) for s in reading.signals) <= content_usage.MAX_ADDRESSED
    assert "too many" in reading.warnings[0]
    assert letter(robots(text)) == "unspecified"
    assert cautious(robots(text)) == "reserved"
    (last,) = (s for s in reading.signals if s.conformance == "malformed")
    assert (last.rule.pattern, last.agents) == ("", ())


def test_signals_of_a_group_share_their_agents():
    agents = "".join(f"User-agent: a{n}\n" for n in range(500))
    lines = "".join(f"Content-Usage: /{n} train-ai=n, search=y\n" for n in range(100))
    reading = content_usage.read(robots(agents + lines))
    assert len(reading.signals) == 200
    assert len({id(signal.agents) for signal in reading.signals}) == 1
    assert reading.warnings == ()


def test_a_long_robots_file_is_read_to_its_limit():
    filler = "# " + "x" * 100 + "\n"
    text = "User-agent: *\n" + filler * (_robots_groups.MAX_BYTES // len(filler) + 1)
    assert content_usage.read(robots(text + "Content-Usage: train-ai=n\n")).signals == ()
    assert content_usage.read(robots(text[:1_000] + "\nContent-Usage: train-ai=n\n")).signals


@pytest.mark.parametrize(
    "values", [["*;noai"] * 1_000, ["*;noai," * 100_000], ["*;noai, b", "x" * 5_000_000]]
)
def test_a_long_robots_tag_is_read_to_whole_members(values):
    reading = robots_tag.read(header(*values, name="Robots-Tag"))
    assert "read up to there" in reading.warnings[0]
    assert {signal.name for signal in reading.signals} == {"noai(robots-tag)"}
    assert {signal.conformance for signal in reading.signals} == {"legacy"}


def test_marks_of_robots_tag_are_bounded():
    many = ", ".join(f"a{number};noai;noindex" for number in range(1_000))
    reading = robots_tag.read(header(many, name="Robots-Tag"))
    assert len(reading.signals) == robots_tag.MAX_SIGNALS
    assert len(reading.warnings) <= robots_tag.MAX_WARNINGS


def test_a_robots_txt_that_is_not_read_to_its_end_permits_nothing():
    start = "User-agent: *\nContent-Usage: train-ai=y\nContent-Usage: /b train-ai=n\n"
    long = start + "# no more\n" * (_robots_groups.MAX_BYTES // 10) + "Content-Usage: train-ai=n\n"
    meanings = [
        {s.meaning("train") for s in content_usage.read(robots(t)).signals} for t in (start, long)
    ]
    assert meanings == [{"allowed", "reserved"}, {"reserved"}]

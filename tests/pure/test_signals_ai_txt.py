"""ai.txt: what its vectors cannot say of a reader."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.model import Evidence, Target
from registry.signals import ai_txt
from registry.verdict import decide
from registry.verdict.site_rules import applicable

URL = "https://a.example/ai.txt"
LINES = st.sampled_from(
    [
        *("# Spawning AI", "User-agent: *", "User-agent: */", "User-agent: GPTBot", "Agent: x"),
        *("Disallow: *.jpg", "Disallow:/", "Disallow: *", "Disallow: .png", "Disallow /", "Allow:"),
        *("Allow: *.jpg", "Allow: /", "Allow: .jpg", "Allow /", "prose", "<html>", "", "\x00"),
    ]
)


def read(text):
    return ai_txt.read(Evidence("ai-txt", "site", URL, text=text))


def decision(text, path="/a.jpg", policy="letter", agent=None):
    target = Target(image_url=f"https://a.example{path}")
    return decide(applicable(read(text).signals, target), policy, agent).decision


@given(st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r", "\r\n"]))
@settings(max_examples=400)
def test_signals_are_well_formed(lines, end):
    reading = read(end.join(lines))
    for signal in reading.signals:
        assert signal.raw
        assert signal.rule.precedence == "longest-allow"
        assert "*" not in signal.agents
        if signal.conformance != "ok":
            assert (signal.name, signal.meaning("train")) == ("ai-txt:disallow", "reserved")
            assert reading.warnings
        if signal.meaning("train") == "allowed":
            assert signal.name == "ai-txt:allow"
            assert "# Spawning AI" in lines or any("*." in line for line in lines)


@given(st.lists(LINES, max_size=12), st.sampled_from(["/a.jpg", "/A.JPG", "/a.png", "/"]))
@settings(max_examples=300)
def test_cautious_refuses_what_the_letter_refuses(lines, path):
    text = "\n".join(lines)
    letter, cautious = decision(text, path), decision(text, path, "cautious")
    assert cautious == "reserved" or cautious == letter != "reserved"


@given(st.text())
@settings(max_examples=300)
def test_no_text_makes_it_raise(text):
    read(text)
    read(f"User-agent: {text}\nDisallow: {text}\nAllow: *.{text}")


def test_a_file_that_is_not_read_to_its_end_permits_nothing():
    start = "User-agent: *\nAllow: *.jpg\n"
    assert decision(start) == "allowed"
    for more in ("Disallow: /x\n" * ai_txt.MAX_RULES, "#" + "x" * ai_txt.MAX_TEXT + "\n"):
        reading = read(start + more)
        assert "not read" in reading.warnings[0] or "read up to" in reading.warnings[0]
        assert not any(s.meaning("train") == "allowed" for s in reading.signals)
    assert decision(start + "Disallow: *a.jpg\n" * 1000) == "reserved"


def test_hostile_sizes_are_bounded():
    rules = "".join(f"Disallow: *.{number}\nDissalow: /{number}\n" for number in range(30_000))
    names = "".join(f"User-agent: bot{number}\n" for number in range(2000))
    reading = read(names + rules)
    assert len(reading.warnings) == ai_txt.MAX_WARNINGS + 1
    assert len({s.rule.order for s in reading.signals}) == ai_txt.MAX_RULES
    assert {len(s.agents) for s in reading.signals} == {ai_txt.MAX_AGENTS}
    assert len({id(s.agents) for s in reading.signals}) <= ai_txt.MAX_RULES


def test_a_cut_file_ends_with_a_whole_line():
    line = "Disallow: /private/\n"
    first = read("#" * (ai_txt.MAX_TEXT + 1) + "\nUser-agent: *\nDisallow: /\n")
    assert first.signals == ()
    assert "read up to there" in first.warnings[0]
    text = "User-agent: *\n" + "#" * (ai_txt.MAX_TEXT - 40) + "\n" + line * 10
    assert {s.rule.pattern for s in read(text).signals} <= {"/private/"}


@pytest.mark.parametrize("prefix", ["\ufeff", "\u00ef\u00bb\u00bf", "\ufffd\ufffd"])
def test_a_byte_order_mark_is_passed_over(prefix):
    assert decision(prefix + "User-agent: *\nDisallow: /") == "reserved"


def test_types_in_another_spelling_are_guesses():
    signals = read("User-agent: *\nDisallow: *.jpg$\n").signals
    assert [(s.rule.pattern, s.conformance) for s in signals] == [
        ("*.jpg$", "ok"),
        ("*.JPG$", "malformed"),
        ("*.Jpg$", "malformed"),
    ]
    assert {s.raw for s in signals} == {"Disallow: *.jpg$"}
    assert [s.rule.pattern for s in read("User-agent: *\nDisallow: /a.jpg\n").signals] == ["/a.jpg"]


def test_an_agent_hears_its_group_and_that_for_everybody():
    text = "User-agent: *\nDisallow: *.png\nUser-agent: GPTBot\nDisallow: *.jpg\n"
    assert decision(text, "/a.jpg") == "unspecified"
    assert decision(text, "/a.jpg", agent="GPTBot") == "reserved"
    assert decision(text, "/a.png", agent="GPTBot") == "reserved"
    assert decision(text, "/a.jpg", agent="CCBot") == "unspecified"
    assert decision(text, "/a.jpg", "cautious") == "reserved"


def test_pictures_permitted_beside_a_page_that_is_refused():
    """`Disallow: /` covers the page's path; that is no evidence of a picture it permits."""
    signals = read("User-agent: *\nAllow: *.jpg\nDisallow: /\n").signals
    target = Target(image_url="https://a.example/a.jpg", page_url="https://a.example/page")
    assert decide(applicable(signals, target), "cautious").decision == "allowed"
    other = Target(image_url="https://b.example/a.jpg", page_url="https://a.example/page")
    assert decide(applicable(signals, other), "cautious").decision == "reserved"
    assert decide(applicable(signals, other), "letter").decision == "unspecified"

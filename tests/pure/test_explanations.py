"""Explanations: what applies, what decides, and what is left for a page's images."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.cli._explanation import _as_json, _text
from registry.errors import UsageError
from registry.explain import Asked, asked_policies, deciding, explain, licences
from registry.explain.evidence_lines import TEXT_KINDS, answer
from registry.model import Evidence
from registry.sources.pieces import Piece

PAGE_URL = "https://a.example/art/1"
EVERY = Asked(None, asked_policies("cautious", all_policies=True))


def piece(kind, text, url=PAGE_URL, about="page"):
    return Piece(Evidence(kind, about, url, text=text), len(text))


def robots(text):
    return piece("robots-txt", text, "https://a.example/robots.txt", "site")


def of_page(*pieces, policy="letter"):
    asked = Asked(None, asked_policies(policy, all_policies=False))
    return explain("page", "html", pieces, PAGE_URL, asked, [])


def test_a_rule_for_the_page_is_none_for_images_elsewhere():
    explained = of_page(robots("User-agent: *\nDisallow: /art/\n"))
    assert explained.verdicts[0].decision == "reserved"
    assert explained.of_images[0].decision == "unspecified"


def test_a_rule_for_the_whole_site_is_one_for_its_images():
    for rule in ("/", "/*", "*"):
        explained = of_page(robots(f"User-agent: *\nDisallow: {rule}\n"))
        assert explained.of_images[0].decision == "reserved", rule


def test_a_rule_for_the_page_counts_for_its_images_under_cautious():
    explained = of_page(robots("User-agent: *\nDisallow: /art/\n"), policy="cautious")
    assert explained.of_images[0].decision == "reserved"


def test_a_file_that_is_not_there_is_not_read():
    absent = Piece(Evidence("html", "page", PAGE_URL, text="<meta name=robots content=noai>"))
    assert of_page(absent).is_about_training
    refused = Piece(absent.evidence, refusal="http-404")
    assert not of_page(refused).is_about_training


def test_whether_anything_speaks_depends_on_what_is_asked():
    closed = robots("User-agent: *\nDisallow: /private/\n")
    assert not of_page(closed).is_about_training
    assert explain("robots.txt", "robots-txt", [closed], None, EVERY, []).is_about_training
    assert of_page(closed).outranked == 1


def test_a_mark_that_settling_has_changed_still_decides():
    html = (
        '<head><meta name="tdm-reservation" content="1">'
        '<meta name="tdm-policy" content="https://a.example/p.json"></head>'
    )
    explained = of_page(piece("html", html), policy="eu-tdm")
    assert explained.verdicts[0].decision == "conditional"
    assert any(deciding(explained.signals, explained.verdicts[0]))


def test_of_rules_alike_those_decide_that_speak_of_training():
    text = "User-agent: GPTBot\nUser-agent: OAI-SearchBot\nDisallow: /\n"
    explained = explain("robots.txt", "robots-txt", [robots(text)], PAGE_URL, EVERY, [])
    decided = zip(
        explained.signals, deciding(explained.signals, explained.verdicts[0]), strict=True
    )
    said = {s.agents[0]: decides for s, decides in decided if s.uses}
    assert said == {"gptbot": True, "oai-searchbot": False}


def test_a_rule_that_wins_for_no_url_does_not_decide():
    tied = robots("User-agent: *\nDisallow: /\nAllow: /\n")
    assert explain("robots.txt", "robots-txt", [tied], None, EVERY, []).verdicts[0].decision == (
        "unspecified"
    )
    line = {"kind": "ai-txt", "input": "User-Agent: *\nDisallow: *.jpg\nAllow: /"}
    assert answer(line)["train"] == "reserved"


def test_what_was_not_read_whole_is_not_silent():
    page = piece("html", "<p>")
    assert of_page(page).is_silent
    assert not of_page(replace(page, cut=True)).is_silent
    assert not of_page(Piece(page.evidence, refusal="not read: packed")).is_silent


def test_policies():
    assert asked_policies("letter", all_policies=False) == ("letter@2",)
    assert asked_policies("letter@2", all_policies=True)[0] == "letter@2"
    assert len(set(EVERY.policies)) == 4
    with pytest.raises(UsageError):
        asked_policies("none", all_policies=True)


def test_licences_that_marks_point_to():
    link = '<link rel="license" type="application/rsl+xml" href="/terms.xml">'
    assert licences([piece("html", f"<head>{link * 2}</head>")]) == ["https://a.example/terms.xml"]


TEXTS = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            [
                *(
                    "noai",
                    "\x1b[31m",
                    "\n",
                    "<meta name=robots content=",
                    ">",
                    "\ud800",
                    "User-agent: *",
                ),
                *(
                    "Disallow: /",
                    "tdm-reservation",
                    "<rsl",
                    "{",
                    "[",
                    '"',
                    ":",
                    "Content-Usage: train-ai=n",
                ),
            ]
        ),
        max_size=30,
    ).map("".join),
)


@given(
    st.lists(st.tuples(st.sampled_from(TEXT_KINDS), TEXTS), max_size=3),
    st.sampled_from(["html", "image"]),
)
@settings(max_examples=200)
def test_any_text_can_be_explained_and_shown(given_texts, kind):
    pieces = [
        piece(carrier, text, about="page" if carrier == "html" else "image")
        for carrier, text in given_texts
    ]
    explained = explain("x", kind, pieces, PAGE_URL, EVERY, [])
    shown = list(_text(explained))
    assert all(line.isprintable() for line in shown)
    assert sum(line.startswith("verdict: ") for line in shown) == 4
    assert json.loads(json.dumps(_as_json(explained)))["verdict"] == explained.verdicts[0].decision

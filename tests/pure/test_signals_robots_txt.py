"""robots.txt groups by RFC 9309, with Protego as a peer: where both agree, and where not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from protego import Protego

from registry.verdict.site_rules import Robots

HOST = "https://a.example"

# No two of one length, so that no rule ties with another.
PATTERNS = (
    "/",
    "/a",
    "/b$",
    "/a/*",
    "/*.jpg",
    "/a/*.gif",
    "/caf%C3%A9",
    "/a/*/c.jpg",
    "/img/*.png$",
)
PATHS = (
    "/",
    "/a",
    "/b",
    "/b?x",
    "/a/1.jpg",
    "/a/b/c.jpg",
    "/img/1.png",
    "/caf\N{LATIN SMALL LETTER E WITH ACUTE}/x",
)
TOKENS = ("alpha", "beta", "gamma-extended", "*")


@st.composite
def files(draw):
    """Write a file that no reader of RFC 9309 can take in two ways, spelt in many."""
    patterns = draw(st.lists(st.sampled_from(PATTERNS), min_size=1, unique=True))
    text, left = "", list(patterns)
    while left:
        size = draw(st.integers(1, len(left)))
        rules, left = left[:size], left[size:]
        for token in draw(st.lists(st.sampled_from(TOKENS), min_size=1, max_size=3, unique=True)):
            text += draw(spelt("User-agent", token))
        for pattern in rules:
            text += draw(spelt(draw(st.sampled_from(("Allow", "Disallow"))), pattern))
            text += draw(st.sampled_from(("", "\n", "# note: Disallow: /\n", "Sitemap: /s.xml\n")))
    return text.replace("\n", draw(st.sampled_from(ENDS)))


ENDS = ("\n", "\r\n", "\r")


@st.composite
def spelt(draw, name, value):
    name = draw(st.sampled_from((name, name.lower(), name.upper())))
    return name + draw(st.sampled_from((":", ": ", " : "))) + value + draw(TAILS)


TAILS = st.sampled_from(("\n", " \n", " # why\n", "\n\n"))


@given(
    files(), st.sampled_from(("alpha", "Beta", "gamma-extended", "delta")), st.sampled_from(PATHS)
)
@settings(max_examples=500)
def test_spelling_changes_nothing_and_protego_agrees(text, agent, path):
    url = HOST + path
    assert Robots(text).allowed(url, agent) == Protego.parse(text).can_fetch(url, agent)


OPEN, CLOSED = True, False
ALLOW_LIST = "User-agent: AppleBot\nUser-agent: bingbot\nAllow: /\n\nUser-agent: *\nDisallow: /\n"


@pytest.mark.parametrize(
    ("text", "agent", "ours", "protegos"),
    [
        pytest.param(
            "User-agent: ours\nUnknown: x\nUser-agent: other\nDisallow: /\n",
            *("ours", CLOSED, OPEN),
            id="an unknown line does not end the list of agents (RFC 9309, 2.2.4)",
        ),
        pytest.param(
            "User-agent: ours\nCrawl-delay: 5\n\nUser-agent: other\nDisallow: /\n",
            *("ours", CLOSED, OPEN),
            id="nor does Crawl-delay, which the RFC does not know",
        ),
        pytest.param(
            "User-agent: *\nContent-Signal: ai-train=no\n\nUser-agent: other\nDisallow: /\n",
            *("ours", CLOSED, OPEN),
            id="nor does Content-Signal",
        ),
        pytest.param(
            "\ufeffUser-agent: ours\nDisallow: /\n",
            *("ours", CLOSED, OPEN),
            id="a byte order mark is no part of the first line",
        ),
        pytest.param(
            ALLOW_LIST,
            *("Applebot-Extended", CLOSED, OPEN),
            id="an allow list is for whole tokens: flickr.com shuts out Applebot-Extended",
        ),
        pytest.param(
            "User-agent: Applebot\nDisallow: /\n",
            *("Applebot-Extended", OPEN, CLOSED),
            id="a refusal is for whole tokens too",
        ),
        pytest.param(
            "User-agent: Google\nDisallow: /\n\nUser-agent: *\nAllow: /\n",
            *("Google-Extended", OPEN, CLOSED),
            id="Google is not Google-Extended",
        ),
    ],
)
def test_protego_differs_on_purpose(text, agent, ours, protegos):
    """If Protego comes to agree, the word on it in the documents is out of date."""
    url = f"{HOST}/image.jpg"
    assert Robots(text).allowed(url, agent) is ours
    assert Protego.parse(text).can_fetch(url, agent) is protegos


@pytest.mark.parametrize("agent", ["AppleBot", "bingbot", "BINGBOT/2.0"])
def test_an_allow_list_is_open_to_those_it_names(agent):
    assert Robots(ALLOW_LIST).allowed(f"{HOST}/image.jpg", agent)
    assert Protego.parse(ALLOW_LIST).can_fetch(f"{HOST}/image.jpg", agent)

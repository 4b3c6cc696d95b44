"""Robots meta tags against a reader made of a whole parser, on every page on file."""

import gzip
import json
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from registry.model import Evidence
from registry.signals import robots_meta
from registry.signals._directives import USES
from registry.signals._markup import MAX_TAGS

VECTORS = Path(__file__).parent.parent / "vectors"
WILD = Path(__file__).parents[2].parent / "shared/wild"
AGENTS = {"googlebot", "bingbot", "gptbot", "ccbot", "amazonbot", "google-extended", "somebot"}

BOTH = ("lxml", "html.parser")
# Where a whole parser answers otherwise, which marks it adds or misses, and why we keep to ours.
ARGUED = {
    "meta-own-002": (BOTH, ("robots", "noai"), "what stands in a template is not in the page"),
    "meta-own-004": (
        BOTH[1:],
        ("robots", "noai"),
        "a title's content is text; Python 3.11's parser",
    ),
    "meta-own-006": (BOTH[1:], ("robots", "noai"), "so is that of a textarea"),
    "meta-own-025": (
        BOTH[1:],
        ("robots", "noai"),
        "of two attributes the first counts, not the last",
    ),
    "html-024": (BOTH, ("gptbot", "noai"), "an agent within content, which the plain reader drops"),
    "meta-own-044": (
        BOTH,
        ("robots", "noai"),
        "the name `ai`, which the plain reader does not know",
    ),
}


def pages():
    """Return the pages of all vectors, and those beside the checkout, by name."""
    found = {}
    for file in sorted(VECTORS.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            vector = json.loads(line)
            if vector["kind"] == "html":
                found[vector["id"]] = vector["input"]
    for path in sorted(WILD.glob("*.html*")) if WILD.is_dir() else []:
        content = path.read_bytes()
        text = gzip.decompress(content) if path.suffix == ".gz" else content
        found[path.name] = text.decode("utf-8", "replace")
    return found


def peer(page, parser):
    """Read well-formed robots meta tags the plain way: every meta of the soup, split at commas."""
    found = set()
    for meta in BeautifulSoup(page, parser).find_all("meta"):
        name = (meta.get("name") or "").strip().lower()
        if name == "robots" or name in AGENTS:
            for directive in (meta.get("content") or "").lower().split(","):
                if directive.strip() in USES:
                    found.add((name, directive.strip()))
    return found


def ours(page):
    signals = robots_meta.read(Evidence("html", "page", "https://a.example/", text=page)).signals
    return {
        (name, signal.name.removesuffix("(body)"))
        for signal in signals
        for name in signal.agents or ("robots",)
        if signal.conformance != "malformed" and (name == "robots" or name in AGENTS)
    }


PAGES = pages()


@pytest.mark.parametrize("parser", BOTH)
@pytest.mark.parametrize("name", PAGES)
def test_the_answers_of_a_whole_parser(name, parser):
    difference = ours(PAGES[name]) ^ peer(PAGES[name], parser)
    parsers, mark, why = ARGUED.get(name, ((), (), ""))
    if parser == "lxml" or difference:
        # The standard library's parser mends its ways from one Python to the next.
        assert difference == ({mark} if parser in parsers else set()), why


def test_ai_is_no_agent_for_refusals_of_training():
    text = '<meta name="AI" content="noindex, noai">'
    found = robots_meta.read(Evidence("html", "page", "https://a.example/", text=text))
    assert [(s.name, s.agents, s.conformance) for s in found.signals] == [
        ("noindex", ("ai",), "ok"),
        ("noai", (), "legacy"),
    ]
    assert len(found.warnings) == 1


def test_tags_are_bounded():
    text = "<link>" * MAX_TAGS + '<meta name="robots" content="noai">'
    found = robots_meta.read(Evidence("html", "page", "https://a.example/", text=text))
    assert found.signals == ()
    assert str(MAX_TAGS) in found.warnings[0]


@given(st.text(), st.text())
def test_any_text(name, content):
    page = f'<meta name="{name}" content="{content}"><meta name=ai content="{content}">'
    robots_meta.read(Evidence("html", "page", "https://a.example/", text=page))

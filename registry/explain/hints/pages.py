"""Near misses in a page: misspelt meta tags, and text that parsers do not read as a tag.

Pure. A tag shown as text is a near miss, except in elements for code and in text
boxes: there it is an example.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import islice

from registry.agents.known import agents
from registry.explain.hints._hint import NearMiss
from registry.explain.hints._meta import MAX_TAG, WORTH, meant
from registry.explain.hints._spelling import CURLY
from registry.model import Evidence
from registry.signals import _markup, robots_meta, tdmrep

# Most tags and places that are examined; hostile pages have more.
MAX_LOOKED = 200
MAX_PLACES = 2000
_META = re.compile(r"[mM][eE][tT][aA](?=[\s/>&\\\"'])")
_OPENING = re.compile(r"(<|&lt;|&#0{0,4}60;|&#[xX]0{0,4}3[cC];|\\u003[cC]|\\x3[cC])\s{0,2}$")
_CLOSED = re.compile(r"&gt;|&#0{0,4}62;|&#[xX]0{0,4}3[eE];|\\u003[eE]|\\x3[eE]|/?>")
_ESCAPES = str.maketrans({"\\": ""})
# Comments and elements whose content is not read, and the end of each.
_APART = re.compile(
    r"<(?:(!--)|(script|style|title|textarea|template|iframe|noframes|noembed|xmp"
    r"|code|pre|samp|kbd)(?=[\s/>]))",
    re.IGNORECASE,
)
_SAID = {
    "!--": "a mark in a comment is not read",
    "script": "a mark in a script is not read: scripts are not run",
    "text": "the tag is escaped: it is shown as text and not read",
    "open": "the tag is not closed",
}


def near_misses(evidence: Evidence) -> Iterator[NearMiss]:
    """Yield the near misses of a page: first misspelt tags, then text that is not read as a tag."""
    page = evidence.text[: _markup.MAX_PAGE]
    if not _META.search(page):
        return
    metas = (tag for tag in _markup.tags(evidence.text) if tag.name == "meta")
    worth = (tag for tag in metas if WORTH.search(tag.text, 0, MAX_TAG))
    for tag in islice(worth, MAX_LOOKED):
        corrected = meant(tag.text)
        if corrected and not _says(tag.text, corrected):
            place = page.find(tag.text)
            yield NearMiss(_line(page, place), _fault(tag), corrected)
    yield from _hidden(page)


def _says(text: str, corrected: str) -> bool:
    """Return whether a tag is well formed and read like its corrected form."""
    return _read(corrected) <= _read(text)


def _read(text: str) -> set[tuple[object, ...]]:
    piece = Evidence("html", "page", "", text=f"<head>{text}")
    signals = (*robots_meta.read(piece).signals, *tdmrep.read(piece).signals)
    return {(s.name, s.agents) for s in signals if s.conformance == "ok" and s.uses}


def _fault(tag: _markup.Tag) -> str:
    """Return the fault of a misspelt tag."""
    given = tag.attributes
    if any(mark in tag.text for mark in CURLY):
        return "curly quotes are not valid quotation marks in HTML"
    if "content" not in given and "value" in given:
        return "the directives of a meta tag belong in the attribute content, not value"
    name = given.get("name", "").strip()
    if not name:
        return "the tag has no attribute name"
    if name.lower() == "robots" or name.lower() in agents().purpose:
        return "the list is misspelt"
    return f"{name[:40]!r} is not the name of a mark"


def _hidden(page: str) -> Iterator[NearMiss]:
    """Yield the marks in comments, in scripts, shown as text, and in a tag without an end."""
    apart: list[tuple[int, int, str]] | None = None
    looked = 0
    for match in islice(_META.finditer(page), MAX_PLACES):
        place = match.start()
        opening = _OPENING.search(page[max(0, place - 12) : place])
        text, closed = _tag_text(page, place)
        if opening is None or not WORTH.search(text) or looked == MAX_LOOKED:
            continue
        looked += 1
        corrected = meant(text)
        if not corrected:
            continue
        apart = _apart(page) if apart is None else apart
        inside = next((name for start, end, name in apart if start < place < end), "")
        kind = inside or ("text" if opening[1] != "<" else "" if closed else "open")
        if kind in _SAID:
            yield NearMiss(_line(page, place), _SAID[kind], corrected)


def _tag_text(page: str, place: int) -> tuple[str, bool]:
    """Return a tag's text from `<meta` on without escapes, and whether it has an end."""
    window = page[place : place + MAX_TAG]
    closing = _CLOSED.search(window)
    end = closing.start() if closing else len(window)
    cut = closing is not None or place + MAX_TAG < len(page)
    return "<" + html.unescape(window[:end]).translate(_ESCAPES), cut


def _apart(page: str) -> list[tuple[int, int, str]]:
    """Return the start, end and name of comments and of elements whose content is not read."""
    elements: list[tuple[int, int, str]] = []
    missing: set[str] = set()
    opening = _APART.search(page)
    while opening and len(elements) < MAX_PLACES:
        name = (opening[1] or opening[2]).lower()
        ends = "-->" if name == "!--" else f"</{name}"
        closing = None
        if name not in missing:
            closing = re.compile(ends, re.IGNORECASE).search(page, opening.end())
        if closing is None:
            missing.add(name)
        end = closing.start() if closing else len(page)
        elements.append((opening.start(), end, name))
        opening = _APART.search(page, closing.end()) if closing else None
    return elements


def _line(page: str, place: int) -> int:
    return page.count("\n", 0, max(place, 0)) + 1

"""A page's text as elements. Pure.

The documents that a page holds in itself (`iframe srcdoc`) become children of their frames:
their images are shown on the page and their links lead on from it. Addresses in them are
relative to the page, as the HTML standard says; a `base` in them is left out.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter

from bs4 import BeautifulSoup, Tag, UnusualUsageWarning

from registry.evidence.text import MOST_FRAMES_DEEP

# Most tags read of all the documents in the frames of a page.
MOST_FRAME_TAGS = 5_000
_OPENING = re.compile(r"<(?:(script|style)(?=[\t\n\f\r />])|[a-zA-Z!?])", re.IGNORECASE)
_CLOSING = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}


def parsed(html: str, left: Counter[str] | None = None) -> BeautifulSoup:
    """Parse a page as HTML, whatever it looks like; `left` counts `tags` of frames left out."""
    soup = _parsed(html)
    room, frames = MOST_FRAME_TAGS, [(tag, 1) for tag in soup.find_all("iframe", srcdoc=True)]
    for frame, depth in frames:
        text, lost = first_tags(text_of(frame, "srcdoc"), room)
        if lost and left is not None:
            left["tags"] += lost
        if not room or "<" not in text:
            continue
        inner = _parsed(text)
        # The parser adds some.
        room = max(0, room - len(inner.find_all(True)))
        for base in inner.find_all("base"):
            base.decompose()
        if depth < MOST_FRAMES_DEEP:
            frames += [(tag, depth + 1) for tag in inner.find_all("iframe", srcdoc=True)]
        for child in list(inner.children):
            frame.append(child.extract())
    return soup


def text_of(tag: Tag, name: str) -> str:
    """Return an attribute as text, "" where it is missing."""
    value = tag.get(name)
    return " ".join(value) if isinstance(value, list) else value or ""


def first_tags(html: str, most: int) -> tuple[str, int]:
    """Return the start of a page with so many tags at most, and about how many it lacks.

    `<` in scripts and styles opens no tag. Time is linear in the page.
    """
    position = 0
    for _ in range(most):
        opening = _OPENING.search(html, position)
        if opening is None:
            return html, 0
        position = opening.end()
        if opening[1]:
            closing = _CLOSING[opening[1].lower()].search(html, position)
            if closing is None:
                return html, 0
            position = closing.end()
    opening = _OPENING.search(html, position)
    if opening is None:
        return html, 0
    cut = opening.start()
    return html[:cut], html.count("<", cut) - html.count("</", cut)


def _parsed(html: str) -> BeautifulSoup:
    with warnings.catch_warnings():
        # What is served as a page is read as a page, be it XML or one word.
        warnings.simplefilter("ignore", UnusualUsageWarning)
        return BeautifulSoup(html, "lxml")

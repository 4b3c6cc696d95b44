"""Parses the HTML of a page. Pure.

Documents embedded in a page (`iframe srcdoc`) become children of their `iframe` elements:
their images and links count as the page's. URLs in them are relative to the page, as the
HTML standard defines; a `base` in them is removed.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter

from bs4 import BeautifulSoup, Tag, UnusualUsageWarning

from registry.evidence.text import MOST_FRAMES_DEEP

# Most tags read from all the embedded documents of a page.
MOST_FRAME_TAGS = 5_000
_OPENING = re.compile(r"<(?:(script|style)(?=[\t\n\f\r />])|[a-zA-Z!?])", re.IGNORECASE)
_CLOSING = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}


def parsed(html: str, left: Counter[str] | None = None) -> BeautifulSoup:
    """Return any text parsed as HTML; `left` counts the `tags` left out of embedded documents."""
    soup = _parsed(html)
    budget, frames = MOST_FRAME_TAGS, [(tag, 1) for tag in soup.find_all("iframe", srcdoc=True)]
    for frame, depth in frames:
        text, lost = first_tags(text_of(frame, "srcdoc"), budget)
        if lost and left is not None:
            left["tags"] += lost
        if not budget or "<" not in text:
            continue
        inner = _parsed(text)
        # The parser may add tags.
        budget = max(0, budget - len(inner.find_all(True)))
        for base in inner.find_all("base"):
            base.decompose()
        if depth < MOST_FRAMES_DEEP:
            frames += [(tag, depth + 1) for tag in inner.find_all("iframe", srcdoc=True)]
        for child in list(inner.children):
            frame.append(child.extract())
    return soup


def text_of(tag: Tag, name: str) -> str:
    """Return an attribute as text, "" if it is missing."""
    value = tag.get(name)
    return " ".join(value) if isinstance(value, list) else value or ""


def first_tags(html: str, most: int) -> tuple[str, int]:
    """Return the start of a page with at most `most` tags, and about how many tags follow.

    `<` in scripts and styles is not a tag. Time is linear in the page.
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
        # Any text served as HTML is parsed as HTML, also XML or a single word.
        warnings.simplefilter("ignore", UnusualUsageWarning)
        return BeautifulSoup(html, "lxml")

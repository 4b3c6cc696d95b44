"""Parses the HTML of a page. Pure.

libxml2 reports start tags, end tags and text while it parses; only the elements, in page
order, are kept of that. BeautifulSoup builds its tree from the same reports, and is what
tests compare this with.

Documents embedded in a page (`iframe srcdoc`) become children of their `iframe` elements:
their images and links count as the page's. URLs in them are relative to the page, as the
HTML standard defines; a `base` in them is removed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from registry.evidence.text import MOST_FRAMES_DEEP

# Most tags read from all the embedded documents of a page.
MOST_FRAME_TAGS = 5_000
_OPENING = re.compile(r"<(?:(script|style)(?=[\t\n\f\r />])|[a-zA-Z!?])", re.IGNORECASE)
_CLOSING = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}
_CODE = frozenset({"script", "style"})


@dataclass(slots=True, eq=False)
class Element:
    """One element of a page: its lower-case name, attributes, and the element around it.

    `text` is the content of a `script` or `style`; empty for others.
    """

    name: str
    attributes: Mapping[str, str]
    parent: Element | None = None
    text: str = ""


Elements = list[Element]


def parsed(html: str, left: Counter[str] | None = None) -> Elements:
    """Return the elements of any text parsed as HTML, in page order.

    `left` counts the `tags` left out of embedded documents.
    """
    page = _document(html)
    budget, frames = MOST_FRAME_TAGS, [(frame, 1) for frame in page.frames()]
    embedded: dict[Element, _Document] = {}
    for frame, depth in frames:
        text, lost = first_tags(text_of(frame, "srcdoc"), budget)
        if lost and left is not None:
            left["tags"] += lost
        if not budget or "<" not in text:
            continue
        inner = embedded[frame] = _document(text, frame)
        # The parser may add tags.
        budget = max(0, budget - len(inner.elements))
        if depth < MOST_FRAMES_DEEP:
            frames += [(tag, depth + 1) for tag in inner.frames()]
    return _joined(page, embedded) if embedded else page.elements


def text_of(element: Element, name: str) -> str:
    """Return the value of an attribute, "" if it is missing."""
    return element.attributes.get(name, "")


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


@dataclass(slots=True)
class _Document:
    """A parser target, and the document it was given: its elements, and where iframes end."""

    around: Element | None = None
    elements: Elements = field(default_factory=list)
    # The number of elements up to the end of each `iframe`, in the order of their ends.
    ends: dict[Element, int] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)

    def frames(self) -> Elements:
        """Return the elements in which documents are embedded."""
        return [e for e in self.elements if e.name == "iframe" and "srcdoc" in e.attributes]

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.around = Element(name, attributes, self.around)
        self.elements.append(self.around)

    def end(self, name: str) -> None:
        element = self.around
        assert element is not None
        if name in _CODE:
            element.text = "".join(self.text)
            self.text.clear()
        elif name == "iframe":
            self.ends[element] = len(self.elements)
        self.around = element.parent

    def data(self, text: str) -> None:
        if self.around is not None and self.around.name in _CODE:
            self.text.append(text)

    def close(self) -> None:
        """End the document."""


def _document(html: str, around: Element | None = None) -> _Document:
    document = _Document(around)
    parser = etree.HTMLParser(target=document)
    # The parser would take a byte order mark for text, which opens the body.
    parser.feed(html.removeprefix("\ufeff"))
    parser.close()
    return document


def _joined(document: _Document, embedded: Mapping[Element, _Document]) -> Elements:
    """Return the elements of a document and of those embedded in it, in page order."""
    joined: Elements = []
    done = 0
    for frame, end in document.ends.items():
        if frame in embedded:
            joined += document.elements[done:end]
            inner = _joined(embedded[frame], embedded)
            joined += [element for element in inner if element.name != "base"]
            done = end
    return joined + document.elements[done:]

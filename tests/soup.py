"""BeautifulSoup's reading of a page: the oracle of `crawler.pages.markup`."""

from __future__ import annotations

import warnings
from collections import Counter

from bs4 import BeautifulSoup, Tag, UnusualUsageWarning

from crawler.pages.feeds import feeds_in
from crawler.pages.images import images_in
from crawler.pages.links import links_in
from crawler.pages.markup import MOST_FRAME_TAGS, Element, Elements, first_tags
from crawler.pages.reading import PageContent
from registry.evidence.text import MOST_FRAMES_DEEP


def read_by_soup(html: str, url: str) -> PageContent:
    """Return the images, links and feeds of a page that BeautifulSoup parses."""
    left: Counter[str] = Counter()
    elements = elements_of(html, left)
    images = tuple(images_in(elements, url, left))
    links = tuple(links_in(elements, url, left))
    return PageContent(images, links, left, feeds_in(elements, url))


def elements_of(html: str, left: Counter[str] | None = None) -> Elements:
    """Return the elements of a page in page order, with those of documents embedded in it."""
    by_tag: dict[int, Element] = {}
    tags = parsed(html, Counter() if left is None else left).find_all(True)
    for tag in tags:
        code = (tag.string or "") if tag.name in ("script", "style") else ""
        attributes = {str(name): _text(tag, name) for name in tag.attrs}
        around = by_tag.get(id(tag.parent))
        by_tag[id(tag)] = Element(tag.name, attributes, around, code)
    return list(by_tag.values())


def parsed(html: str, left: Counter[str]) -> BeautifulSoup:
    """Return a page's tree, in which embedded documents are inside their `iframe` elements."""
    soup = _parsed(html)
    budget, frames = MOST_FRAME_TAGS, [(tag, 1) for tag in soup.find_all("iframe", srcdoc=True)]
    for frame, depth in frames:
        text, lost = first_tags(_text(frame, "srcdoc"), budget)
        left["tags"] += lost
        if not budget or "<" not in text:
            continue
        inner = _parsed(text)
        budget = max(0, budget - len(inner.find_all(True)))
        for base in inner.find_all("base"):
            base.decompose()
        if depth < MOST_FRAMES_DEEP:
            frames += [(tag, depth + 1) for tag in inner.find_all("iframe", srcdoc=True)]
        for child in list(inner.children):
            frame.append(child.extract())
    return soup


def _parsed(html: str) -> BeautifulSoup:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusualUsageWarning)
        # Lists are for `class` and `rel` only; the values as written are what is compared.
        return BeautifulSoup(html, "lxml", multi_valued_attributes=None)


def _text(tag: Tag, name: str) -> str:
    return str(tag.get(name) or "")

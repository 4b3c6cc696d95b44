"""The elements around the images of a page: `picture`, link and `noscript`. Pure.

Collected in one pass: walking the parents of each image, and all their children,
would take quadratic time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag


@dataclass(frozen=True, slots=True)
class Around:
    """The nearest `picture` and `a href` around an element, and whether it is in a `noscript`."""

    picture: Tag | None = None
    link: Tag | None = None
    noscript: bool = False


class Surroundings:
    """The elements around every element of a page."""

    # A `picture` shows one `img`; with a placeholder and a copy in `noscript` it has more.
    PICTURE_IMAGES = 4

    def __init__(self, soup: BeautifulSoup) -> None:
        """Walk through the page once."""
        self._around: dict[int, Around] = {id(soup): Around()}
        self._sources: dict[int, list[Tag]] = {}
        self._first: dict[int, list[Tag]] = {}
        self._linked: Counter[int] = Counter()
        for tag in soup.find_all(True):
            around = self._around[id(tag.parent)]
            self._note(tag, around)
            self._around[id(tag)] = _within(tag, around)

    def _note(self, tag: Tag, around: Around) -> None:
        if tag.name == "source" and around.picture is not None:
            self._sources.setdefault(id(around.picture), []).append(tag)
        if tag.name != "img":
            return
        if around.picture is not None:
            first = self._first.setdefault(id(around.picture), [])
            if len(first) < self.PICTURE_IMAGES:
                first.append(tag)
        if around.link is not None and not around.noscript:
            self._linked[id(around.link)] += 1

    def sources(self, img: Tag) -> list[Tag]:
        """Return the `source` elements that offer other sizes of an image."""
        picture = self._around[id(img)].picture
        if picture is None or not any(img is one for one in self._first[id(picture)]):
            return []
        return self._sources.get(id(picture), [])

    def link(self, img: Tag) -> Tag | None:
        """Return the link around this image only; copies in `noscript` do not count."""
        around = self._around[id(img)]
        alone = around.link is not None and self._linked[id(around.link)] == 1
        return around.link if alone and not around.noscript else None


def _within(tag: Tag, around: Around) -> Around:
    """Return the elements around an element's children."""
    if tag.name == "picture":
        return Around(tag, around.link, around.noscript)
    if tag.name == "a" and tag.has_attr("href"):
        return Around(around.picture, tag, around.noscript)
    if tag.name == "noscript":
        return Around(around.picture, around.link, noscript=True)
    return around

"""The elements around the images of a page: `picture`, link and `noscript`. Pure.

Collected in one pass: walking the parents of each image, and all their children,
would take quadratic time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from crawler.pages.markup import Element, Elements


@dataclass(frozen=True, slots=True)
class Around:
    """The nearest `picture` and `a href` around an element, and whether it is in a `noscript`."""

    picture: Element | None = None
    link: Element | None = None
    noscript: bool = False


_NOWHERE = Around()
_AROUND = frozenset({"picture", "a", "noscript"})


class Surroundings:
    """The elements around every element of a page."""

    # A `picture` shows one `img`; with a placeholder and a copy in `noscript` it has more.
    PICTURE_IMAGES = 4

    def __init__(self, page: Elements) -> None:
        """Walk through the page once."""
        # Of the elements inside one of these three, or one of them.
        self._inside: dict[Element | None, Around] = {}
        self._sources: dict[Element, list[Element]] = {}
        self._first: dict[Element, list[Element]] = {}
        self._linked: Counter[Element] = Counter()
        inside = self._inside
        for element in page:
            around = inside.get(element.parent)
            if around is not None and element.name in ("img", "source"):
                self._note(element, around)
            if around is not None or element.name in _AROUND:
                inside[element] = _within(element, around or _NOWHERE)

    def _note(self, element: Element, around: Around) -> None:
        picture, link = around.picture, around.link
        if element.name == "source":
            if picture is not None:
                self._sources.setdefault(picture, []).append(element)
            return
        if picture is not None:
            first = self._first.setdefault(picture, [])
            if len(first) < self.PICTURE_IMAGES:
                first.append(element)
        if link is not None and not around.noscript:
            self._linked[link] += 1

    def sources(self, img: Element) -> list[Element]:
        """Return the `source` elements that offer other sizes of an image."""
        picture = self._inside.get(img.parent, _NOWHERE).picture
        if picture is None or img not in self._first[picture]:
            return []
        return self._sources.get(picture, [])

    def link(self, img: Element) -> Element | None:
        """Return the link around this image only; copies in `noscript` do not count."""
        around = self._inside.get(img.parent, _NOWHERE)
        alone = around.link is not None and self._linked[around.link] == 1
        return around.link if alone and not around.noscript else None


def _within(element: Element, around: Around) -> Around:
    """Return the elements around an element's children."""
    if element.name == "picture":
        return Around(element, around.link, around.noscript)
    if element.name == "a" and "href" in element.attributes:
        return Around(around.picture, element, around.noscript)
    if element.name == "noscript":
        return Around(around.picture, around.link, noscript=True)
    return around

"""Where else than in `img` elements a page names the images that it shows. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bs4 import Tag

from crawler.pages.markup import text_of

_WITH_BACKGROUND = frozenset({"body", "table", "thead", "tbody", "tfoot", "tr", "td", "th"})
_OF_SVG = frozenset({"image", "feimage"})
# Properties of schema.org whose values are images, and types that are.
_IMAGES = frozenset({"image", "thumbnail", "thumbnailUrl", "primaryImageOfPage"})
_IMAGE_TYPES = frozenset({"ImageObject", "ImageObjectSnapshot", "Photograph"})
_DECODER = json.JSONDecoder(strict=False)
_JSON_START = re.compile(r"[\[{]")
# Nothing here is tried twice, so that the time is linear in the text.
_CSS_URL = re.compile(
    r"""url\(\s*+(?:"([^"\r\n]*+)"|'([^'\r\n]*+)'|([^"'()\r\n]*+))\s*+\)""", re.IGNORECASE
)
_CSS_SET = re.compile(r"image-set\(((?:[^()]++|\([^()]*+\))*+)", re.IGNORECASE)
# In a set, beside what is within parentheses (`type("image/webp")`, `url("a")`).
_CSS_TEXT = re.compile(r"""\([^()]*+\)|"([^"\r\n]*+)"|'([^'\r\n]*+)'""")


class Place(NamedTuple):
    """An address as it is written; if it `is_sure`, an image's, else if it names an image file."""

    address: str
    source: str
    is_sure: bool = True


def places(tag: Tag) -> Iterator[Place]:
    """Yield the images that an element names, other than `img`, `picture` and lazy ones do."""
    if tag.name == "video":
        yield Place(text_of(tag, "poster"), "poster")
    elif tag.name in _OF_SVG:
        for name in ("href", "xlink:href", "src"):
            yield Place(text_of(tag, name), "svg")
    elif tag.name in ("object", "embed"):
        is_image = text_of(tag, "type").strip().lower().startswith("image/")
        yield Place(text_of(tag, "data" if tag.name == "object" else "src"), tag.name, is_image)
    elif tag.name == "input" and text_of(tag, "type").strip().lower() == "image":
        yield Place(text_of(tag, "src"), "input")
    elif tag.name == "style":
        yield from (Place(url, "css", is_sure=False) for url in css_urls(tag.string or ""))
    elif tag.name == "script" and _is_json_ld(tag):
        yield from _of_json_ld(tag.string or "")
    elif tag.name in _WITH_BACKGROUND:
        yield Place(text_of(tag, "background"), "background")
    if tag.has_attr("itemprop"):
        yield from _of_microdata(tag)


def is_preload(tag: Tag) -> bool:
    """Return whether an element asks for an image ahead of its use."""
    relations = text_of(tag, "rel").lower().split()
    return "preload" in relations and text_of(tag, "as").strip().lower() == "image"


def css_urls(style: str) -> Iterator[str]:
    """Yield the addresses in a style sheet: those in `url()` in its order, then those of sets."""
    for match in _CSS_URL.finditer(style):
        yield match[match.lastindex or 0]
    for images in _CSS_SET.finditer(style):
        for text in _CSS_TEXT.finditer(images[1]):
            if text.lastindex:
                yield text[text.lastindex]


def _is_json_ld(tag: Tag) -> bool:
    return text_of(tag, "type").partition(";")[0].strip().lower() == "application/ld+json"


def _of_microdata(tag: Tag) -> Iterator[Place]:
    value = text_of(tag, "content") or text_of(tag, "href")
    names = set(text_of(tag, "itemprop").split())
    if names & _IMAGES:
        yield Place(value, "microdata")
    elif "contentUrl" in names:
        # Of a film, it may be.
        yield Place(value, "microdata", is_sure=False)


def _of_json_ld(script: str) -> Iterator[Place]:
    start = _JSON_START.search(script)
    if start is None:
        return
    try:
        value, _ = _DECODER.raw_decode(script, start.start())
    except (ValueError, RecursionError):
        return
    # Each value with the property under which it stands, the first one last.
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, list):
            waiting += [(name, item) for item in reversed(value)]
        elif isinstance(value, dict):
            items = {_plain(key): item for key, item in value.items()}
            if name in _IMAGES or not _IMAGE_TYPES.isdisjoint(_types(items)):
                yield from _of_image_object(items)
            else:
                yield from _texts(items.get("contentUrl"), is_sure=False)
            waiting += reversed(items.items())
        elif name in _IMAGES:
            yield from _texts(value)


def _of_image_object(items: dict[str, object]) -> Iterator[Place]:
    """Yield the file of an image; its `url` may be that of a page about it."""
    files = list(_texts(items.get("contentUrl")))
    yield from files
    yield from _texts(items.get("url"), is_sure=not files)


def _texts(value: object, *, is_sure: bool = True) -> Iterator[Place]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield Place(item, "json-ld", is_sure)


def _types(items: dict[str, object]) -> Iterable[str]:
    told = items.get("@type")
    return [_plain(name) for name in (told if isinstance(told, list) else [told])]


def _plain(name: object) -> str:
    """Return a name of schema.org without its prefix."""
    return re.split("[/:#]", name)[-1] if isinstance(name, str) else ""

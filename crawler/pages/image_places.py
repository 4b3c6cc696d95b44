"""Images that a page names in elements other than `img`. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from crawler.pages.markup import Element, text_of

_WITH_BACKGROUND = frozenset({"body", "table", "thead", "tbody", "tfoot", "tr", "td", "th"})
_OF_SVG = frozenset({"image", "feimage"})
# Properties of schema.org whose values are images, and types of images.
_IMAGES = frozenset({"image", "thumbnail", "thumbnailUrl", "primaryImageOfPage"})
_IMAGE_TYPES = frozenset({"ImageObject", "ImageObjectSnapshot", "Photograph"})
_DECODER = json.JSONDecoder(strict=False)
_JSON_START = re.compile(r"[\[{]")
# No pattern backtracks: the time is linear in the text.
_CSS_URL = re.compile(
    r"""url\(\s*+(?:"([^"\r\n]*+)"|'([^'\r\n]*+)'|([^"'()\r\n]*+))\s*+\)""", re.IGNORECASE
)
_CSS_SET = re.compile(r"image-set\(((?:[^()]++|\([^()]*+\))*+)", re.IGNORECASE)
# Strings in an `image-set`, outside of parentheses (`type("image/webp")`, `url("a")`).
_CSS_TEXT = re.compile(r"""\([^()]*+\)|"([^"\r\n]*+)"|'([^'\r\n]*+)'""")


class ImageReference(NamedTuple):
    """A URL as written in the page; unless `is_sure`, it counts only if it names an image file."""

    url: str
    source: str
    is_sure: bool = True


def references(tag: Element) -> Iterator[ImageReference]:
    """Yield the images that an element names, except by `img`, `picture` and lazy attributes."""
    if tag.name == "video":
        yield ImageReference(text_of(tag, "poster"), "poster")
    elif tag.name in _OF_SVG:
        for name in ("href", "xlink:href", "src"):
            yield ImageReference(text_of(tag, name), "svg")
    elif tag.name in ("object", "embed"):
        is_image = text_of(tag, "type").strip().lower().startswith("image/")
        yield ImageReference(
            text_of(tag, "data" if tag.name == "object" else "src"), tag.name, is_image
        )
    elif tag.name == "input" and text_of(tag, "type").strip().lower() == "image":
        yield ImageReference(text_of(tag, "src"), "input")
    elif tag.name == "style":
        yield from (ImageReference(url, "css", is_sure=False) for url in css_urls(tag.text))
    elif tag.name == "script" and _is_json_ld(tag):
        yield from _of_json_ld(tag.text)
    elif tag.name in _WITH_BACKGROUND:
        yield ImageReference(text_of(tag, "background"), "background")
    if "itemprop" in tag.attributes:
        yield from _of_microdata(tag)


def is_preload(tag: Element) -> bool:
    """Return whether an element preloads an image."""
    relations = text_of(tag, "rel").lower().split()
    return "preload" in relations and text_of(tag, "as").strip().lower() == "image"


def css_urls(style: str) -> Iterator[str]:
    """Yield the URLs in a style sheet: those in `url()`, then the strings in `image-set()`."""
    for match in _CSS_URL.finditer(style):
        yield match[match.lastindex or 0]
    for images in _CSS_SET.finditer(style):
        for text in _CSS_TEXT.finditer(images[1]):
            if text.lastindex:
                yield text[text.lastindex]


def _is_json_ld(tag: Element) -> bool:
    return text_of(tag, "type").partition(";")[0].strip().lower() == "application/ld+json"


def _of_microdata(tag: Element) -> Iterator[ImageReference]:
    value = text_of(tag, "content") or text_of(tag, "href")
    names = set(text_of(tag, "itemprop").split())
    if names & _IMAGES:
        yield ImageReference(value, "microdata")
    elif "contentUrl" in names:
        # It may be the URL of a video.
        yield ImageReference(value, "microdata", is_sure=False)


def _of_json_ld(script: str) -> Iterator[ImageReference]:
    start = _JSON_START.search(script)
    if start is None:
        return
    try:
        value, _ = _DECODER.raw_decode(script, start.start())
    except (ValueError, RecursionError):
        return
    # A stack of values, each with the name of its property.
    stack: list[tuple[str, object]] = [("", value)]
    while stack:
        name, value = stack.pop()
        if isinstance(value, list):
            stack += [(name, item) for item in reversed(value)]
        elif isinstance(value, dict):
            items = {_plain(key): item for key, item in value.items()}
            if name in _IMAGES or not _IMAGE_TYPES.isdisjoint(_types(items)):
                yield from _of_image_object(items)
            else:
                yield from _texts(items.get("contentUrl"), is_sure=False)
            stack += reversed(items.items())
        elif name in _IMAGES:
            yield from _texts(value)


def _of_image_object(items: dict[str, object]) -> Iterator[ImageReference]:
    """Yield the URLs of an image's file; its `url` may be that of a page about the image."""
    files = list(_texts(items.get("contentUrl")))
    yield from files
    yield from _texts(items.get("url"), is_sure=not files)


def _texts(value: object, *, is_sure: bool = True) -> Iterator[ImageReference]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield ImageReference(item, "json-ld", is_sure)


def _types(items: dict[str, object]) -> Iterable[str]:
    types = items.get("@type")
    return [_plain(name) for name in (types if isinstance(types, list) else [types])]


def _plain(name: object) -> str:
    """Return a name of schema.org without its prefix."""
    return re.split("[/:#]", name)[-1] if isinstance(name, str) else ""

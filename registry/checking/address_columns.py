"""Gives columns of URLs their roles: URLs of pictures, of pages, or unclear (pure).

Values that look like image URLs count more than names; a column named for pages never
holds the picture's URL. An unclear column is looked up both ways: that finds more
matches, but does not make a row clear, since it does not name the row's picture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from registry.checking.columns import own_name
from registry.evidence.carriers import ending_pattern
from registry.urls.key import slashed, tidy

Meant = Literal["picture", "page", "person", "licence", "source", ""]

# Names of columns of image URLs; the last four are generic.
NAMES = (
    *("image_url", "img_url", "imageurl", "image_link", "contenturl"),
    *("url", "src", "link", "href"),
)
GENERIC = frozenset(NAMES[5:])
# Meanings of parts of a name; the first part that is found counts.
PARTS: tuple[tuple[Meant, tuple[str, ...]], ...] = (
    ("licence", ("license", "licence", "rights")),
    ("person", ("author", "artist", "creator", "user", "owner", "uploader", "profile", "avatar")),
    ("page", ("page", "landing", "permalink", "refer", "website", "article", "parent", "html")),
    ("picture", ("image", "img", "picture", "media", "download", "file", "jpg", "jpeg", "png")),
    ("picture", ("webp", "thumb", "contenturl", "highres", "full", "large", "src", "original")),
    ("source", ("source", "origin")),
)
MIN_SHARE = 0.3  # of a sample that must be addresses, when no name says so
FEWEST = 0.05  # the same, for a column that is looked up beside others
LOOKS_SHARE = 0.5  # of a column's addresses that must look like those of pictures
ADDRESS = re.compile(r"(?:https?:)?//[^\s]+", re.IGNORECASE)
_TYPES = f"(?:{ending_pattern()})"
OF_PICTURE = re.compile(
    rf"(?:https?:)?//[^/?#]+/[^?#]*\.{_TYPES}(?:[?#:!@/].*)?"
    rf"|(?:https?:)?//\S*[?&](?:format|fm|ext|type|file|name|src|url)=[^&#]*{_TYPES}(?:[&#].*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A column: the meaning of its name, its share of URLs, and the share of these like images."""

    name: str
    meant: Meant
    share: float
    looks: float

    @property
    def is_named(self) -> bool:
        return self.meant == "picture" and own_name(self.name.lower()) in NAMES

    @property
    def is_generic(self) -> bool:
        return self.is_named and own_name(self.name.lower()) in GENERIC


@dataclass(frozen=True, slots=True)
class Addresses:
    """The role of a column of URLs, and why; `role` None: it names no picture or page."""

    role: Literal["url", "page_url", "source_url"] | None
    why: str


def addresses(
    texts: Mapping[str, Sequence[str]], *, pictures_named: bool = False
) -> dict[str, Addresses]:
    """Return the role of each column of URLs, by name.

    `texts` holds a sample of each text column without nulls. `pictures_named`: the column
    of image URLs is known already, and no other gets its role.
    """
    seen = [_seen(name, sample) for name, sample in texts.items()]
    seen = [one for one in seen if one.is_named or one.share >= FEWEST]
    # True if a column's values look like image URLs, or its name is not generic.
    plain = any(_is_picture(one) and not one.is_generic for one in seen)
    plain |= any(_is_picture(one) and one.looks >= LOOKS_SHARE for one in seen)
    lone = not plain and not any(one.is_generic for one in seen)
    return {one.name: _served(one, pictures_named, plain, lone) for one in seen}


def share_of_addresses(sample: Sequence[str]) -> float:
    """Return the share of a sample that are http(s) URLs, from 0 to 1."""
    texts = [slashed(tidy(value)) for value in sample if value]
    return sum(bool(ADDRESS.fullmatch(value)) for value in texts) / len(texts) if texts else 0.0


def _seen(name: str, sample: Sequence[str]) -> _Seen:
    urls = [value for value in map(slashed, map(tidy, sample)) if ADDRESS.fullmatch(value)]
    looks = sum(bool(OF_PICTURE.fullmatch(value)) for value in urls) / max(len(urls), 1)
    return _Seen(name, meant_by(name), share_of_addresses(sample), looks)


def meant_by(name: str) -> Meant:
    """Return the meaning that the name of a column gives to its URLs, or ""."""
    lower = name.lower()
    if lower in NAMES:
        return "picture"
    for meant, parts in PARTS:
        if any(part in lower for part in parts):
            return meant
    return "picture" if own_name(lower) in NAMES else ""


def _is_picture(one: _Seen) -> bool:
    if one.is_named:
        return True
    looks = one.looks >= LOOKS_SHARE and one.meant == ""
    return (looks or one.meant == "picture") and one.share > MIN_SHARE


def _served(one: _Seen, pictures_named: bool, plain: bool, lone: bool) -> Addresses:
    share = f"{one.share:.0%} of a sample are URLs" if one.share else "no URL in a sample"
    if one.meant == "licence":
        return Addresses(None, "URLs of licences: looked up, but they do not name the picture")
    if one.meant == "person":
        return Addresses(None, "URLs of persons: looked up, but they do not name the picture")
    if pictures_named:
        return _beside(one, share)
    if _is_picture(one) and (one.looks >= LOOKS_SHARE or not (one.is_generic and plain)):
        return Addresses("url", "by its name" if one.is_named else _why_picture(one, share))
    # No other column could hold image URLs, and these values look like them.
    if one.meant == "source" and lone and one.looks >= 0.9 and one.share >= 0.9:
        return Addresses("url", "its values look like image URLs, and those of no other column do")
    return _beside(one, share)


def _why_picture(one: _Seen, share: str) -> str:
    return (
        f"{share}, and its name is that of images"
        if one.meant == "picture"
        else f"{share} of images"
    )


def _beside(one: _Seen, share: str) -> Addresses:
    if one.meant == "page" and one.looks < LOOKS_SHARE:
        return Addresses("page_url", "URLs of pages, not of images")
    return Addresses("source_url", f"{share}: looked up as images and as pages")

"""Parses the `srcset` attribute as the HTML standard defines it. Pure.

Source: WHATWG HTML, "parsing a srcset attribute" (4.8.4.2.10). URLs may
contain commas; a comma ends a candidate only at the end of the URL or after its
descriptors, and not inside parentheses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SPACES = re.compile(r"[ \t\n\f\r]*+")
_BETWEEN = re.compile(r"[ \t\n\f\r,]*+")
_URL = re.compile(r"[^ \t\n\f\r]++")
# Inside parentheses neither white space nor a comma ends a descriptor.
_DESCRIPTOR = re.compile(r"(?:[^ \t\n\f\r,(]++|\([^)]*+\)?+)++")
# A whole candidate as nearly all are: a URL without commas, and a width.
_PLAIN = re.compile(r"([^ \t\n\f\r,]++)[ \t\n\f\r]++([1-9][0-9]{0,9})w[ \t\n\f\r]*+(?:,|\Z)")
# A width and a height; with more a candidate is malformed.
_MOST_DESCRIPTORS = 2
# Longer numbers are cut to their first digits: Python refuses very long ones.
_DIGITS = 10
_INTEGER = re.compile(r"[0-9]+")
_FLOAT = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Size:
    """One URL of a srcset with its width in pixels or its density, never both."""

    url: str
    width: int | None = None
    density: float | None = None


def first_sizes(value: str, most: int) -> tuple[list[Size], int]:
    """Return the valid ones of the first `most` candidates, and about how many more follow.

    Time is linear in the text.
    """
    sizes: list[Size] = []
    position = 0
    for number in range(most + 1):
        position = _BETWEEN.match(value, position).end()  # type: ignore[union-attr]
        if position == len(value):
            return sizes, 0
        if number == most:
            break
        plain = _PLAIN.match(value, position)
        if plain:
            sizes.append(Size(plain[1], int(plain[2])))
            position = plain.end()
            continue
        match = _URL.match(value, position)
        assert match is not None
        url, position = match[0], match.end()
        descriptors: list[str] = []
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            descriptors, position = _descriptors(value, position)
        size = _size(url, descriptors)
        if size is not None:
            sizes.append(size)
    return sizes, 1 + value.count(",", position)


def _descriptors(value: str, position: int) -> tuple[list[str], int]:
    """Return the descriptors that follow a URL, and the position after them.

    At most one more than can be valid is returned.
    """
    descriptors: list[str] = []
    while True:
        position = _SPACES.match(value, position).end()  # type: ignore[union-attr]
        descriptor = _DESCRIPTOR.match(value, position)
        if descriptor is None:
            # The end, or the comma that ends the candidate.
            return descriptors, min(position + 1, len(value))
        position = descriptor.end()
        if len(descriptors) <= _MOST_DESCRIPTORS:
            descriptors.append(descriptor[0])


def _size(url: str, descriptors: list[str]) -> Size | None:
    width: int | None = None
    density: float | None = None
    height: int | None = None
    for descriptor in descriptors:
        number, unit = descriptor[:-1], descriptor[-1]
        if unit == "w" and _INTEGER.fullmatch(number) and width is None and density is None:
            width = _integer(number)
        elif unit == "x" and _FLOAT.fullmatch(number) and {width, density, height} == {None}:
            density = float(number)
        elif unit == "h" and _INTEGER.fullmatch(number) and height is None and density is None:
            height = _integer(number)
        else:
            return None
    is_invalid = width == 0 or height == 0 or (density is not None and density < 0)
    if is_invalid or (height is not None and width is None) or not url:
        return None
    return Size(url, width, density)


def _integer(digits: str) -> int:
    return int(digits.lstrip("0")[:_DIGITS] or "0")

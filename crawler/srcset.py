"""The `srcset` attribute, parsed as the HTML standard says. Pure.

Source: WHATWG HTML, "parsing a srcset attribute" (4.8.4.2.10). Addresses may
contain commas; a comma ends an address only at its very end or after its
descriptors, and inside parentheses it ends nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SPACE = " \t\n\f\r"
# Of longer numbers the first digits do: Python reads no numbers of any length.
_DIGITS = 10
_INTEGER = re.compile(r"[0-9]+")
_FLOAT = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Size:
    """One address of a srcset with its width in pixels or its density, never both."""

    url: str
    width: int | None = None
    density: float | None = None


def parse_srcset(value: str) -> list[Size]:
    """Return the valid candidates of a srcset in order; malformed ones are left out."""
    sizes: list[Size] = []
    position = 0
    while True:
        position = _skip(value, position, _SPACE + ",")
        if position == len(value):
            return sizes
        start = position
        position = _until_space(value, position)
        url = value[start:position]
        descriptors: list[str] = []
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            descriptors, position = _descriptors(value, position)
        size = _size(url, descriptors)
        if size is not None:
            sizes.append(size)


def _skip(value: str, position: int, characters: str) -> int:
    while position < len(value) and value[position] in characters:
        position += 1
    return position


def _until_space(value: str, position: int) -> int:
    while position < len(value) and value[position] not in _SPACE:
        position += 1
    return position


def _descriptors(value: str, position: int) -> tuple[list[str], int]:
    """Split the descriptors that follow an address; return them and where they end."""
    found: list[str] = []
    current = ""
    in_parens = False
    while position < len(value):
        character = value[position]
        position += 1
        if in_parens:
            current += character
            in_parens = character != ")"
        elif character in _SPACE:
            found.append(current)
            current = ""
        elif character == ",":
            break
        else:
            current += character
            in_parens = character == "("
    found.append(current)
    return [descriptor for descriptor in found if descriptor], position


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
    wrong = width == 0 or height == 0 or (density is not None and density < 0)
    if wrong or (height is not None and width is None) or not url:
        return None
    return Size(url, width, density)


def _integer(digits: str) -> int:
    return int(digits.lstrip("0")[:_DIGITS] or "0")

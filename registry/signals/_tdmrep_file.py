"""The entries of a `tdmrep.json`, read one by one.

An invalid file is read up to its first error: the refusals before it are clear, although
by the specification a file that is not JSON has no meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from json import JSONDecoder

from registry.signals._directives import MAX_RAW

# Limits of the characters and entries that are read. The first matching entry wins, so
# entries that are cut off cannot change the result of those before them.
MAX_TEXT = 2 * 1024 * 1024
MAX_ENTRIES = 50_000

_SPACE = re.compile(r"[ \t\n\r]*+")
_NO_LETTERS = re.compile(r"[\s:_-]+")
# In text that is not JSON: a piece between braces, and a clear reservation in it.
_CHUNK = re.compile(r"\{[^{}]{1,4096}+")
_RESERVED = re.compile(
    r"\btdm[-_ ]?reservation[\"']?\s*[:=]\s*[\"']?(?:1(?![\d.])|true\b)", re.IGNORECASE
)
_LOCATION = re.compile(r"\blocation[\"']?\s*[:=]\s*[\"']([^\"']*)", re.IGNORECASE)
_PROPERTIES = {
    "location": "location",
    "tdmreservation": "tdm-reservation",
    "tdmpolicy": "tdm-policy",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of the array: its properties in order, with their names as written.

    Numbers other than 0 and 1 are given as -1. A value is a string, a number, a Boolean,
    None, a list, or a tuple of pairs, which is an object.
    """

    properties: tuple[tuple[str, object], ...]
    raw: str

    def values(self, name: str) -> list[tuple[object, bool]]:
        """Return the values of a property, each with whether its name is spelt correctly."""
        return [
            (value, given == name)
            for given, value in self.properties
            if _PROPERTIES.get(_NO_LETTERS.sub("", given.lower())) == name
        ]


@dataclass(frozen=True, slots=True)
class File:
    """The part of a file that was read. `entries` holds None for a value that is not an object.

    `fault` is the error in the file as a whole (empty: none); `cut` is True if the file
    continues after the part that was read.
    """

    entries: tuple[Entry | None, ...]
    fault: str = ""
    cut: bool = False


def parse(text: str) -> File:
    """Return the entries of a file. Never raises."""
    cut = len(text) > MAX_TEXT
    text = text[:MAX_TEXT].lstrip("\ufeff\ufffd").removeprefix("\u00ef\u00bb\u00bf")
    place = _after_space(text, 0)
    if not text.startswith("[", place):
        entry, end = _decoded(text, place)
        if end < 0:
            return File(tuple(_plain(text, place)), "not JSON", cut)
        return File((entry,) if entry else (), "not an array", cut)
    return _array(text, _after_space(text, place + 1), cut)


def _array(text: str, place: int, cut: bool) -> File:
    entries: list[Entry | None] = []
    closed = text.startswith("]", place)
    while not closed:
        if len(entries) == MAX_ENTRIES:
            return File(tuple(entries), cut=True)
        entry, end = _decoded(text, place)
        if end < 0:
            return File((*entries, *_plain(text, place)), "not JSON", cut)
        entries.append(entry)
        place = _after_space(text, end)
        closed = not text.startswith(",", place)
        place = place if closed else _after_space(text, place + 1)
    ends_well = text.startswith("]", place) and _after_space(text, place + 1) == len(text)
    return File(tuple(entries), "" if ends_well else "not JSON", cut)


def _plain(text: str, place: int) -> Iterator[Entry]:
    """Yield clear reservations in text that is not JSON: a syntax error does not cancel them."""
    for chunk in islice(_CHUNK.finditer(text, place), MAX_ENTRIES):
        if _RESERVED.search(chunk.group()):
            location = _LOCATION.search(chunk.group())
            where = location.group(1) if location else "/"
            yield Entry((("location", where), ("tdm-reservation", 1)), chunk.group()[:MAX_RAW])


def _after_space(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place


def _decoded(text: str, place: int) -> tuple[Entry | None, int]:
    """Return the entry at a position and the position after it; -1 if it cannot be read."""
    try:
        value, end = _DECODER.raw_decode(text, place)
    except (ValueError, RecursionError):
        return None, -1
    if not isinstance(value, tuple):
        return None, end
    return Entry(value, text[place : min(end, place + MAX_RAW)]), end


def _integer(digits: str) -> int:
    return {"0": 0, "1": 1}.get(digits, -1)


def _fraction(digits: str) -> float:
    return 1.0 if digits == "1.0" else -1.0


# Objects become tuples of pairs, so that repeated names are kept.
_DECODER = JSONDecoder(object_pairs_hook=tuple, parse_int=_integer, parse_float=_fraction)

"""The shapes in which a JSON file holds a table (pure).

- `array`: an array of objects.
- `values`: an array of URLs or hashes.
- `objects`: an object of objects, which have common fields; the key of each is a column.
- `images`: an object with a list `images` of objects, as COCO's annotations have.
- `lists`: an object of lists of one length, of which one has URLs or hashes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from registry.datasets.json.scan import SPACE, Scan, scan
from registry.evidence.carriers import IMAGE_ENDINGS
from registry.model import hex_pattern

Shape = Literal["array", "values", "objects", "images", "lists"]
BOM = b"\xef\xbb\xbf"
IMAGES = "images"
# Members of COCO's files, one of which may come before `images`.
_BESIDE_IMAGES = frozenset({"annotations", "categories", "licenses", "info"})
_KEY = re.compile(rb'\s*"(?:https?:|%b")' % hex_pattern().encode(), re.I)
# Members and elements that are looked at.
_SAMPLE = 20


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of an object; of the last one, perhaps only the start of its value is there."""

    name: str
    value: bytes
    is_whole: bool

    @property
    def start(self) -> bytes:
        """The first byte of the value."""
        return self.value[:1]


def shape_of(head: bytes, is_whole: bool) -> Shape | None:
    """Return the shape of a JSON text by its first bytes; None if it is no table."""
    text = head.removeprefix(BOM).lstrip(SPACE)
    inside, found = text[1:], scan(text[1:])
    if text.startswith(b"["):
        return _shape_of_array(inside, found)
    if not text.startswith(b"{") or _goes_on(inside, found):
        return None
    members: list[_Member] = []
    try:
        members.extend(_members(inside, found))
    except ValueError:
        if len(members) < _SAMPLE:
            return None
    if _has_images(members, is_whole):
        return "images"
    if _are_objects(members):
        return "objects"
    return "lists" if _are_lists(members) else None


def _shape_of_array(inside: bytes, found: Scan) -> Shape | None:
    starts = [0, *(found.commas[:_SAMPLE] + 1).tolist()]
    if any(inside[start:].lstrip(SPACE).startswith(b"{") for start in starts):
        return "array"
    return "values" if any(_KEY.match(inside, start) for start in starts) else None


def _goes_on(inside: bytes, found: Scan) -> bool:
    """Return whether something follows the object, as in JSON lines."""
    return found.close is not None and bool(inside[found.close + 1 :].strip(SPACE))


def _members(inside: bytes, found: Scan) -> Iterator[_Member]:
    """Yield the members of an object. Raises ValueError."""
    is_open = found.close is None
    ends = [*found.commas.tolist(), len(inside) if is_open else found.close]
    starts = [0, *(found.commas + 1).tolist()]
    firsts = np.searchsorted(found.colons, starts).tolist()
    lasts = np.searchsorted(found.colons, ends).tolist()
    for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
        colons = found.colons[firsts[place] : lasts[place]].tolist()
        is_cut = is_open and place == len(starts) - 1
        if not colons and (is_cut or not inside[start:end].strip(SPACE)):
            continue
        name = json.loads(inside[start : colons[0]]) if len(colons) == 1 else None
        if not isinstance(name, str):
            raise ValueError("no member of an object")
        yield _Member(name, inside[colons[0] + 1 : end].strip(SPACE), not is_cut)


def _has_images(members: list[_Member], is_whole: bool) -> bool:
    lists = {member.name for member in members if _begins_with_object(member)}
    names = {member.name for member in members}
    if IMAGES in names:
        return IMAGES in lists
    return not is_whole and bool(lists & _BESIDE_IMAGES) and names <= _BESIDE_IMAGES


def _begins_with_object(member: _Member) -> bool:
    return member.start == b"[" and member.value[1:].lstrip(SPACE).startswith(b"{")


def _are_objects(members: list[_Member]) -> bool:
    """Return whether all values are objects with common fields.

    A single one is a table if it may be a picture.
    """
    members = members[:_SAMPLE]
    if not all(member.start == b"{" for member in members if member.is_whole or member.value):
        return False
    whole = [member for member in members if member.is_whole]
    try:
        values: list[Any] = [json.loads(member.value) for member in whole]
    except (ValueError, RecursionError):
        return False
    if len(values) < 2:
        return all(map(_may_be_picture, whole)) and bool(whole)
    common = set.intersection(*map(set, values[:2]))
    return bool(common) and all(common & {*value} for value in values)


def _may_be_picture(member: _Member) -> bool:
    name = member.name.lower()
    return bool(name.endswith(tuple(IMAGE_ENDINGS)) or _KEY.search(member.value))


def _are_lists(members: list[_Member]) -> bool:
    lists = [member for member in members if member.start == b"["]
    if not any(_KEY.match(member.value, 1) for member in lists):
        return False
    if len(lists) == len(members):
        return True
    lengths = [len(scan(member.value[1:]).commas) for member in lists if member.is_whole]
    return any(lengths.count(length) > 1 for length in lengths)

"""TIFF, BigTIFF and DNG: XMP in tag 700 of a directory.

All directories of the chain are read, each once; further directories within
(sub-pictures, Exif) hold no XMP. Camera files that are TIFF inside (DNG, NEF,
CR2) are read alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from registry.evidence.xmp._found import MAX_BLOCKS, Found, Packets

_XMP = 700
_SIZES = {1: 1, 2: 1, 6: 1, 7: 1, 3: 2, 8: 2, 4: 4, 9: 4, 13: 4, 16: 8, 17: 8, 18: 8}
_MAX_DIRECTORIES = 1000
_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes in bytes: of an offset, of a directory's count, of an entry."""

    order: Literal["little", "big"]
    offset: int
    count: int
    entry: int

    def number(self, data: bytes, place: int, size: int) -> int:
        return int.from_bytes(data[place : place + size], self.order)


def recognises(head: bytes) -> bool:
    """Tell whether a file begins as this container."""
    return head.startswith(_STARTS)


def packets(data: bytes) -> Packets:
    """Return the packets of all directories in the chain."""
    found = Found()
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    big = 43 in data[2:4]
    layout = _Layout(order, 8, 8, 20) if big else _Layout(order, 4, 2, 12)
    place = layout.number(data, 8 if big else 4, layout.offset)
    seen: set[int] = set()
    entries = 0
    while place and place not in seen and len(seen) < _MAX_DIRECTORIES:
        seen.add(place)
        count = layout.number(data, place, layout.count)
        start = place + layout.count
        end = start + count * layout.entry
        if end + layout.offset > len(data):
            found.warn("a directory is cut short")
        entries += min(count, MAX_BLOCKS)
        if entries > MAX_BLOCKS:
            found.warn(f"more than {MAX_BLOCKS} directory entries, the others not read")
            break
        for entry in range(start, min(end, len(data) - layout.entry + 1), layout.entry):
            if layout.number(data, entry, 2) == _XMP:
                found.packet(_value(data, entry, layout, found))
        place = layout.number(data, end, layout.offset)
    if place in seen:
        found.warn("the directories form a circle")
    return found.packets()


def _value(data: bytes, entry: int, layout: _Layout, found: Found) -> bytes:
    kind = layout.number(data, entry + 2, 2)
    size = layout.number(data, entry + 4, layout.offset) * _SIZES.get(kind, 0)
    place = entry + 4 + layout.offset
    if size > layout.offset:
        place = layout.number(data, place, layout.offset)
    content = data[place : place + size]
    if len(content) < size or not size:
        found.warn("the XMP packet is cut short")
    return found.take(content)

"""TIFF, BigTIFF and DNG: XMP in tag 700 of a directory.

All directories of the chain are read, each once; nested directories (sub-images,
Exif) have no XMP. Camera files in TIFF format (DNG, NEF, CR2) are read too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from registry.evidence.xmp._collector import MAX_BLOCKS, PacketCollector, Packets

_XMP = 700
_SIZES = {1: 1, 2: 1, 6: 1, 7: 1, 3: 2, 8: 2, 4: 4, 9: 4, 13: 4, 16: 8, 17: 8, 18: 8}
_MAX_DIRECTORIES = 1000
_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True, slots=True)
class _Layout:
    """The byte order, and sizes in bytes: of an offset, a directory's count, an entry."""

    order: Literal["little", "big"]
    offset: int
    count: int
    entry: int

    def number(self, data: bytes, position: int, size: int) -> int:
        return int.from_bytes(data[position : position + size], self.order)


def recognises(head: bytes) -> bool:
    """Return whether a file has the signature of this container."""
    return head.startswith(_STARTS)


def packets(data: bytes) -> Packets:
    """Return the packets of all directories in the chain."""
    collector = PacketCollector()
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    big = 43 in data[2:4]
    layout = _Layout(order, 8, 8, 20) if big else _Layout(order, 4, 2, 12)
    position = layout.number(data, 8 if big else 4, layout.offset)
    seen: set[int] = set()
    entries = 0
    while position and position not in seen and len(seen) < _MAX_DIRECTORIES:
        seen.add(position)
        count = layout.number(data, position, layout.count)
        start = position + layout.count
        end = start + count * layout.entry
        if end + layout.offset > len(data):
            collector.warn("a directory is truncated")
        entries += min(count, MAX_BLOCKS)
        if entries > MAX_BLOCKS:
            collector.warn(f"more than {MAX_BLOCKS} directory entries, the others not read")
            break
        for entry in range(start, min(end, len(data) - layout.entry + 1), layout.entry):
            if layout.number(data, entry, 2) == _XMP:
                collector.packet(_value(data, entry, layout, collector))
        position = layout.number(data, end, layout.offset)
    if position in seen:
        collector.warn("the chain of directories has a loop")
    return collector.packets()


def _value(data: bytes, entry: int, layout: _Layout, collector: PacketCollector) -> bytes:
    field_type = layout.number(data, entry + 2, 2)
    size = layout.number(data, entry + 4, layout.offset) * _SIZES.get(field_type, 0)
    position = entry + 4 + layout.offset
    if size > layout.offset:
        position = layout.number(data, position, layout.offset)
    content = data[position : position + size]
    if len(content) < size or not size:
        collector.warn("the XMP packet is truncated")
    return collector.take(content)

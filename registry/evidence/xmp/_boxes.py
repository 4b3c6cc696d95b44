"""Boxes, of which BMFF (AVIF, HEIC), JPEG XL and JPEG 2000 files consist (ISO/IEC 14496-12)."""

from __future__ import annotations

from collections.abc import Iterator

from registry.evidence.xmp._found import MAX_BLOCKS, Found

# The `uuid` box that holds XMP (XMP specification part 3).
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def boxes(data: bytes, start: int, end: int, found: Found) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the contents of the boxes in a part of a file."""
    place = start
    for _ in range(MAX_BLOCKS):
        if place + 8 > end:
            if place < end:
                found.warn("the file is cut short")
            return
        kind = data[place + 4 : place + 8]
        size, head = int.from_bytes(data[place : place + 4]), 8
        if size == 1:
            size, head = int.from_bytes(data[place + 8 : place + 16]), 16
        last = place + size if size else end
        if size and size < head:
            found.warn("a box is smaller than its own head, not read further")
            return
        if last > end:
            found.warn("the file is cut short")
        yield kind, min(place + head, end), min(last, end)
        place = last
    found.warn(f"more than {MAX_BLOCKS} boxes, the others not read")


def uuid_packet(data: bytes, start: int, end: int, found: Found) -> None:
    """Keep the packet of a `uuid` box, if it is one of XMP."""
    if data[start : start + 16] == XMP_UUID:
        found.packet(found.take(data[start + 16 : end]))

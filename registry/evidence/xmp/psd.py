"""Photoshop: XMP in image resource 1060."""

from __future__ import annotations

from registry.evidence.xmp._found import MAX_BLOCKS, Found, Packets

_XMP = 1060


def recognises(head: bytes) -> bool:
    """Tell whether a file begins as this container."""
    return head.startswith((b"8BPS\0\1", b"8BPS\0\2"))


def packets(data: bytes) -> Packets:
    """Return the packets of the image resources."""
    found = Found()
    # The header has 26 bytes; colour data and resources are each behind their length.
    place = 30 + int.from_bytes(data[26:30])
    end = place + 4 + int.from_bytes(data[place : place + 4])
    if end > len(data):
        found.warn("the file is cut short")
    place, end = place + 4, min(end, len(data))
    for _ in range(MAX_BLOCKS):
        if place + 12 > end:
            return found.packets()
        # A name in an even number of bytes, its length included.
        name = (data[place + 6] // 2 + 1) * 2
        start = place + 10 + name
        size = int.from_bytes(data[start - 4 : start])
        if data[place + 4 : place + 6] == _XMP.to_bytes(2):
            found.packet(found.take(data[start : min(start + size, end)]))
        place = start + size + size % 2
    found.warn(f"more than {MAX_BLOCKS} resources, the others not read")
    return found.packets()

"""Photoshop: XMP in image resource 1060."""

from __future__ import annotations

from registry.evidence.xmp._collector import MAX_BLOCKS, PacketCollector, Packets

_XMP = 1060


def recognises(head: bytes) -> bool:
    """Return whether a file has the signature of this container."""
    return head.startswith((b"8BPS\0\1", b"8BPS\0\2"))


def packets(data: bytes) -> Packets:
    """Return the packets of the image resources."""
    collector = PacketCollector()
    # The header has 26 bytes; colour data and resources each follow their length.
    position = 30 + int.from_bytes(data[26:30])
    end = position + 4 + int.from_bytes(data[position : position + 4])
    if end > len(data):
        collector.warn("the file is truncated")
    position, end = position + 4, min(end, len(data))
    for _ in range(MAX_BLOCKS):
        if position + 12 > end:
            return collector.packets()
        # The name has an even number of bytes, including its length.
        name = (data[position + 6] // 2 + 1) * 2
        start = position + 10 + name
        size = int.from_bytes(data[start - 4 : start])
        if data[position + 4 : position + 6] == _XMP.to_bytes(2):
            collector.packet(collector.take(data[start : min(start + size, end)]))
        position = start + size + size % 2
    collector.warn(f"more than {MAX_BLOCKS} resources, the others not read")
    return collector.packets()

"""JPEG XL: XMP in the box `xml `, or compressed with brotli in `brob`.

A bare codestream has no boxes and so no XMP (ISO/IEC 18181-2).
"""

from __future__ import annotations

from registry.evidence.xmp import _boxes
from registry.evidence.xmp._collector import PacketCollector, Packets


def recognises(head: bytes) -> bool:
    """Return whether a file has the signature of this container."""
    return head.startswith(b"\0\0\0\x0cJXL ")


def packets(data: bytes) -> Packets:
    """Return the packets of all top-level boxes."""
    collector = PacketCollector()
    for box_type, start, end in _boxes.boxes(data, 0, len(data), collector):
        if box_type == b"xml ":
            collector.packet(collector.take(data[start:end]))
        elif box_type == b"brob" and data[start : start + 4] == b"xml ":
            collector.packet(collector.brotli_decompressed(data[start + 4 : end]))
    return collector.packets()

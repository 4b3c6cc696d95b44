"""JPEG XL: XMP in the box `xml `, or compressed by brotli in `brob`.

A bare codestream has no boxes and so no XMP (ISO/IEC 18181-2).
"""

from __future__ import annotations

from registry.evidence.xmp import _boxes
from registry.evidence.xmp._found import Found, Packets


def recognises(head: bytes) -> bool:
    """Tell whether a file begins as this container."""
    return head.startswith(b"\0\0\0\x0cJXL ")


def packets(data: bytes) -> Packets:
    """Return the packets of all boxes at the top."""
    found = Found()
    for kind, start, end in _boxes.boxes(data, 0, len(data), found):
        if kind == b"xml ":
            found.packet(found.take(data[start:end]))
        elif kind == b"brob" and data[start : start + 4] == b"xml ":
            found.packet(found.unbrotlied(data[start + 4 : end]))
    return found.packets()

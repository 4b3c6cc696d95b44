"""JPEG 2000: XMP in the box `uuid` BE7ACFCB-97A9-42E8-9C71-999491E3AFAC."""

from __future__ import annotations

from registry.evidence.xmp import _boxes
from registry.evidence.xmp._found import Found, Packets


def recognises(head: bytes) -> bool:
    """Tell whether a file begins as this container."""
    return head.startswith(b"\0\0\0\x0cjP  ")


def packets(data: bytes) -> Packets:
    """Return the packets of all boxes at the top."""
    found = Found()
    for kind, start, end in _boxes.boxes(data, 0, len(data), found):
        if kind == b"uuid":
            _boxes.uuid_packet(data, start, end, found)
    return found.packets()

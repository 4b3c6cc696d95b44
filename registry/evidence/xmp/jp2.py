"""JPEG 2000: XMP in the box `uuid` BE7ACFCB-97A9-42E8-9C71-999491E3AFAC."""

from __future__ import annotations

from registry.evidence.xmp import _boxes
from registry.evidence.xmp._collector import PacketCollector, Packets


def recognises(head: bytes) -> bool:
    """Return whether a file has the signature of this container."""
    return head.startswith(b"\0\0\0\x0cjP  ")


def packets(data: bytes) -> Packets:
    """Return the packets of all top-level boxes."""
    collector = PacketCollector()
    for box_type, start, end in _boxes.boxes(data, 0, len(data), collector):
        if box_type == b"uuid":
            _boxes.uuid_packet(data, start, end, collector)
    return collector.packets()

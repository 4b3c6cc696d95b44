"""The boxes of BMFF (AVIF, HEIC), JPEG XL and JPEG 2000 files (ISO/IEC 14496-12)."""

from __future__ import annotations

from collections.abc import Iterator

from registry.evidence.xmp._collector import MAX_BLOCKS, PacketCollector

# The `uuid` box that holds XMP (XMP specification part 3).
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def boxes(
    data: bytes, start: int, end: int, collector: PacketCollector
) -> Iterator[tuple[bytes, int, int]]:
    """Yield the type of each box in a part of a file, and the start and end of its contents."""
    position = start
    for _ in range(MAX_BLOCKS):
        if position + 8 > end:
            if position < end:
                collector.warn("the file is truncated")
            return
        box_type = data[position + 4 : position + 8]
        size, header = int.from_bytes(data[position : position + 4]), 8
        if size == 1:
            size, header = int.from_bytes(data[position + 8 : position + 16]), 16
        last = position + size if size else end
        if size and size < header:
            collector.warn("a box is smaller than its header, not read further")
            return
        if last > end:
            collector.warn("the file is truncated")
        yield box_type, min(position + header, end), min(last, end)
        position = last
    collector.warn(f"more than {MAX_BLOCKS} boxes, the others not read")


def uuid_packet(data: bytes, start: int, end: int, collector: PacketCollector) -> None:
    """Add the packet of a `uuid` box, if the box contains XMP."""
    if data[start : start + 16] == XMP_UUID:
        collector.packet(collector.take(data[start + 16 : end]))

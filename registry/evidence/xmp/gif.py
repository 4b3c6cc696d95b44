"""GIF: XMP in the application extension `XMP Data` with the code `XMP`.

The packet is not divided into sub-blocks; 258 bytes follow it (1, 255 down to 0,
0), which end the extension for readers that read its bytes as lengths (XMP
specification part 3, section 1.1.2). Packets in sub-blocks, from some writers,
are read with a warning.
"""

from __future__ import annotations

from registry.evidence.xmp._collector import MAX_BLOCKS, PacketCollector, Packets

_TRAILER = bytes([1, *range(255, -1, -1), 0])
_APPLICATION = b"\x0bXMP DataXMP"
# As many as in a file of 255 MB.
_MAX_SUB_BLOCKS = 1_000_000


def recognises(head: bytes) -> bool:
    """Return whether a file has the signature of this container."""
    return head.startswith((b"GIF87a", b"GIF89a"))


def packets(data: bytes) -> Packets:
    """Return the packets of all application extensions."""
    collector = PacketCollector()
    position = 13 + _table(data, 10)
    steps = 0
    for _ in range(MAX_BLOCKS):
        block_type = data[position : position + 1]
        if block_type == b"\x3b":
            return collector.packets()
        if block_type == b"\x2c":
            start = position + 11 + _table(data, position + 9)
        elif block_type == b"\x21":
            start = position + 2
        elif block_type:
            collector.warn("damaged between two blocks, not read further")
            return collector.packets()
        if not block_type or start > len(data):
            collector.warn("the file is truncated")
            return collector.packets()
        is_xmp = data[position + 1 : position + 14] == b"\xff" + _APPLICATION
        start += len(_APPLICATION) * is_xmp
        position, count = _end_of_sub_blocks(data, start, _MAX_SUB_BLOCKS - steps)
        steps += count
        if is_xmp:
            collector.packet(_packet(data[start:position], collector))
        if steps >= _MAX_SUB_BLOCKS:
            break
    collector.warn("too many blocks, the others not read")
    return collector.packets()


def _table(data: bytes, position: int) -> int:
    """Return the length of the colour table by the flags at an offset."""
    flags = data[position] if position < len(data) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _end_of_sub_blocks(data: bytes, position: int, most: int) -> tuple[int, int]:
    """Return the offset after the terminator of a series of sub-blocks, and their number."""
    for count in range(most):
        size = data[position] if position < len(data) else 0
        position += 1 + size
        if not size:
            return position, count + 1
    return position, most


def _packet(raw: bytes, collector: PacketCollector) -> bytes:
    if raw.endswith(_TRAILER):
        return collector.take(raw[: -len(_TRAILER)])
    if raw[:1] in {b"<", b"\xef"}:
        collector.warn("the XMP extension has no valid end")
        return collector.take(raw)
    collector.warn("the XMP packet is divided into sub-blocks")
    pieces, position = [], 0
    while position < len(raw):
        pieces.append(raw[position + 1 : position + 1 + raw[position]])
        position += 1 + raw[position]
    return collector.take(b"".join(pieces))

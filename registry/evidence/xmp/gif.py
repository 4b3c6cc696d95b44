"""GIF: XMP in the application extension `XMP Data` with the code `XMP`.

The packet stands there as it is, not in sub-blocks; behind it come 258 bytes
(1, 255 down to 0, 0) which end the extension for readers that take its bytes
for lengths (XMP specification part 3, section 1.1.2). Packets cut into
sub-blocks, as some writers do, are read with a warning.
"""

from __future__ import annotations

from registry.evidence.xmp._found import MAX_BLOCKS, Found, Packets

_TRAILER = bytes([1, *range(255, -1, -1), 0])
_APPLICATION = b"\x0bXMP DataXMP"
# A file of 255 MB in whole sub-blocks.
_MAX_SUB_BLOCKS = 1_000_000


def recognises(head: bytes) -> bool:
    """Tell whether a file begins as this container."""
    return head.startswith((b"GIF87a", b"GIF89a"))


def packets(data: bytes) -> Packets:
    """Return the packets of all application extensions."""
    found = Found()
    place = 13 + _table(data, 10)
    steps = 0
    for _ in range(MAX_BLOCKS):
        kind = data[place : place + 1]
        if kind == b"\x3b":
            return found.packets()
        if kind == b"\x2c":
            start = place + 11 + _table(data, place + 9)
        elif kind == b"\x21":
            start = place + 2
        elif kind:
            found.warn("damaged between two blocks, not read further")
            return found.packets()
        if not kind or start > len(data):
            found.warn("the file is cut short")
            return found.packets()
        is_xmp = data[place + 1 : place + 14] == b"\xff" + _APPLICATION
        start += len(_APPLICATION) * is_xmp
        place, count = _end_of_sub_blocks(data, start, _MAX_SUB_BLOCKS - steps)
        steps += count
        if is_xmp:
            found.packet(_packet(data[start:place], found))
        if steps >= _MAX_SUB_BLOCKS:
            break
    found.warn("too many blocks, the others not read")
    return found.packets()


def _table(data: bytes, place: int) -> int:
    """Return the length of the colour table that the flags at a place announce."""
    flags = data[place] if place < len(data) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _end_of_sub_blocks(data: bytes, place: int, most: int) -> tuple[int, int]:
    """Return where a row of sub-blocks ends, its terminator included, and their count."""
    for count in range(most):
        size = data[place] if place < len(data) else 0
        place += 1 + size
        if not size:
            return place, count + 1
    return place, most


def _packet(raw: bytes, found: Found) -> bytes:
    if raw.endswith(_TRAILER):
        return found.take(raw[: -len(_TRAILER)])
    if raw[:1] in {b"<", b"\xef"}:
        found.warn("the XMP extension does not end as it must")
        return found.take(raw)
    found.warn("the XMP packet is cut into sub-blocks")
    pieces, place = [], 0
    while place < len(raw):
        pieces.append(raw[place + 1 : place + 1 + raw[place]])
        place += 1 + raw[place]
    return found.take(b"".join(pieces))

"""WebP: XMP in the RIFF chunk `XMP `.

The chunk is read whether or not the VP8X chunk announces it. `XMP` with NUL,
which some writers put, is taken for it.
"""

from __future__ import annotations

from registry.evidence.xmp._found import MAX_BLOCKS, Found, Packets


def recognises(head: bytes) -> bool:
    """Tell whether a file begins as this container."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def packets(data: bytes) -> Packets:
    """Return the packets of all chunks."""
    found = Found()
    place = 12
    # Files end where their bytes do: the length ahead is often left wrong by editing.
    for _ in range(MAX_BLOCKS):
        if len(data) - place < 8:
            break
        start, end = place + 8, place + 8 + int.from_bytes(data[place + 4 : place + 8], "little")
        if data[place : place + 4] in {b"XMP ", b"XMP\0"}:
            found.packet(found.take(data[start:end]))
        if end > len(data):
            found.warn("the file is cut short")
        place = end + end % 2
    else:
        found.warn(f"more than {MAX_BLOCKS} chunks, the others not read")
    if len(data) < 12 + 8 or 8 + int.from_bytes(data[4:8], "little") > len(data):
        found.warn("the file is cut short")
    return found.packets()

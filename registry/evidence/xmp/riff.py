"""WebP: XMP in the RIFF chunk `XMP `.

The chunk is read whether or not the VP8X chunk announces it. `XMP` with NUL, from
some writers, is read too.
"""

from __future__ import annotations

from registry.evidence.xmp._collector import MAX_BLOCKS, PacketCollector, Packets


def recognises(head: bytes) -> bool:
    """Return whether a file has the signature of this container."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def packets(data: bytes) -> Packets:
    """Return the packets of all chunks."""
    collector = PacketCollector()
    position = 12
    # The length in the header is ignored: editors often leave it wrong.
    for _ in range(MAX_BLOCKS):
        if len(data) - position < 8:
            break
        start, end = (
            position + 8,
            position + 8 + int.from_bytes(data[position + 4 : position + 8], "little"),
        )
        if data[position : position + 4] in {b"XMP ", b"XMP\0"}:
            collector.packet(collector.take(data[start:end]))
        if end > len(data):
            collector.warn("the file is truncated")
        position = end + end % 2
    else:
        collector.warn(f"more than {MAX_BLOCKS} chunks, the others not read")
    if len(data) < 12 + 8 or 8 + int.from_bytes(data[4:8], "little") > len(data):
        collector.warn("the file is truncated")
    return collector.packets()

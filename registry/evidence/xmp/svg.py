"""SVG: RDF in the element `metadata`.

Prefixes may be declared at the root, so an excerpt is always kept. Compressed SVG
is not read.
"""

from __future__ import annotations

from registry.evidence.file_kinds import is_svg
from registry.evidence.xmp import _packet
from registry.evidence.xmp._collector import MAX_BYTES, PacketCollector, Packets


def recognises(head: bytes) -> bool:
    """Return whether a file has the signature of this container."""
    return is_svg(head)


def packets(data: bytes) -> Packets:
    """Return the rights statements in the metadata as one packet."""
    collector = PacketCollector()
    if b"RDF" not in data.replace(b"\0", b""):
        return collector.packets()
    text = _packet.decoded(collector.take(data[:MAX_BYTES]))
    kept = _packet.excerpt([text])
    if kept is None:
        collector.warn("not well-formed XML, read as plain text")
        collector.packet(_packet.around_marks(text).encode("utf-8", "replace"))
    elif kept.properties:
        collector.packet(kept.text.encode("utf-8", "replace"))
    return collector.packets()

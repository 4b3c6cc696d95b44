"""SVG: RDF in the element `metadata`.

Prefixes may be declared at the root, so what is kept is always an excerpt.
Compressed SVG is not read.
"""

from __future__ import annotations

from registry.evidence.xmp import _packet
from registry.evidence.xmp._found import MAX_BYTES, Found, Packets


def recognises(head: bytes) -> bool:
    """Tell whether a file begins as this container."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"<") and b"<svg" in start.replace(b"\0", b"").lower()


def packets(data: bytes) -> Packets:
    """Return what the metadata say of rights, as one packet."""
    found = Found()
    if b"RDF" not in data.replace(b"\0", b""):
        return found.packets()
    text = _packet.decoded(found.take(data[:MAX_BYTES]))
    kept = _packet.excerpt([text])
    if kept is None:
        found.warn("not well-formed, read as far as the words go")
        found.packet(_packet.around_marks(text).encode("utf-8", "replace"))
    elif kept.properties:
        found.packet(kept.text.encode("utf-8", "replace"))
    return found.packets()

"""What a file is, by its first bytes and words. Pure."""

from __future__ import annotations

import re
import zlib

from registry.evidence.carriers import is_image
from registry.evidence.text import text_of

_START = 65536
_AGENT_LINE = re.compile(r"^[ \t]*user-?agent[ \t]*:", re.IGNORECASE | re.MULTILINE)
# The line that the generator of these files writes first.
_SPAWNING = re.compile(r"^#[ \t]*spawning", re.IGNORECASE | re.MULTILINE)
_HEADER_LINE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:")
# Words that tell of what an XML text is about, in the order in which they are asked.
_XML = (("<rsl", "rsl-xml"), ("xmpmeta", "xmp"), ("<rdf:rdf", "xmp"), ("<svg", "image"))
_JSON = (("tdm-reservation", "tdmrep-json"), ("assertions", "c2pa-json"), ("manifest", "c2pa-json"))


def is_packed(content: bytes) -> bool:
    """Tell whether a body is neither text nor an image: some encoding is still on it."""
    start = content[:512]
    if is_image(content):
        return False
    if any(byte < 9 or 13 < byte < 32 for byte in start):
        return True
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason != "unexpected end of data" and start[:1] not in b"<{["
    return False


def kind_by_content(content: bytes) -> str | None:
    """Tell what a file is by its content alone; None where that does not say."""
    if is_image(content):
        return "image"
    if content.startswith(b"WARC/") or _unzipped(content).startswith(b"WARC/"):
        return "warc"
    text = text_of(content[:_START])
    start = text.lstrip()[:2000].lower()
    if start.startswith("<"):
        return next((kind for word, kind in _XML if word in start), "html")
    if start.startswith(("{", "[")):
        return next((kind for word, kind in _JSON if word in start), None)
    if _AGENT_LINE.search(text):
        return "ai-txt" if _SPAWNING.search(start) else "robots-txt"
    return "headers" if _HEADER_LINE.match(start) else None


def _unzipped(content: bytes) -> bytes:
    """Return the first bytes of what is gzipped, none of anything else."""
    try:
        return zlib.decompressobj(31).decompress(content[:_START], 16)
    except zlib.error:
        return b""

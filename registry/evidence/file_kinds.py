"""The type of a file, by its first bytes and words. Pure."""

from __future__ import annotations

import re
import zlib

from registry.evidence.carriers import Carriers, is_image
from registry.evidence.text import text_of
from registry.evidence.web_page import begins_as_page

_START = 65536
_SVG_START = 4096
_AGENT_LINE = re.compile(r"^[ \t]*user-?agent[ \t]*:", re.IGNORECASE | re.MULTILINE)
_HEADER_LINE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:")


def is_compressed(content: bytes) -> bool:
    """Return whether a body is neither text nor an image, so it is still compressed."""
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


def is_svg(content: bytes) -> bool:
    """Return whether a file is an SVG, the format without a signature; False for a web page."""
    text = text_of(content[:_SVG_START]).replace("\0", "").lstrip("\ufeff \t\r\n")
    return text.startswith("<") and "<svg" in text.lower() and not begins_as_page(text)


def kind_by_content(content: bytes, carriers: Carriers) -> str | None:
    """Return the carrier of a file, `image`, `html` or `warc`, by its content; None if unknown."""
    if is_image(content) or is_svg(content):
        return "image"
    if content.startswith(b"WARC/") or _unzipped(content).startswith(b"WARC/"):
        return "warc"
    text = text_of(content[:_START])
    start = text.lstrip()[:2000].lower()
    syntax = "xml" if start.startswith("<") else "json" if start.startswith(("{", "[")) else "txt"
    by_words = next(carriers.by_words(syntax, start), None)
    if by_words is not None:
        return by_words.name
    if syntax == "xml":
        return "html"
    if syntax == "txt" and _AGENT_LINE.search(text):
        return "robots-txt"
    return "headers" if _HEADER_LINE.match(start) else None


def _unzipped(content: bytes) -> bytes:
    """Return the first bytes of gzipped content, decompressed; empty for other content."""
    try:
        return zlib.decompressobj(31).decompress(content[:_START], 16)
    except zlib.error:
        return b""

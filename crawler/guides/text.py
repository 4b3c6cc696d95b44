"""The text of sitemaps and feeds, within limits, and made safe for the parser. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

from registry.evidence.text import page_text
from registry.evidence.unpacking import decompressed

# Most bytes of a document, decompressed: the limit of the sitemap protocol.
MOST_BYTES = 50 * 1024 * 1024
# Bytes in which the root element must begin.
START_BYTES = 64 * 1024
_PART = 64 * 1024
_GZIP = b"\x1f\x8b"
_SECTION, _SECTION_END = "<![CDATA[", "]]>"
# Longer references are text.
_MOST_REFERENCE = 10
_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")


def guide_text(data: bytes, most: int = MOST_BYTES) -> str:
    """Return the first `most` bytes of a guide as text, decompressed if they are gzipped.

    Empty if the gzip data is invalid. Without NULs, and without white space at the start.
    """
    if data.startswith(_GZIP):
        unpacked = decompressed(data, "gzip", most)
        data = unpacked[0] if unpacked else b""
    return page_text(data[:most]).replace("\x00", "").lstrip("\ufeff \t\r\n")


def safe_parts(text: str) -> Iterator[bytes]:
    """Yield XML in short parts of UTF-8, without references to entities other than XML's five.

    Other references, and ampersands that are not escaped, become text; so do CDATA sections,
    since in them nothing is escaped.
    """
    place = 0
    while place < len(text):
        section = text.find(_SECTION, place, place + _PART + len(_SECTION))
        if section == place:
            start = place + len(_SECTION)
            end = text.find(_SECTION_END, start)
            end = len(text) if end < 0 else end
            yield from (
                _encoded(escape(text[at : min(at + _PART, end)])) for at in range(start, end, _PART)
            )
            place = end + len(_SECTION_END)
        else:
            end = _end_of_part(text, place) if section < 0 else section
            yield _encoded(_AMPERSAND.sub("&amp;", text[place:end]))
            place = end


def _end_of_part(text: str, place: int) -> int:
    """Return where a part that begins at `place` ends: not within a reference."""
    end = place + _PART
    reference = text.rfind("&", end - _MOST_REFERENCE, end)
    return end if reference < 0 or end >= len(text) else reference


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")

"""PNG: XMP in an iTXt chunk with the keyword `XML:com.adobe.xmp`.

Some tools write that keyword in a tEXt or zTXt chunk.
The text may be compressed (zlib). Old ImageMagick wrote `Raw profile type xmp`
in tEXt or zTXt: a name, a length and hex digits. Chunks that lack the two bytes
of compression, as some tools write them, are read with a warning.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from registry.evidence.xmp._found import MAX_BLOCKS, MAX_BYTES, Found, Packets

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"XML:com.adobe.xmp"
_RAW_PROFILE = b"raw profile type xmp"
_TEXTS = frozenset({b"iTXt", b"zTXt", b"tEXt"})
# Compression flag and method, language, translated keyword.
_ITXT = re.compile(rb"([\0\1])\0[^\0<]{0,200}\0[^\0<]{0,2000}\0")
_RAW = re.compile(rb"\s*xmp\s+\d+\s+", re.IGNORECASE)


def recognises(head: bytes) -> bool:
    """Tell whether a file begins as this container."""
    return head.startswith(_SIGNATURE)


def packets(data: bytes) -> Packets:
    """Return the packets of all text chunks, before the picture or behind it."""
    found = Found()
    for kind, content in _text_chunks(data, found):
        keyword, nul, rest = content.partition(b"\0")
        if keyword == _KEYWORD and kind == b"iTXt":
            found.packet(_international(rest, found))
        elif keyword == _KEYWORD:
            found.packet(found.inflated(rest[1:]) if kind == b"zTXt" else found.take(rest))
        elif nul and keyword.lower() == _RAW_PROFILE:
            found.packet(_raw_profile(kind, rest, found))
    return found.packets()


def _text_chunks(data: bytes, found: Found) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kinds and contents of chunks that hold text."""
    place = len(_SIGNATURE)
    for _ in range(MAX_BLOCKS):
        if len(data) - place < 12:
            break
        kind = data[place + 4 : place + 8]
        start, end = place + 8, place + 8 + int.from_bytes(data[place : place + 4])
        if kind in _TEXTS and data[start:end].lower().startswith((_KEYWORD.lower(), _RAW_PROFILE)):
            content = data[start:end]
            if zlib.crc32(kind + content) != int.from_bytes(data[end : end + 4]):
                found.warn("the checksum of the XMP chunk is wrong")
            yield kind, content
        if kind == b"IEND":
            return
        place = end + 4
    else:
        found.warn(f"more than {MAX_BLOCKS} chunks, the others not read")
        return
    found.warn("the file is cut short")


def _international(rest: bytes, found: Found) -> bytes:
    header = _ITXT.match(rest)
    if header:
        text = rest[header.end() :]
        return found.inflated(text) if header[1] == b"\1" else found.take(text)
    found.warn("the XMP chunk is not written as iTXt must be")
    return found.take(rest[max(rest.find(b"<"), 0) :])


def _raw_profile(kind: bytes, rest: bytes, found: Found) -> bytes:
    if kind == b"zTXt":
        rest = found.inflated(rest[1:])
    elif kind == b"iTXt" and (header := _ITXT.match(rest)):
        text = rest[header.end() :]
        rest = found.inflated(text) if header[1] == b"\1" else text
    header = _RAW.match(rest)
    text = rest[header.end() : 3 * MAX_BYTES] if header else b""
    digits = text.translate(None, b" \t\r\n")
    try:
        return found.take(bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii")))
    except ValueError:
        found.warn("a raw profile is not written in hex digits")
        return b""

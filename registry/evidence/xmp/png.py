"""PNG: XMP in an iTXt chunk with the keyword `XML:com.adobe.xmp`.

Some tools write that keyword in a tEXt or zTXt chunk. The text may be compressed
(zlib). Old ImageMagick wrote `Raw profile type xmp` in tEXt or zTXt: a name, a
length and hex digits. Chunks without the two compression bytes, from some tools,
are read with a warning.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from registry.evidence.xmp._collector import MAX_BLOCKS, MAX_BYTES, PacketCollector, Packets

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"XML:com.adobe.xmp"
_RAW_PROFILE = b"raw profile type xmp"
_TEXTS = frozenset({b"iTXt", b"zTXt", b"tEXt"})
# Compression flag and method, language, translated keyword.
_ITXT = re.compile(rb"([\0\1])\0[^\0<]{0,200}\0[^\0<]{0,2000}\0")
_RAW = re.compile(rb"\s*xmp\s+\d+\s+", re.IGNORECASE)


def recognises(head: bytes) -> bool:
    """Return whether a file has the signature of this container."""
    return head.startswith(_SIGNATURE)


def packets(data: bytes) -> Packets:
    """Return the packets of all text chunks, before or after the image data."""
    collector = PacketCollector()
    for chunk_type, content in _text_chunks(data, collector):
        keyword, nul, rest = content.partition(b"\0")
        if keyword == _KEYWORD and chunk_type == b"iTXt":
            collector.packet(_international(rest, collector))
        elif keyword == _KEYWORD:
            collector.packet(
                collector.inflated(rest[1:]) if chunk_type == b"zTXt" else collector.take(rest)
            )
        elif nul and keyword.lower() == _RAW_PROFILE:
            collector.packet(_raw_profile(chunk_type, rest, collector))
    return collector.packets()


def _text_chunks(data: bytes, collector: PacketCollector) -> Iterator[tuple[bytes, bytes]]:
    """Yield the types and contents of the text chunks with XMP."""
    position = len(_SIGNATURE)
    for _ in range(MAX_BLOCKS):
        if len(data) - position < 12:
            break
        chunk_type = data[position + 4 : position + 8]
        start, end = position + 8, position + 8 + int.from_bytes(data[position : position + 4])
        if chunk_type in _TEXTS and data[start:end].lower().startswith(
            (_KEYWORD.lower(), _RAW_PROFILE)
        ):
            content = data[start:end]
            if zlib.crc32(chunk_type + content) != int.from_bytes(data[end : end + 4]):
                collector.warn("the checksum of the XMP chunk is wrong")
            yield chunk_type, content
        if chunk_type == b"IEND":
            return
        position = end + 4
    else:
        collector.warn(f"more than {MAX_BLOCKS} chunks, the others not read")
        return
    collector.warn("the file is truncated")


def _international(rest: bytes, collector: PacketCollector) -> bytes:
    header = _ITXT.match(rest)
    if header:
        text = rest[header.end() :]
        return collector.inflated(text) if header[1] == b"\1" else collector.take(text)
    collector.warn("the XMP chunk is not valid iTXt")
    return collector.take(rest[max(rest.find(b"<"), 0) :])


def _raw_profile(chunk_type: bytes, rest: bytes, collector: PacketCollector) -> bytes:
    if chunk_type == b"zTXt":
        rest = collector.inflated(rest[1:])
    elif chunk_type == b"iTXt" and (header := _ITXT.match(rest)):
        text = rest[header.end() :]
        rest = collector.inflated(text) if header[1] == b"\1" else text
    header = _RAW.match(rest)
    text = rest[header.end() : 3 * MAX_BYTES] if header else b""
    digits = text.translate(None, b" \t\r\n")
    try:
        return collector.take(bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii")))
    except ValueError:
        collector.warn("a raw profile is not in hex digits")
        return b""

"""Transfer and content encodings of a body undone, up to a limit. Pure."""

from __future__ import annotations

import re
import zlib

_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,12})[^\r\n]{0,1000}\r?\n")
_MAX_ENCODINGS = 4


def joined_chunks(body: bytes) -> bytes | None:
    """Join the chunks of a body (RFC 9112, section 7.1); None where it has none."""
    parts: list[bytes] = []
    place = 0
    while found := _CHUNK.match(body, place):
        size = int(found.group(1), 16)
        parts.append(body[found.end() : found.end() + size])
        place = found.end() + size
        place += 2 if body[place : place + 2] == b"\r\n" else 1
        if not size:
            break
    return b"".join(parts) if parts else None


def plain(body: bytes, encodings: str, room: int) -> bytes | None:
    """Undo the encodings that a `Content-Encoding` lists, the last first; None where one fails.

    Of every step at most `room` bytes are made.
    """
    names = [name.strip() for name in encodings.lower().split(",")]
    names = [name for name in names if name not in {"", "identity"}]
    if len(names) > _MAX_ENCODINGS:
        return None
    found: bytes | None = body
    for name in reversed(names):
        found = _without(found, name, room) if found is not None else None
    return found


def _without(body: bytes, encoding: str, room: int) -> bytes | None:
    try:
        if encoding in {"gzip", "x-gzip"}:
            return zlib.decompressobj(31).decompress(body, room)
        if encoding == "deflate":
            # Some servers send the data without the wrapper that the word means.
            window = zlib.MAX_WBITS if body[:1] == b"\x78" else -zlib.MAX_WBITS
            return zlib.decompressobj(window).decompress(body, room)
        return _from_brotli(body, room) if encoding == "br" else None
    except zlib.error:
        return None


def _from_brotli(body: bytes, room: int) -> bytes | None:
    import brotli

    unpacker = brotli.Decompressor()
    try:
        return bytes(unpacker.process(body, output_buffer_limit=room))[:room]
    except brotli.error:
        return None

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


def plain(body: bytes, encodings: str, room: int) -> tuple[bytes, bool] | None:
    """Undo the encodings that a `Content-Encoding` lists, the last first; None where one fails.

    Of every step at most `room` bytes are made. With the bytes comes whether they ended
    where they should, which they also do where there is no more room.
    """
    names = [name.strip() for name in encodings.lower().split(",")]
    names = [name for name in names if name not in {"", "identity"}]
    if len(names) > _MAX_ENCODINGS:
        return None
    ended = True
    for name in reversed(names):
        found = _without(body, name, room)
        if found is None or not (found[0] or found[1]):
            return None
        body, ended = found[0], ended and (found[1] or len(found[0]) >= room)
    return body, ended


def _without(body: bytes, encoding: str, room: int) -> tuple[bytes, bool] | None:
    try:
        if encoding in {"gzip", "x-gzip"}:
            return _inflated(body, 31, room)
        if encoding == "deflate":
            # Some servers send the data without the wrapper that the word means.
            wrapped = body[:1] == b"\x78"
            return _inflated(body, zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS, room)
        return _from_brotli(body, room) if encoding == "br" else None
    except zlib.error:
        return None


def _inflated(body: bytes, window: int, room: int) -> tuple[bytes, bool]:
    unpacker = zlib.decompressobj(window)
    found = unpacker.decompress(body, room)
    return found, unpacker.eof


def _from_brotli(body: bytes, room: int) -> tuple[bytes, bool] | None:
    import brotli

    unpacker = brotli.Decompressor()
    try:
        found = bytes(unpacker.process(body, output_buffer_limit=room))[:room]
    except brotli.error:
        return None
    return found, bool(unpacker.is_finished())

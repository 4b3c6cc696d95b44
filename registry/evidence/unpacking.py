"""Decodes the transfer and content encodings of a body, up to a limit. Pure."""

from __future__ import annotations

import re
import zlib

_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,12})[^\r\n]{0,1000}\r?\n")
_MAX_ENCODINGS = 4


def joined_chunks(body: bytes) -> bytes | None:
    """Return the joined chunks of a body (RFC 9112, section 7.1); None if it has none."""
    parts: list[bytes] = []
    place = 0
    while match := _CHUNK.match(body, place):
        size = int(match.group(1), 16)
        parts.append(body[match.end() : match.end() + size])
        place = match.end() + size
        place += 2 if body[place : place + 2] == b"\r\n" else 1
        if not size:
            break
    return b"".join(parts) if parts else None


def decompressed(body: bytes, encodings: str, budget: int) -> tuple[bytes, bool] | None:
    """Return a body without the encodings of its `Content-Encoding`, and whether it is complete.

    Each step makes at most `budget` bytes; a body cut there counts as complete. None if an
    encoding is unsupported or the body does not have it.
    """
    names = [name.strip() for name in encodings.lower().split(",")]
    names = [name for name in names if name not in {"", "identity"}]
    if len(names) > _MAX_ENCODINGS:
        return None
    ended = True
    for name in reversed(names):
        step = _without(body, name, budget)
        if step is None or not (step[0] or step[1]):
            return None
        body, ended = step[0], ended and (step[1] or len(step[0]) >= budget)
    return body, ended


def _without(body: bytes, encoding: str, budget: int) -> tuple[bytes, bool] | None:
    try:
        if encoding in {"gzip", "x-gzip"}:
            return _inflated(body, 31, budget)
        if encoding == "deflate":
            # Some servers send raw deflate data without the zlib wrapper.
            wrapped = body[:1] == b"\x78"
            return _inflated(body, zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS, budget)
        return _brotli_decompressed(body, budget) if encoding == "br" else None
    except zlib.error:
        return None


def _inflated(body: bytes, window: int, budget: int) -> tuple[bytes, bool]:
    decompressor = zlib.decompressobj(window)
    content = decompressor.decompress(body, budget)
    return content, decompressor.eof


def _brotli_decompressed(body: bytes, budget: int) -> tuple[bytes, bool] | None:
    import brotli

    decompressor = brotli.Decompressor()
    try:
        content = bytes(decompressor.process(body, output_buffer_limit=budget))[:budget]
    except brotli.error:
        return None
    return content, bool(decompressor.is_finished())

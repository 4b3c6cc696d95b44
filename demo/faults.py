"""Faulty responses, for tests of the crawler.

All are under `/faults/` of the site host, and only `/faults.html`, which no other page
links to, shows them.
"""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

SLOW_SECONDS = 60.0
DRIP_SECONDS = 0.2
BOMB_SIDE = 20_000


@dataclass(frozen=True, slots=True)
class Fault:
    """One response: status, headers, declared length (None: the true one) and body.

    With `drip` the body is sent slowly.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "image/jpeg"),)
    declared: int | None = None
    body: bytes = b""
    drip: bool = False


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Return one PNG chunk: length, kind, data, checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@cache
def bomb() -> bytes:
    """Return a PNG of 50 KB that unpacks to 400 million pixels."""
    header = struct.pack(">IIBBBBB", BOMB_SIDE, BOMB_SIDE, 1, 0, 0, 0, 0)
    compressor = zlib.compressobj(9)
    row = bytes(1 + BOMB_SIDE // 8)
    rows = b"".join(compressor.compress(row) for _ in range(BOMB_SIDE)) + compressor.flush()
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def fault(path: str, picture: bytes) -> Fault | None:
    """Return the faulty response of one path, or None.

    `picture` is a valid JPEG from which the faulty ones are made.
    """
    text = (("Content-Type", "text/plain; charset=utf-8"),)
    answers = {
        "/faults/error.jpg": Fault(500, text, body=b"something broke\n"),
        "/faults/forbidden.jpg": Fault(403, text, body=b"no hot-linking\n"),
        "/faults/gone.jpg": Fault(410, text, body=b"gone\n"),
        "/faults/moved.jpg": Fault(302, (("Location", "/pictures/cat.jpg"),)),
        "/faults/loop-a.jpg": Fault(302, (("Location", "/faults/loop-b.jpg"),)),
        "/faults/loop-b.jpg": Fault(302, (("Location", "/faults/loop-a.jpg"),)),
        "/faults/short.jpg": Fault(declared=len(picture) * 2, body=picture),
        "/faults/huge.jpg": Fault(declared=5_000_000_000, body=picture),
        "/faults/slow.jpg": Fault(body=picture, drip=True),
    }
    if path == "/faults/bomb.png":
        return Fault(headers=(("Content-Type", "image/png"),), body=bomb())
    return answers.get(path)


def drip(body: bytes) -> Iterator[bytes]:
    """Yield the body in small pieces over SLOW_SECONDS."""
    step = max(1, round(len(body) * DRIP_SECONDS / SLOW_SECONDS))
    for start in range(0, len(body), step):
        time.sleep(DRIP_SECONDS)
        yield body[start : start + step]

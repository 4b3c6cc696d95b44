"""What a container gives: packets and warnings, gathered within bounds.

A file of a few hundred bytes can name gigabytes: by a zlib stream, by extents
that all show the same place, by a length. All of it is paid from one room.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import brotli

# Bytes of a file that tell its container.
HEAD = 4096
# Bytes of all packets of one file, inflated ones included.
MAX_BYTES = 8 * 1024 * 1024
MAX_PACKETS = 16
MAX_WARNINGS = 20
# Segments, chunks, boxes or directory entries of one file that are looked at.
MAX_BLOCKS = 50_000


@dataclass(frozen=True, slots=True)
class Packets:
    """XMP packets as bytes, each in its parts: itself and its extension if there is one."""

    parts: tuple[tuple[bytes, ...], ...] = ()
    warnings: tuple[str, ...] = ()


class Found:
    """Gathers packets and warnings; what goes beyond the bounds becomes a warning."""

    def __init__(self) -> None:
        self.room = MAX_BYTES
        self._parts: list[tuple[bytes, ...]] = []
        self._warnings: dict[str, None] = {}

    def warn(self, text: str) -> None:
        """Keep a warning once."""
        if len(self._warnings) < MAX_WARNINGS:
            self._warnings[text] = None

    def take(self, content: bytes) -> bytes:
        """Return what there is room for."""
        kept = content[: self.room]
        if len(kept) < len(content):
            self.warn(f"more than {MAX_BYTES} bytes of XMP, read up to there")
        self.room -= len(kept)
        return kept

    def packet(self, *parts: bytes) -> None:
        """Keep a packet whose parts were taken."""
        if not any(part.strip(b"\0 \t\r\n") for part in parts):
            return
        if len(self._parts) == MAX_PACKETS:
            self.warn(f"more than {MAX_PACKETS} XMP packets, the others not read")
            return
        self._parts.append(parts)

    def inflated(self, content: bytes) -> bytes:
        """Return what a zlib stream holds, as far as there is room and the stream is sound."""
        stream = zlib.decompressobj()
        pieces = []
        try:
            while self.room and not stream.eof and content:
                pieces.append(self.take(stream.decompress(content, min(self.room, 65536))))
                content = stream.unconsumed_tail
        except zlib.error:
            self.warn("compressed XMP is damaged")
        else:
            self._ended(stream.eof)
        return b"".join(pieces)

    def unbrotlied(self, content: bytes) -> bytes:
        """Return what a brotli stream holds, as far as there is room and the stream is sound."""
        stream = brotli.Decompressor()
        pieces = []
        try:
            while self.room and not stream.is_finished():
                # The limit is rounded up to a block by the library; `take` cuts it.
                piece = stream.process(content, output_buffer_limit=min(self.room, 65536))
                if not piece and not content:
                    break
                content = b""
                pieces.append(self.take(piece))
        except brotli.error:
            self.warn("compressed XMP is damaged")
        else:
            self._ended(stream.is_finished())
        return b"".join(pieces)

    def packets(self) -> Packets:
        """Return what was gathered."""
        return Packets(tuple(self._parts), tuple(self._warnings))

    def _ended(self, at_end: bool) -> None:
        if not at_end and self.room:
            self.warn("compressed XMP is cut short")
        elif not at_end:
            self.warn(f"more than {MAX_BYTES} bytes of XMP, read up to there")

"""Collects the packets and warnings of a container, within limits.

A file of a few hundred bytes can describe gigabytes: by a zlib stream, by extents
at the same offset, by a length. All bytes count against one budget per file.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import brotli

# The first bytes of a file, by which its container is recognised.
HEAD = 4096
# Most bytes of all packets of one file, after decompression.
MAX_BYTES = 8 * 1024 * 1024
MAX_PACKETS = 16
MAX_WARNINGS = 20
# Most segments, chunks, boxes or directory entries read from one file.
MAX_BLOCKS = 50_000


@dataclass(frozen=True, slots=True)
class Packets:
    """XMP packets as bytes, each with its parts: the packet, and its extension if it has one."""

    parts: tuple[tuple[bytes, ...], ...] = ()
    warnings: tuple[str, ...] = ()


class PacketCollector:
    """Collects packets and warnings; packets beyond the limits become a warning."""

    def __init__(self) -> None:
        self.budget = MAX_BYTES
        self._parts: list[tuple[bytes, ...]] = []
        self._warnings: dict[str, None] = {}

    def warn(self, text: str) -> None:
        """Add a warning, once."""
        if len(self._warnings) < MAX_WARNINGS:
            self._warnings[text] = None

    def take(self, content: bytes) -> bytes:
        """Return the content cut to the remaining budget, and reduce the budget."""
        kept = content[: self.budget]
        if len(kept) < len(content):
            self.warn(f"more than {MAX_BYTES} bytes of XMP, read up to there")
        self.budget -= len(kept)
        return kept

    def packet(self, *parts: bytes) -> None:
        """Add a packet whose parts were returned by `take`."""
        if not any(part.strip(b"\0 \t\r\n") for part in parts):
            return
        if len(self._parts) == MAX_PACKETS:
            self.warn(f"more than {MAX_PACKETS} XMP packets, the others not read")
            return
        self._parts.append(parts)

    def inflated(self, content: bytes) -> bytes:
        """Return a decompressed zlib stream, up to the budget or the first damaged byte."""
        stream = zlib.decompressobj()
        pieces = []
        try:
            while self.budget and not stream.eof and content:
                pieces.append(self.take(stream.decompress(content, min(self.budget, 65536))))
                content = stream.unconsumed_tail
        except zlib.error:
            self.warn("compressed XMP is damaged")
        else:
            self._ended(stream.eof)
        return b"".join(pieces)

    def brotli_decompressed(self, content: bytes) -> bytes:
        """Return a decompressed brotli stream, up to the budget or the first damaged byte."""
        stream = brotli.Decompressor()
        pieces = []
        try:
            while self.budget and not stream.is_finished():
                # The library rounds the limit up to a block; `take` cuts it.
                piece = stream.process(content, output_buffer_limit=min(self.budget, 65536))
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
        """Return the collected packets and warnings."""
        return Packets(tuple(self._parts), tuple(self._warnings))

    def _ended(self, at_end: bool) -> None:
        if not at_end and self.budget:
            self.warn("compressed XMP is truncated")
        elif not at_end:
            self.warn(f"more than {MAX_BYTES} bytes of XMP, read up to there")

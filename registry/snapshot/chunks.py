"""Digests of the chunks of files, so that a part of a file can be verified alone. Pure.

The digest of a file is the sha256 of the digests of its chunks. The file `digests` of a snapshot
has those of all its files, in the order of their names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

CHUNK = 1 << 16
DIGEST_BYTES = 32


def chunks_of(size: int) -> int:
    """Return the number of chunks of a file of this size."""
    return -(-size // CHUNK)


def chunk_digests(data: memoryview | bytes) -> bytes:
    """Return the sha256 of each chunk of some bytes, end to end."""
    view = memoryview(data)
    return b"".join(
        hashlib.sha256(view[start : start + CHUNK]).digest() for start in range(0, len(view), CHUNK)
    )


class ChunkDigests:
    """The digests of the chunks of bytes that come piece by piece."""

    def __init__(self) -> None:
        self.size = 0
        self._digests: list[bytes] = []
        self._open = hashlib.sha256()

    def add(self, data: memoryview | bytes) -> None:
        """Add more bytes."""
        view, start = memoryview(data), 0
        while start < len(view):
            end = min(len(view), start + CHUNK - self.size % CHUNK)
            self._open.update(view[start:end])
            self.size += end - start
            start = end
            if self.size % CHUNK == 0:
                self._digests.append(self._open.digest())
                self._open = hashlib.sha256()

    def digests(self) -> bytes:
        """Return the digests, end to end, once all bytes were added."""
        rest = [self._open.digest()] if self.size % CHUNK else []
        return b"".join([*self._digests, *rest])


def tree_digest(digests: bytes) -> str:
    """Return the digest of a file, given those of its chunks, as lower-case hex."""
    return hashlib.sha256(digests).hexdigest()


def split(digests: bytes, sizes: Mapping[str, int]) -> dict[str, bytes] | None:
    """Return the chunk digests of each file, given the sizes by name; None if they do not fit."""
    parts, start = {}, 0
    for name in sorted(sizes):
        end = start + chunks_of(sizes[name]) * DIGEST_BYTES
        parts[name] = digests[start:end]
        start = end
    return parts if start == len(digests) else None

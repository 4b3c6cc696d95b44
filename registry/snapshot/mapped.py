"""Files of a snapshot, mapped into memory and verified where they are read."""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from registry.snapshot.chunks import CHUNK, DIGEST_BYTES
from registry.snapshot.format import damaged, unopened

if TYPE_CHECKING:
    from numpy.typing import NDArray

DTYPES: dict[str, np.dtype[Any]] = {
    "u32": np.dtype("<u4"),
    "u64": np.dtype("<u8"),
    "i64": np.dtype("<i8"),
}


class MappedFile:
    """The bytes of one file. What was not verified must be, before it is used.

    Raises UnreadableSnapshot, with the file's name, if it is missing, has another size, or a
    chunk is altered.
    """

    def __init__(self, folder: int, name: str, shown: Path, size: int, digests: bytes) -> None:
        """Open a file of the opened `folder`; `shown` is its path in messages."""
        self.shown = shown
        self._digests = digests
        self.data = _map(folder, name, shown, size)
        self._verified = np.zeros(len(digests) // DIGEST_BYTES, bool)
        self._is_whole = False
        # Whether its columns are verified whole when they are first read, and then taken as valid.
        self.reads_whole = False

    def trust(self) -> None:
        """Take all chunks as verified: this program has just written them."""
        self._verified[:] = True
        self._is_whole = True

    @property
    def is_verified(self) -> bool:
        """Whether all chunks are verified."""
        return self._is_whole or bool(self._verified.all())

    def verify_range(self, start: int, end: int) -> None:
        """Verify the chunks with a range of bytes; an empty one has none."""
        if end <= start or self._is_whole:
            return
        first, last = start // CHUNK, (end - 1) // CHUNK
        if first < last or not self._verified[first]:
            self._verify_missing(np.arange(first, last + 1))

    def verify_ranges(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
        """Verify the chunks with some ranges of bytes."""
        if self._is_whole:
            return
        some = ends > starts
        first, last = starts[some] // CHUNK, (ends[some] - 1) // CHUNK
        if (last < first + 2).all():
            self._verify_missing(first)
            self._verify_missing(last)
            return
        wanted = np.zeros(len(self._verified) + 1, np.int64)
        np.add.at(wanted, first, 1)
        np.add.at(wanted, last + 1, -1)
        self._verify_missing(np.flatnonzero(np.cumsum(wanted)[:-1] > 0))

    def verify_at(self, places: NDArray[np.int64]) -> None:
        """Verify the chunks with some bytes."""
        if not self._is_whole:
            self._verify_missing(places // CHUNK)

    def _verify_missing(self, chunks: NDArray[np.int64]) -> None:
        verified = self._verified[chunks]
        if not verified.all():
            for chunk in np.unique(chunks[~verified]).tolist():
                self._verify(chunk)

    def verify_all(self) -> None:
        """Verify the whole file."""
        self._verify_missing(np.arange(len(self._verified)))

    def _verify(self, chunk: int) -> None:
        found = hashlib.sha256(self.data[chunk * CHUNK : (chunk + 1) * CHUNK]).digest()
        if found != self._digests[chunk * DIGEST_BYTES : (chunk + 1) * DIGEST_BYTES]:
            raise damaged(str(self.shown), "its sha256 is not the one in its manifest")
        self._verified[chunk] = True


def _map(folder: int, name: str, shown: Path, size: int) -> memoryview:
    try:
        file = os.open(name, os.O_RDONLY | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        raise unopened(str(shown), error) from error
    try:
        state = os.fstat(file)
        if not stat.S_ISREG(state.st_mode):
            raise damaged(str(shown), "it is not a regular file")
        if state.st_size != size:
            raise damaged(str(shown), f"it has {state.st_size} bytes instead of {size}")
        return memoryview(mmap.mmap(file, size, prot=mmap.PROT_READ) if size else b"")
    finally:
        os.close(file)


class MappedArray:
    """A file of numbers. Elements are verified when they are asked for.

    It stands for a NumPy array where elements are read by number or range; as a whole it is
    verified whole.
    """

    def __init__(self, file: MappedFile, dtype: np.dtype[Any], start: int, count: int) -> None:
        """Take `count` elements from byte `start` of a file on."""
        self._file = file
        self._start = start
        self._array = np.frombuffer(file.data, dtype, count, start)
        self.nbytes = self._array.nbytes

    def __len__(self) -> int:
        """Return the number of elements."""
        return len(self._array)

    def __getitem__(self, places: Any) -> Any:
        """Return elements by number, array of numbers, or range."""
        if isinstance(places, slice):
            first, last, step = places.indices(len(self))
            assert step == 1, "ranges are read forwards"
            self._verify(first, max(last, first))
        else:
            numbers = np.asarray(places).astype(np.int64, copy=False)
            if numbers.size and numbers.min() < 0:
                numbers = np.where(numbers < 0, numbers + len(self), numbers)
            # An element is within one chunk: its place is a multiple of its size.
            self._file.verify_at(self._byte(numbers))
        return self._array[places]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all elements, verified."""
        self._verify(0, len(self))
        return np.array(self._array, dtype, copy=copy)

    def _verify(self, first: int, last: int) -> None:
        self._file.verify_range(self._byte(first), self._byte(last))

    def _byte(self, number: Any) -> Any:
        return self._start + number * self._array.itemsize

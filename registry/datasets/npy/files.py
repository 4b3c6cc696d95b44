"""Writes arrays of one dimension as files of NumPy, part by part."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry import durable

NPY = ".npy"
# The format 1.0 of NumPy's files: a magic, the size of the header, a dictionary as text.
HEADER_BYTES = 128
_MAGIC = b"\x93NUMPY\x01\x00"


def npy_header(dtype: np.dtype[Any], rows: int) -> bytes:
    """Return the first bytes of a file, before those of the array."""
    descr = np.lib.format.dtype_to_descr(dtype)
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': ({rows},), }}".encode()
    size = HEADER_BYTES - len(_MAGIC) - 2
    return _MAGIC + size.to_bytes(2, "little") + text.ljust(size - 1) + b"\n"


class NumberWriter:
    """Writes whole numbers of 64 bits; the file has its name only when it is complete.

    All methods except `abandon` may raise UnwritableOutput.
    """

    _DTYPE = np.dtype("<i8")

    def __init__(self, path: Path) -> None:
        self.path, self._rows = path, 0
        with durable.reported(path):
            self._made = durable.Unfinished(path)
            try:
                self._file = self._made.path.open("wb")
                self._file.write(bytes(HEADER_BYTES))
            except BaseException:
                self._made.discard()
                raise

    def append(self, numbers: NDArray[np.int64]) -> None:
        """Append numbers."""
        with durable.reported(self.path):
            self._file.write(numbers.astype(self._DTYPE, copy=False).tobytes())
        self._rows += len(numbers)

    def close(self) -> None:
        """Finish the file, and give it its name."""
        with durable.reported(self.path):
            self._file.seek(0)
            self._file.write(npy_header(self._DTYPE, self._rows))
            self._file.close()
            self._made.finish()

    def abandon(self) -> None:
        """Remove the part that was written."""
        with suppress(OSError):
            self._file.close()
        self._made.discard()

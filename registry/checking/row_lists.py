"""Lists of the rows of a check: those to remove, by name, and those that are kept, by number."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from registry.datasets.npy.files import NumberWriter
from registry.datasets.remote.paths import is_url
from registry.datasets.text.files import TextWriter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.datasets import Dataset


class RowList(Protocol):
    """A list in a file, which has its name only when it is complete."""

    def add(self, kept: NDArray[np.bool_], names: pa.RecordBatch, table: int) -> None:
        """Add the next rows of a table: which are kept, and the columns that name rows."""

    def close(self) -> None:
        """Finish the file."""

    def abandon(self) -> None:
        """Remove the part that was written."""


class RemovalList:
    """A text with a line for each row that is not kept, as `Dataset.lines_of` has it.

    A damaged part of an archive is a row without a name, and has no line.
    """

    def __init__(self, dataset: Dataset, path: Path) -> None:
        self._dataset, self._text = dataset, TextWriter(path, b"")
        self._table = self._first = 0

    def add(self, kept: NDArray[np.bool_], names: pa.RecordBatch, table: int) -> None:
        """Add the next rows of a table: which are kept, and the columns that name rows."""
        if table != self._table:
            self._table, self._first = table, 0
        numbers = (np.flatnonzero(~kept) + self._first).tolist()
        self._first += len(kept)
        if numbers:
            removed = names.filter(pa.array(~kept))
            self._append(_in_one(self._dataset.lines_of(removed, table, numbers)))

    def _append(self, lines: Iterable[bytes]) -> None:
        self._text.append(b"".join(line + b"\n" for line in lines))

    def close(self) -> None:
        """Finish the file."""
        self._text.close()

    def abandon(self) -> None:
        """Remove the part that was written."""
        self._text.abandon()


class FileRemovalList(RemovalList):
    """A list of files, where a row has several and several rows have the same.

    Each is listed once, if it exists and no row that is kept has it.
    """

    def __init__(self, dataset: Dataset, path: Path) -> None:
        super().__init__(dataset, path)
        self._files: dict[bytes, None] = {}
        # Of files that are kept, which are many, 64 bits are enough to know them.
        self._kept = array("q")

    def add(self, kept: NDArray[np.bool_], names: pa.RecordBatch, table: int) -> None:
        """Add the next rows of a table: which are kept, and the columns that name rows."""
        lines = self._dataset.lines_of(names, table, range(len(kept)))
        for is_kept, files in zip(kept.tolist(), lines, strict=True):
            if is_kept:
                self._kept.extend(map(hash, files))
            else:
                self._files.update(dict.fromkeys(files))

    def close(self) -> None:
        """Finish the file."""
        hashes = np.fromiter(map(hash, self._files), np.int64, len(self._files))
        is_kept = np.isin(hashes, np.array(self._kept, np.int64)).tolist()
        files = zip(self._files, is_kept, strict=True)
        self._append(file for file, kept in files if not kept and _exists(file))
        super().close()


def removal_list(dataset: Dataset, path: Path) -> RemovalList:
    """Return the list for the rows of a dataset."""
    return (FileRemovalList if dataset.shares_files else RemovalList)(dataset, path)


def _in_one(lists: Iterable[Iterable[bytes]]) -> Iterable[bytes]:
    return (line for lines in lists for line in lines)


def _exists(file: bytes) -> bool:
    """Return whether there is a file; of remote ones it is not asked."""
    return is_url(os.fsdecode(file)) or os.path.lexists(file)


class KeptNumbers:
    """An array with the numbers of the rows that are kept, in their order in the dataset."""

    def __init__(self, path: Path) -> None:
        self._numbers = NumberWriter(path)
        self._first = 0

    def add(self, kept: NDArray[np.bool_], names: pa.RecordBatch, table: int) -> None:
        """Add the next rows of a table: which are kept, and the columns that name rows."""
        self._numbers.append(np.flatnonzero(kept) + self._first)
        self._first += len(kept)

    def close(self) -> None:
        """Finish the file."""
        self._numbers.close()

    def abandon(self) -> None:
        """Remove the part that was written."""
        self._numbers.abandon()

"""Lists of the rows of a check: those to remove, by name, and those that are kept, by number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from registry.datasets.npy.files import NumberWriter
from registry.datasets.text.files import TextWriter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.datasets import Dataset


class RowList(Protocol):
    """A list in a file, which has its name only when it is complete."""

    def add(self, kept: NDArray[np.bool_], removed: pa.RecordBatch, table: int) -> None:
        """Add the next rows of a table: which are kept, and the names of the others."""

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

    def add(self, kept: NDArray[np.bool_], removed: pa.RecordBatch, table: int) -> None:
        """Add the next rows of a table: which are kept, and the names of the others."""
        if table != self._table:
            self._table, self._first = table, 0
        numbers = (np.flatnonzero(~kept) + self._first).tolist()
        self._first += len(kept)
        if numbers:
            rows = self._dataset.lines_of(removed, table, numbers)
            self._text.append(b"".join(line + b"\n" for lines in rows for line in lines))

    def close(self) -> None:
        """Finish the file."""
        self._text.close()

    def abandon(self) -> None:
        """Remove the part that was written."""
        self._text.abandon()


class KeptNumbers:
    """An array with the numbers of the rows that are kept, in their order in the dataset."""

    def __init__(self, path: Path) -> None:
        self._numbers = NumberWriter(path)
        self._first = 0

    def add(self, kept: NDArray[np.bool_], removed: pa.RecordBatch, table: int) -> None:
        """Add the next rows of a table: which are kept, and the names of the others."""
        self._numbers.append(np.flatnonzero(kept) + self._first)
        self._first += len(kept)

    def close(self) -> None:
        """Finish the file."""
        self._numbers.close()

    def abandon(self) -> None:
        """Remove the part that was written."""
        self._numbers.abandon()

"""The rows of Arrow files in the order of a list of their numbers.

Up to release 1.17 `datasets` saved a dataset that was selected, sorted or shuffled as the files
that it was made from, and this list beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from registry.datasets.arrow.batches import ArrowFile, BatchReader
from registry.datasets.arrow.fields import plain
from registry.datasets.arrow.tables import BATCH_BYTES, BATCH_ROWS, ArrowTable, Form, Picked
from registry.datasets.hidden import ROW, with_unread
from registry.datasets.remote.paths import is_remote
from registry.errors import UnreadableDataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The rows of a record batch, of those that are written.
_GROUP_ROWS = 1000


class IndexedTable:
    """The rows of some files in the order of the numbers in others."""

    def __init__(self, files: Sequence[Path], indices: Sequence[Path]) -> None:
        self.path = files[0]
        self._files, self._indices = files, indices
        self._first = ArrowTable(files[0])
        self.schema: pa.Schema = self._first.schema
        counts = [ArrowTable(path).rows for path in indices]
        known = [count for count in counts if count is not None]
        self.rows: int | None = sum(known) if len(known) == len(counts) else None

    def batches(
        self, columns: Sequence[str] | None = None, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows from `first` on; only `columns` where given, and hidden ones."""
        names = self.schema.names if columns is None else columns
        own = [name for name in names if name in self.schema.names]
        rows = _Rows(self._files, self._indices)
        for start in range(first, len(rows), rows.batch_rows):
            places = np.arange(start, min(start + rows.batch_rows, len(rows)))
            taken, unread = rows.taken(places)
            batch = with_unread(plain(taken.select(own)), len(places), unread)
            yield batch.append_column(ROW, pa.array(places)) if ROW in names else batch

    def form(self) -> Form:
        """Return how the files are written."""
        return self._first.form()

    def picker(self) -> IndexedPicker:
        """Return what picks rows."""
        return IndexedPicker(_Rows(self._files, self._indices))


class IndexedPicker:
    """Picks rows by their places in the list of numbers."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    def pick(self, rows: NDArray[np.int64]) -> Iterator[Picked]:
        """Yield the rows of these places, which ascend."""
        size = min(_GROUP_ROWS, self._rows.batch_rows)
        groups = rows // size
        for inside in _alike(groups):
            batch, _ = self._rows.taken(rows[inside])
            yield Picked(batch, (int(groups[inside[0]]), 0))


class _Rows:
    """Opened files: their record batches, which are mapped, and the numbers of their rows."""

    def __init__(self, files: Sequence[Path], indices: Sequence[Path]) -> None:
        self._batches: list[pa.RecordBatch | str] = []
        sizes, size = [0], 0
        for path in files:
            for batch, rows in _mapped_batches(path):
                self._batches.append(batch)
                sizes.append(rows)
                size += 0 if isinstance(batch, str) else batch.nbytes
        read = [batch for batch in self._batches if not isinstance(batch, str)]
        if not read:
            raise UnreadableDataset(f"{files[0]}: none of its rows can be read", "get it again")
        self._empty = read[0].slice(0, 0)
        self._ends = np.cumsum(sizes)
        self._numbers = _numbers(indices)
        row_bytes = max(size / max(int(self._ends[-1]), 1), 1)
        self.batch_rows = int(min(BATCH_ROWS, max(1, BATCH_BYTES // row_bytes)))

    def __len__(self) -> int:
        return len(self._numbers)

    def taken(self, places: NDArray[np.int64]) -> tuple[pa.RecordBatch, dict[int, str]]:
        """Return the rows at places of the list, and by place those that cannot be read."""
        numbers = self._numbers.take(pa.array(places)).fill_null(-1).to_numpy()
        groups = np.searchsorted(self._ends, numbers, "right") - 1
        unread = dict[int, str]()
        parts, order = [self._empty], []
        for inside in _alike(groups):
            group = int(groups[inside[0]])
            batch = self._batches[group] if 0 <= group < len(self._batches) else "no such row"
            if isinstance(batch, str):
                unread |= dict.fromkeys(inside.tolist(), batch)
            else:
                parts.append(batch.take(pa.array(numbers[inside] - self._ends[group])))
                order.append(inside)
        rows = pa.concat_batches(parts)
        if order:
            rows = rows.take(pa.array(np.argsort(np.concatenate(order))))
        return rows, unread


def _alike(groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the places of each group, those of one together."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    return np.split(order, starts) if len(order) else []


def _mapped_batches(path: Path) -> Iterator[tuple[pa.RecordBatch | str, int]]:
    """Yield the record batches of a file with their rows; of a damaged one, why."""
    if is_remote(path):
        raise UnreadableDataset(
            f"{path}: rows in the order of a list are read from local disks only",
            "copy the folder, or save the dataset again with `flatten_indices()`",
        )
    file = ArrowFile(path)
    reader = BatchReader(file)
    for group in file.groups():
        if group.batch and group.batch.codec:
            raise UnreadableDataset(
                f"{path}: compressed rows in the order of a list are not read",
                "save the dataset again with `flatten_indices().save_to_disk(...)`",
            )
        try:
            yield reader.read(group)[0], group.rows
        except ValueError as error:
            yield str(error), group.rows


def _numbers(paths: Sequence[Path]) -> pa.ChunkedArray:
    """Return the numbers of rows in files of one column."""
    chunks: list[pa.Array] = []
    for path in paths:
        file = ArrowFile(path)
        reader = BatchReader(file)
        try:
            chunks += [reader.read(group)[0].column(0).cast(pa.int64()) for group in file.groups()]
        except (ValueError, IndexError, pa.ArrowException) as error:
            raise UnreadableDataset(
                f"{path}: the list of rows cannot be read: {error}", "get it again"
            ) from error
    return pa.chunked_array(chunks, pa.int64())

"""The rows of one Arrow IPC file as a table, and some of them as they are in the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from registry.datasets.arrow.batches import ArrowFile, BatchReader, Group
from registry.datasets.arrow.fields import filtered, plain, plain_schema
from registry.datasets.hidden import ROW
from registry.datasets.remote.paths import is_remote
from registry.datasets.tables import unread_rows, without_first
from registry.errors import UnreadableDataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

# As of Parquet: larger batches cost less for each row, and more memory.
BATCH_ROWS = 1 << 20
BATCH_BYTES = 1 << 23
# Most batches of that size that are written as one.
_PIECES = 32
# Record batches that are counted when a file is opened: each is at another place of the file.
_COUNTED, _COUNTED_REMOTELY = 256, 8


@dataclass(frozen=True, slots=True)
class Form:
    """How an IPC file is written: what the rows that are kept have of it."""

    schema: pa.Schema
    is_file: bool
    codec: str | None = None
    metadata: Any = None
    has_dictionaries: bool = False
    has_deltas: bool = False


@dataclass(frozen=True, slots=True)
class Picked:
    """Rows that are written together with others of the same `group`: of one record batch.

    A record batch of more than 256 MB has several groups.
    """

    rows: pa.RecordBatch
    group: tuple[int, int]
    metadata: Any = None


class PicksRows(Protocol):
    """Reads some rows of a table again, as they are there."""

    def pick(self, rows: NDArray[np.int64]) -> Iterator[Picked]:
        """Yield the rows of these numbers, which ascend, also from one call to the next."""


class ArrowTable:
    """The rows of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        file = ArrowFile(path)
        twice = [name for name, count in Counter(file.schema.names).items() if count > 1]
        if twice:
            raise UnreadableDataset(
                f"{path} has more than one column named {twice[0]}", "rename one of the columns"
            )
        self.schema: pa.Schema = plain_schema(file.schema)
        # Of a remote file each is a request.
        most = _COUNTED_REMOTELY if is_remote(path) else _COUNTED
        first = list(islice(file.groups(), most + 1))
        counted = len(first) <= most
        self.rows: int | None = sum(group.rows for group in first) if counted else None

    def batches(
        self, columns: Sequence[str] | None = None, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows from `first` on; only `columns` where given, and hidden ones.

        With ROW all columns of a row are read: if one is damaged the row cannot be kept.
        """
        names = self.schema.names if columns is None else columns
        return _joined(self._pieces(names, first))

    def _pieces(self, names: Sequence[str], first: int) -> Iterator[pa.RecordBatch]:
        file = ArrowFile(self.path)
        own = [name for name in names if name in self.schema.names]
        wanted = [] if ROW in names else [self.schema.get_field_index(name) for name in own]
        reader = BatchReader(file, wanted)
        end = 0
        for group in file.groups():
            start, end = max(end, first), end + group.rows
            if end <= first:
                reader.pass_over(group)
                continue
            skipped = group.rows - (end - start)
            pieces = without_first(_read(reader, group, own), skipped)
            for piece in _numbered(pieces, start) if ROW in names else pieces:
                yield piece
                file.forget(group.batch)

    def picker(self) -> Picker:
        """Return what picks rows of the file."""
        return Picker(self.path)

    def form(self) -> Form:
        """Return how the file is written."""
        file = ArrowFile(self.path)
        most = _COUNTED_REMOTELY if is_remote(self.path) else _COUNTED
        first = list(islice(file.groups(), most))
        codecs = [group.batch.codec for group in first if group.batch]
        dictionaries = [one for group in first for one in group.dictionaries]
        return Form(
            file.schema,
            file.is_file,
            next(filter(None, codecs), None),
            file.metadata,
            bool(dictionaries),
            any(one.is_delta for one in dictionaries),
        )


class Picker:
    """Picks rows of a file by their numbers."""

    def __init__(self, path: Path) -> None:
        self._file = ArrowFile(path)
        self._reader = BatchReader(self._file)
        self._groups = enumerate(self._file.groups())
        self._number, self._group = -1, Group(None)
        self._read: tuple[pa.RecordBatch, Any] | None = None
        self._start = self._end = 0

    def pick(self, rows: NDArray[np.int64]) -> Iterator[Picked]:
        """Yield the rows of these numbers, which ascend, also from one call to the next.

        Raises UnreadableDataset if one cannot be read any more.
        """
        while len(rows):
            while self._end <= rows[0]:
                self._go_on()
            inside = int(np.searchsorted(rows, self._end))
            yield from self._picked(rows[:inside] - self._start)
            rows = rows[inside:]

    def _picked(self, places: NDArray[np.int64]) -> Iterator[Picked]:
        """Yield rows by their places in the record batch."""
        if self._read is None:
            try:
                self._read = self._reader.read(self._group)
            except ValueError as error:
                raise self._changed() from error
        batch, metadata = self._read
        done = 0
        for number, piece in enumerate(_sliced(batch)):
            keep = np.zeros(len(piece), bool)
            here = places[
                np.searchsorted(places, done) : np.searchsorted(places, done + len(piece))
            ]
            keep[here - done] = True
            done += len(piece)
            if len(here):
                rows = filtered(piece, pa.array(keep))
                yield Picked(rows, (self._number, number // _PIECES), metadata)
                self._file.forget(self._group.batch)

    def _go_on(self) -> None:
        """Go to the next record batch."""
        if self._read is None:
            self._reader.pass_over(self._group)
        self._read = None
        following = next(self._groups, None)
        if following is None:
            raise self._changed()
        self._number, self._group = following
        self._start, self._end = self._end, self._end + self._group.rows

    def _changed(self) -> UnreadableDataset:
        return UnreadableDataset(
            f"{self._file.path} has changed since it was read", "check it again"
        )


def _read(reader: BatchReader, group: Group, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield columns of a record batch; rows that cannot be read with the reason."""
    try:
        batch = reader.read(group)[0].select(columns)
    except ValueError as error:
        yield from unread_rows(group.rows, str(error))
        return
    for piece in _sliced(batch):
        try:
            rows = plain(piece)
        except (pa.ArrowException, ArithmeticError, ValueError) as error:
            yield from unread_rows(len(piece), f"a value that cannot be read: {error}")
        else:
            yield rows


def _sliced(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a batch in batches of limited size."""
    row_bytes = max(sum(map(_bytes, batch.columns)) / max(len(batch), 1), 1)
    size = int(min(BATCH_ROWS, max(1, BATCH_BYTES // row_bytes)))
    for start in range(0, len(batch), size):
        yield batch.slice(start, size)


def _bytes(column: pa.Array) -> int:
    """Return the size of the values, without a dictionary, which all rows share."""
    size: int = (column.indices if pa.types.is_dictionary(column.type) else column).nbytes
    return size


def _numbered(batches: Iterator[pa.RecordBatch], first: int) -> Iterator[pa.RecordBatch]:
    """Add the number of each row."""
    for batch in batches:
        numbers = pa.array(np.arange(first, first + len(batch)))
        yield batch.append_column(ROW, numbers)
        first += len(batch)


def _joined(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield small batches together."""
    waiting: list[pa.RecordBatch] = []
    size = rows = 0
    for batch in batches:
        size, rows = size + batch.nbytes, rows + len(batch)
        is_full = size > BATCH_BYTES or rows > BATCH_ROWS
        if waiting and (is_full or not batch.num_columns or batch.schema != waiting[0].schema):
            yield from together(waiting)
            waiting, size, rows = [], batch.nbytes, len(batch)
        waiting.append(batch)
    yield from together(waiting)


def together(batches: Sequence[pa.RecordBatch]) -> Sequence[pa.RecordBatch]:
    """Return the rows of some batches in one, or as they are if Arrow cannot join their types."""
    if len(batches) < 2:
        return batches
    try:
        return [pa.concat_batches(batches)]
    except pa.ArrowException:
        return batches

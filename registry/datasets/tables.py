"""The shared base of the formats: a dataset is a sequence of tables, each a file or a folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import pyarrow as pa

from registry.datasets import (
    CONTENT,
    FOLDER_OF_TABLES,
    NAME,
    RowWriter,
    files_in,
    refuse_own_files,
)
from registry.datasets._left_out import SkippedFiles, left_out
from registry.datasets.fitting import fitted, united
from registry.datasets.folder_writer import FolderWriter, names_in_folder
from registry.datasets.hidden import HIDDEN, UNREAD
from registry.datasets.listing import listing_of
from registry.datasets.npy.files import NPY
from registry.datasets.npy.writer import UidWriter
from registry.datasets.parquet_writer import ParquetRowWriter
from registry.datasets.row_names import lines_by_name, lines_by_number
from registry.datasets.shares import Shares
from registry.datasets.streams import COMPRESSIONS, is_folder, suffix_of, web_page
from registry.datasets.units import Part, parts_of, units_of
from registry.errors import RefusedFile, UnreadableDataset

# Rows that could not be read and are yielded together.
_UNREAD_ROWS = 1 << 16


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that follow one another: of one table, and of one row group in it."""

    batch: pa.RecordBatch
    table: int = 0
    group: int = 0


class Table(Protocol):
    """Rows of a file or a folder. `path` names it; `rows` is the number of rows if known."""

    path: Path
    schema: pa.Schema
    rows: int | None

    def batches(
        self, columns: Sequence[str] | None = None, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows from `first` on; only `columns` where given, and hidden ones.

        Raises UnreadableDataset where the rest cannot be read.
        """


@runtime_checkable
class SplitTable(Table, Protocol):
    """A table in which reading can start at some rows without reading those before.

    `size` is about the number of bytes that are read of it.
    """

    size: int

    def starts(self) -> Sequence[int]:
        """Return these rows, in order; the first row is not among them."""


class StreamedTable(ABC):
    """A table that is read from its start, also when only later rows are wanted."""

    rows: int | None = None
    schema: pa.Schema

    def batches(
        self, columns: Sequence[str] | None = None, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows from `first` on; only `columns` where given, and hidden ones."""
        names = self.schema.names if columns is None else list(columns)
        return without_first(self.read(names), first)

    @abstractmethod
    def read(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield all rows, with the columns `names` and hidden ones."""


class UnreadableTable:
    """A file that cannot be opened: a single row with the reason."""

    rows: int | None = 1
    schema = pa.schema([])

    def __init__(self, path: Path, error: UnreadableDataset | RefusedFile) -> None:
        self.path, self.error = path, error

    def batches(
        self, columns: Sequence[str] | None = None, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """Yield the row."""
        if not first:
            yield from unread_rows(1, self.error.message)


class Tables:
    """A dataset of tables, in their order; columns that one lacks are null there.

    `label` is the column that names a row. A table that cannot be read is a row with the reason.
    """

    shares_files = False

    def __init__(
        self,
        format_: str,
        name: str,
        tables: Sequence[Table],
        left_out: Sequence[SkippedFiles] = (),
        label: str | None = None,
    ) -> None:
        broken = [table for table in tables if isinstance(table, UnreadableTable)]
        if len(broken) == len(tables):
            raise broken[0].error
        self.format, self.name, self.label = format_, name, label
        self.tables = tuple(tables)
        self.files: Sequence[Path] = tuple(table.path for table in tables)
        self.left_out: Sequence[SkippedFiles] = tuple(left_out)
        counts = [table.rows for table in tables]
        known = [count for count in counts if count is not None]
        self.encrypted = frozenset[str]().union(*(getattr(t, "encrypted", ()) for t in tables))
        self.rows: int | None = sum(known) if len(known) == len(counts) else None
        self._shares = Shares(self.tables)
        readable = [table for table in tables if not isinstance(table, UnreadableTable)]
        self.schema = united([table.schema for table in readable])

    def estimated_rows(self, done: int, table: int) -> int | None:
        """Return the number of rows, or an estimate when so many are done; None if unknown."""
        return self._shares.rows(done, table) if self.rows is None else self.rows

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order; only `columns` where given, and hidden ones."""
        return (chunk.batch for chunk in self.chunks(columns))

    def parts(self) -> list[Part]:
        """Return the parts of the dataset that can be checked independently, in order."""
        starts = [one.starts() if isinstance(one, SplitTable) else () for one in self.tables]
        return [part for number, rows in enumerate(starts) for part in parts_of(number, rows)]

    def units(self) -> list[list[Part]]:
        """Return the parts, small ones together."""
        return units_of(self.parts(), [(table.rows, _size(table)) for table in self.tables])

    def chunks(
        self, columns: Sequence[str] | None = None, parts: Sequence[Part] | None = None
    ) -> Iterator[Chunk]:
        """Yield the rows of some parts, or of all."""
        names = list(self.schema.names if columns is None else columns)
        for part in self.parts() if parts is None else parts:
            for batch in _limited(self._rows(part, names), part.rows):
                yield Chunk(fitted(batch, names, self.schema), part.table)

    def _rows(self, part: Part, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        table = self.tables[part.table]
        own = [name for name in names if name in table.schema.names or name in HIDDEN]
        done = part.first
        try:
            for batch in table.batches(own, part.first):
                yield batch
                done += len(batch)
        except (UnreadableDataset, RefusedFile) as error:
            yield from unread_rows(max((table.rows or 0) - done, 1), error.message)

    @property
    def needed(self) -> Sequence[str]:
        """The columns that the writer of kept rows needs."""
        names: Sequence[str] = self.schema.names
        return names

    def writer(self, path: Path, schema: pa.Schema) -> RowWriter:
        """Return a writer of Parquet; refuse to write over the dataset itself."""
        refuse_own_files(path, self.files)
        return ParquetRowWriter(path, schema)

    def keeper(self, path: Path) -> RowWriter:
        """Return a writer of some rows as they are.

        Several tables become a folder of files, unless `path` is named like one file. A file
        named .npy is the subset of the rows, by their column `uid`.
        """
        refuse_own_files(path, self.files)
        if path.suffix.lower() == NPY:
            return UidWriter(path, self.schema)
        if len(self.tables) == 1:
            return self._kept_table(0, path)
        if suffix_of(path):
            return self._kept_in_one(path)
        return FolderWriter(path, names_in_folder(self.files), self._kept_if_read)

    @property
    def naming(self) -> Sequence[str]:
        """The columns that `lines_of` needs."""
        return () if self.label is None else (self.label,)

    def lines_of(
        self, rows: pa.RecordBatch, table: int, numbers: Sequence[int]
    ) -> list[list[bytes]]:
        """Return for each row of a table the lines of a list by which it is found.

        `numbers` are those of the rows in the table.
        """
        file = str(self.tables[table].path) if len(self.tables) > 1 else None
        if self.label is None:
            return lines_by_number(numbers, file)
        return lines_by_name(rows.column(self.label).to_pylist(), file)

    def _kept_if_read(self, number: int, path: Path) -> RowWriter | None:
        """Return a writer of some rows of one table; of one that is not read there are none."""
        table = self.tables[number]
        is_read = not isinstance(table, UnreadableTable) and table.path.exists()
        return self._kept_table(number, path) if is_read else None

    def _kept_table(self, number: int, path: Path) -> RowWriter:
        """Return a writer of some rows of one table."""
        return ParquetRowWriter(path, self.tables[number].schema)

    def _kept_in_one(self, path: Path) -> RowWriter:
        """Return a writer of some rows of all tables."""
        return ParquetRowWriter(path, self.schema)


def opened_tables(files: Sequence[Path], open_one: Callable[[Path], Table]) -> list[Table]:
    """Open files as tables; one that cannot be opened is a table with a row that says so."""
    tables: list[Table] = []
    for file in files:
        try:
            tables.append(open_one(file))
        except (UnreadableDataset, RefusedFile) as error:
            tables.append(UnreadableTable(file, web_page(file) or error))
    return tables


def _size(table: Table) -> int:
    """Return about the number of bytes of a table; 0: unknown."""
    if isinstance(table, SplitTable):
        return table.size
    return max(table.path.stat().st_size, 0) if table.path.is_file() else 0


def unread_rows(rows: int, why: str) -> Iterator[pa.RecordBatch]:
    """Yield rows that could not be read."""
    for size in range(rows, 0, -_UNREAD_ROWS):
        yield pa.record_batch([pa.repeat(why, min(size, _UNREAD_ROWS))], [UNREAD])


def without_first(batches: Iterator[pa.RecordBatch], first: int) -> Iterator[pa.RecordBatch]:
    """Yield rows without the first ones."""
    for batch in batches:
        if first < len(batch):
            yield batch.slice(first) if first else batch
        first = max(first - len(batch), 0)


def _limited(batches: Iterator[pa.RecordBatch], rows: int | None) -> Iterator[pa.RecordBatch]:
    if rows is None:
        yield from batches
        return
    for batch in batches:
        if rows <= 0:
            return
        yield batch.slice(0, rows) if len(batch) > rows else batch
        rows -= len(batch)


def sureness_of_tables(
    path: Path, suffixes: Sequence[str], has_content: Callable[[Path], bool]
) -> float:
    """Return the sureness that a path is a table by its name or content, or a folder of some.

    Tables in a folder may be about its other files.
    """
    if is_folder(path):
        files = listing_of(path)
        may_have = files.may_have((*suffixes, *COMPRESSIONS))
        tables = may_have and any(suffix_of(child) in suffixes for child in files)
        return FOLDER_OF_TABLES if tables else 0
    if has_content(path):
        return CONTENT
    return NAME if suffix_of(path) in suffixes else 0


def files_of_tables(
    paths: Sequence[Path], suffixes: Sequence[str]
) -> tuple[list[Path], Sequence[SkippedFiles]]:
    """Return the tables among files and in folders, and the other files in the folders."""
    files: list[Path] = []
    others: list[Path] = []
    for path in paths:
        for file in files_in(path) if is_folder(path) else [path]:
            (files if file == path or suffix_of(file) in suffixes else others).append(file)
    return files, left_out(others)

"""Rows of a table with the bytes of the pictures that it names, and of pictures that none names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from registry.datasets import RowWriter
from registry.datasets.fitting import fitted
from registry.datasets.formats.parquet import ParquetTable
from registry.datasets.hidden import GROUP, HIDDEN, MORE, RAW, UNREAD
from registry.datasets.json.rows import Row, as_text
from registry.datasets.listing import Listing
from registry.datasets.parquet_writer import ParquetKeeper
from registry.datasets.pictures.names import Named, Naming
from registry.datasets.pictures.rows import BATCH_BYTES, BATCH_ROWS, Pictures, content_of
from registry.datasets.pictures.side_files import SideFiles, shown
from registry.datasets.remote.paths import path_of
from registry.datasets.tables import Table
from registry.datasets.text.files import TextWriter
from registry.errors import RefusedFile, UnreadableDataset


class NamingTable:
    """A table in a folder, with a column of bytes for each picture that its rows name.

    What files beside the pictures hold is searched like values that fit no column, unless the
    table has the same.
    """

    def __init__(
        self, table: Table, folder: str, naming: Naming, sides: SideFiles, file: str
    ) -> None:
        """`file` is the column for the path of the first picture of a row."""
        self.table, self.folder, self._naming, self._sides = table, folder, naming, sides
        self.path, self.rows, self._file = table.path, table.rows, file
        images = [(name, pa.binary()) for name in naming.images]
        self.schema = pa.schema([(file, pa.string()), *table.schema, *images])
        self._hidden = GROUP if isinstance(table, ParquetTable) else RAW

    def batches(
        self, columns: Sequence[str] | None = None, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows from `first` on; only `columns` where given, and hidden ones."""
        wanted = list(self.schema.names if columns is None else columns)
        own = [name for name in wanted if name in self.table.schema.names]
        for batch in self._own_batches(own, [n for n in wanted if n == self._hidden], first):
            for start in range(0, len(batch), BATCH_ROWS):
                yield from self._filled(batch.slice(start, BATCH_ROWS), wanted)

    def _own_batches(
        self, columns: Sequence[str], hidden: Sequence[str] = (), first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        names = list(dict.fromkeys([*columns, *self._naming.columns]))
        for batch in self.table.batches([*names, *hidden], first):
            yield fitted(batch, names, self.table.schema)

    def named(self) -> Iterator[str]:
        """Yield the paths of all pictures that rows name, as far as rows can be read."""
        with suppress(UnreadableDataset, RefusedFile):
            for batch in self._own_batches(()):
                for names in self.pictures_of(batch):
                    yield from names

    def pictures_of(self, rows: pa.RecordBatch) -> list[list[str]]:
        """Return the paths of the pictures of each row."""
        named = (names for names, _ in self._naming.names(rows))
        return [[self._path(name) for name in names if name] for names in named]

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def _filled(self, rows: pa.RecordBatch, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield some rows with their pictures, in batches of limited size."""
        with_bytes = any(name in wanted for name in self._naming.images)
        filled = _Filled(rows)
        for names, why in self._naming.names(rows):
            filled.size += self._fill(filled, names, why, with_bytes=with_bytes)
            if filled.size >= BATCH_BYTES:
                yield self._made(filled, wanted)
                filled = _Filled(rows, filled.end)
        if filled.files:
            yield self._made(filled, wanted)

    def _fill(
        self, filled: _Filled, names: Sequence[Named], why: str | None, *, with_bytes: bool
    ) -> int:
        """Add what the pictures of a row hold, and return the bytes of it."""
        contents: list[bytes | None] = []
        more: list[Row] = []
        size = 0
        for name in names:
            content = content_of(self._path(name)) if name and with_bytes else None
            sides = self._sides.read(self._path(name)) if name else None
            if sides is not None:
                more.append(filled.without_known(sides.values, self.table.schema.names))
                why = why or sides.unread
                size += sides.size
            contents.append(content if isinstance(content, bytes) else None)
            why = why or (content if isinstance(content, str) else None)
            size += len(content or b"")
        first = next(filter(None, names), None)
        filled.add(first and shown(self._path(first)), contents, why, [row for row in more if row])
        return size

    def _made(self, filled: _Filled, wanted: Sequence[str]) -> pa.RecordBatch:
        rows = filled.rows.slice(filled.start, len(filled.files))
        columns = {name: rows.column(name) for name in rows.schema.names}
        columns[self._file] = pa.array(filled.files, pa.string())
        for place, name in enumerate(self._naming.images):
            columns[name] = pa.array([row[place] for row in filled.contents], pa.binary())
        if any(filled.unread):
            columns[UNREAD] = pa.array(_first(columns.get(UNREAD), filled.unread), pa.string())
        if any(filled.more):
            columns[MORE] = pa.array(_both(columns.get(MORE), filled.more), pa.large_string())
        names = [name for name in wanted if name in columns and name not in HIDDEN]
        names += [name for name in columns if name in HIDDEN]
        return pa.RecordBatch.from_arrays([columns[name] for name in names], names)

    def kept(self, path: Path) -> RowWriter | None:
        """Return a writer of rows of the table as they are in its file."""
        if isinstance(self.table, ParquetTable):
            return ParquetKeeper(path, self.table.path)
        return TextWriter(path, getattr(self.table, "head", b""))


class _Filled:
    """Rows from `start` on, as far as their pictures are read."""

    def __init__(self, rows: pa.RecordBatch, start: int = 0) -> None:
        self.rows, self.start = rows, start
        self.files: list[str | None] = []
        self.contents: list[list[bytes | None]] = []
        self.unread: list[str | None] = []
        self.more: list[list[Row]] = []
        self.size = 0
        self._known: dict[str, Sequence[Any]] = {}

    @property
    def end(self) -> int:
        return self.start + len(self.files)

    def add(
        self, file: str | None, contents: list[bytes | None], unread: str | None, more: list[Row]
    ) -> None:
        self.files.append(file)
        self.contents.append(contents)
        self.unread.append(unread)
        self.more.append(more)

    def without_known(self, values: Row, columns: Sequence[str]) -> Row:
        """Return values of the next row that the columns of its table do not have.

        Values of columns that are not wanted are not wanted either.
        """
        unwanted = set(columns).difference(self.rows.schema.names)
        return {
            name: value
            for name, value in values.items()
            if name not in unwanted and not self._is_known(name, value)
        }

    def _is_known(self, name: str, value: Any) -> bool:
        if name not in self.rows.schema.names:
            return value is None
        if name not in self._known:
            # Texts that are no UTF-8 are not compared.
            with suppress(UnicodeDecodeError):
                self._known[name] = self.rows.column(name).to_pylist()
        known = self._known.get(name)
        return known is not None and known[self.end] == value


class UnnamedPictures:
    """Pictures that no row of some tables names; these are only read when they are needed."""

    rows: int | None = None

    def __init__(
        self, tables: Sequence[NamingTable], all_: Listing, sides: SideFiles, file: str, image: str
    ) -> None:
        """`file` and `image` are the columns for the path and the bytes."""
        self.path = path_of(tables[0].folder or ".")
        self._tables, self._all = tables, all_
        self._sides, self._names = sides, (file, image)
        self._rows = self._rows_of(Listing(()))
        self.schema = self._rows.schema
        self._is_known = False

    def batches(
        self, columns: Sequence[str] | None = None, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """Yield the pictures from `first` on."""
        if not self._is_known:
            unnamed = np.ones(len(self._all), bool)
            for path in (path for table in self._tables for path in table.named()):
                number = self._all.number_of(*os.path.split(path))
                if number is not None:
                    unnamed[number] = False
            self._rows = self._rows_of(self._all.where(unnamed))
            self._is_known = True
        return self._rows.batches(columns, first)

    def _rows_of(self, files: Listing) -> Pictures:
        return Pictures(self.path, files, self._sides, *self._names)

    def pictures_of(self, rows: pa.RecordBatch) -> list[list[str]]:
        """Return the paths of the pictures of each row."""
        return self._rows.pictures_of(rows)

    def kept(self, path: Path) -> RowWriter | None:
        """Return a writer of rows of a table: here there is none."""
        return None


def _first(held: pa.Array | None, others: Sequence[str | None]) -> list[str | None]:
    """Return for each row the text in a column, or else another one."""
    own = [None] * len(others) if held is None else held.to_pylist()
    return [one or other for one, other in zip(own, others, strict=True)]


def _both(held: pa.Array | None, others: Sequence[list[Row]]) -> list[str | None]:
    """Return for each row the JSON text in a column together with more values."""
    own = [None] * len(others) if held is None else held.to_pylist()
    texts = []
    for one, rows in zip(own, others, strict=True):
        parts = [*([one] if one else []), *filter(None, map(as_text, rows))]
        texts.append(f"[{','.join(parts)}]" if parts else None)
    return texts

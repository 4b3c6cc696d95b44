"""The shared base of formats whose files are tables: one dataset of several files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

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
from registry.datasets.hidden import HIDDEN
from registry.datasets.parquet_writer import ParquetRowWriter
from registry.datasets.streams import is_folder, suffix_of
from registry.errors import UnreadableDataset


class TableFile(Protocol):
    """One file of rows. `schema` describes its columns, `rows` is their number if known."""

    path: Path
    schema: pa.Schema
    rows: int | None

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order; only `columns` where given, and hidden ones."""


class TableFiles:
    """Rows of one or more files, in the order of the files; columns that one lacks are null."""

    label: str | None = None

    def __init__(
        self,
        format_: str,
        name: str,
        tables: Sequence[TableFile],
        left_out: Sequence[SkippedFiles] = (),
    ) -> None:
        self.format, self.name = format_, name
        self.tables = tuple(tables)
        self.files = tuple(table.path for table in tables)
        self.left_out = tuple(left_out)
        counts = [table.rows for table in tables]
        known = [count for count in counts if count is not None]
        self.rows: int | None = sum(known) if len(known) == len(counts) else None
        self.schema = _united(self.tables)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order; only `columns` where given, and hidden ones."""
        names = self.schema.names if columns is None else columns
        for table in self.tables:
            own = [name for name in names if name in table.schema.names or name in HIDDEN]
            for batch in table.batches(own):
                yield _fitted(batch, names, self.schema)

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
        """Return a writer of some rows as they are."""
        return self.writer(path, self.schema)


def sureness_of_tables(
    path: Path, suffixes: Sequence[str], has_content: Callable[[Path], bool]
) -> float:
    """Return the sureness that a path is a table by its name or content, or a folder of some.

    Tables in a folder may be about its other files.
    """
    if is_folder(path):
        tables = any(suffix_of(child) in suffixes for child in files_in(path))
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


def _united(tables: Sequence[TableFile]) -> pa.Schema:
    first = tables[0].schema
    try:
        return pa.unify_schemas([t.schema for t in tables], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        pass
    for table in tables:
        try:
            pa.unify_schemas([first, table.schema], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise UnreadableDataset(
                f"{table.path} has other types of columns than {tables[0].path}: "
                f"{str(error).splitlines()[0]}",
                "check them one by one",
            ) from error
    raise UnreadableDataset("the files have different types of columns", "check them one by one")


def _fitted(batch: pa.RecordBatch, names: Sequence[str], schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with the columns `names` in the dataset's types, then its hidden columns."""
    fields = [schema.field(name) for name in names if name not in HIDDEN]
    hidden = [name for name in batch.schema.names if name in HIDDEN]
    own = set(batch.schema.names)
    columns = [
        _cast(batch.column(f.name), f.type) if f.name in own else pa.nulls(len(batch), f.type)
        for f in fields
    ]
    fields += [batch.schema.field(name) for name in hidden]
    columns += [batch.column(name) for name in hidden]
    if not columns:
        return batch
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields, schema.metadata))


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    # Not checked: a number that is large loses its last digits, as in one file of that type.
    return column if column.type == kind else column.cast(kind, safe=False)

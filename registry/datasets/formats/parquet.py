"""Parquet datasets: one file, several files, or a folder of them.

Files are read batch by batch with small column buffers, so that memory depends on the
batch, not on the size of the file or of its row groups. A row group that cannot be read
is as many rows with the reason, and so are the rows of which an encrypted column is needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from registry.datasets import CONTENT, FOLDER, NAME, RowWriter
from registry.datasets.hidden import GROUP, UNREAD
from registry.datasets.listing import listing_of
from registry.datasets.npy.files import NPY
from registry.datasets.parquet_writer import ParquetKeeper
from registry.datasets.tables import (
    Tables,
    files_of_tables,
    opened_tables,
    unread_rows,
    without_first,
)
from registry.errors import RefusedFile, UnreadableDataset, UsageError
from registry.files import opened
from registry.files.parquet import open_partly

# The more fingerprints are compared at a time, the less each costs; with 16 MB a check of URLs,
# captions and hashes on two cores takes 630 MB instead of 510.
BATCH_ROWS = 1 << 20
BATCH_BYTES = 1 << 23
# Most uncompressed bytes, of all columns, of row groups that are read together.
RUN_BYTES = 1 << 28
SUFFIXES = (".parquet", ".pq", ".parq")


def sureness(path: Path) -> float:
    """Return the sureness, from 0 to 1, that a path is a Parquet file or a folder of them."""
    if path.is_dir():
        files = listing_of(path)
        return FOLDER[CONTENT] if files.may_have(SUFFIXES) and any(map(_is_parquet, files)) else 0
    if _has_magic(path):
        return CONTENT
    return NAME if _is_parquet(path) else 0


def open_files(paths: Sequence[Path], name: str) -> Tables:
    """Open Parquet files and folders of them as one dataset."""
    files, others = files_of_tables(paths, SUFFIXES)
    return ParquetTables("parquet", name, opened_tables(files, ParquetTable), others)


class ParquetTables(Tables):
    """A dataset of Parquet files, of which kept rows stay in their files and row groups."""

    @property
    def needed(self) -> Sequence[str]:
        """The columns that the writer of kept rows needs."""
        return (*self.schema.names, GROUP)

    def keeper(self, path: Path) -> RowWriter:
        """Return a writer of some rows as they are; refuse rows that are encrypted in part."""
        if self.encrypted and path.suffix.lower() != NPY:
            raise UsageError(
                f"kept rows cannot be written: columns are encrypted: "
                f"{', '.join(sorted(self.encrypted))}",
                "use --removal or --indices",
            )
        return super().keeper(path)

    def _kept_table(self, number: int, path: Path) -> RowWriter:
        table = self.tables[number]
        if isinstance(table, ParquetTable):
            return ParquetKeeper(path, table.path)
        return super()._kept_table(number, path)


class _Run(NamedTuple):
    """Row groups that are read together: their numbers, first row and number of rows."""

    groups: list[int]
    first: int
    rows: int


class ParquetTable:
    """The rows of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        file, leaves = _open(path)
        with file:
            self.schema: pa.Schema = file.schema_arrow
            numbers = range(file.metadata.num_row_groups)
            groups = [file.metadata.row_group(number) for number in numbers]
            self._sizes = [group.num_rows for group in groups]
            self._bytes = [group.total_byte_size for group in groups]
        self.size = sum(self._bytes)
        self.rows: int | None = sum(self._sizes)
        names = self.schema.names
        # Columns of which a part is encrypted.
        self.encrypted = frozenset(n for n in names if any(_is_of(leaf, [n]) for leaf in leaves))
        twice = [name for name, count in Counter(self.schema.names).items() if count > 1]
        if twice:
            raise UnreadableDataset(
                f"{path} has more than one column named {twice[0]}", "rename one of the columns"
            )

    def batches(
        self, columns: Sequence[str] | None = None, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows from `first` on; only `columns` where given."""
        names = self.schema.names if columns is None else columns
        own = [n for n in names if n in self.schema.names and n not in self.encrypted]
        missing = [name for name in names if name in self.encrypted]
        file, _ = _open(self.path)
        with file:
            most = _batch_rows(file.metadata, own)
            for run in self._runs():
                if run.first + run.rows > first:
                    batches = _unread(self._read(file, run, own, most), missing)
                    yield from without_first(
                        _numbered(batches, run.first, self._sizes) if GROUP in names else batches,
                        max(first - run.first, 0),
                    )

    def starts(self) -> list[int]:
        """Return the first rows of all runs but the first one."""
        return [run.first for run in self._runs()[1:]]

    def _runs(self) -> list[_Run]:
        """Return the row groups, small ones together."""
        runs: list[_Run] = []
        size = 0
        for group, rows in enumerate(self._sizes):
            last = runs[-1] if runs else _Run([], 0, 0)
            size += self._bytes[group]
            if runs and last.rows + rows <= BATCH_ROWS and size <= RUN_BYTES:
                last.groups.append(group)
                runs[-1] = _Run(last.groups, last.first, last.rows + rows)
            else:
                runs.append(_Run([group], last.first + last.rows, rows))
                size = self._bytes[group]
        return runs

    def _read(
        self, file: pq.ParquetFile, run: _Run, columns: Sequence[str], most: int
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of some row groups; those that cannot be read with the reason."""
        done = 0
        try:
            for batch in file.iter_batches(most, run.groups, columns, use_threads=False):
                yield batch
                done += len(batch)
        except (pa.ArrowException, OSError) as error:
            if len(run.groups) == 1:
                yield from unread_rows(run.rows - done, unreadable(self.path, error).message)
                return
            # The groups behind the damaged one are read on their own.
            singles = [_Run([group], 0, self._sizes[group]) for group in run.groups]
            rows = (batch for one in singles for batch in self._read(file, one, columns, most))
            yield from without_first(rows, done)


def _numbered(
    batches: Iterator[pa.RecordBatch], first: int, sizes: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    """Add the number of the row group of each row."""
    ends = np.cumsum(sizes)
    for batch in batches:
        groups = np.searchsorted(ends, np.arange(first, first + len(batch)), "right")
        yield batch.append_column(GROUP, pa.array(groups, pa.int32()))
        first += len(batch)


def _unread(batches: Iterator[pa.RecordBatch], missing: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Add the reason why rows were not read, if encrypted columns are missing in them."""
    why = f"encrypted: column {', '.join(missing)}"
    for batch in batches:
        if missing and UNREAD not in batch.schema.names:
            yield batch.append_column(UNREAD, pa.repeat(why, len(batch)))
        else:
            yield batch


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _has_magic(path: Path) -> bool:
    try:
        with opened(path) as file:
            return file.read(4) == b"PAR1"
    except (OSError, RefusedFile):
        return False


def _batch_rows(metadata: pq.FileMetaData, names: Sequence[str]) -> int:
    """Return the rows of a batch of at most BATCH_BYTES: rows with pictures are large."""
    largest = 1.0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        # The metadata of an encrypted column is encrypted, too.
        paths = (metadata.schema.column(i).path for i in range(group.num_columns))
        wanted = (group.column(i) for i, path in enumerate(paths) if _is_of(path, names))
        row_bytes = sum(c.total_uncompressed_size for c in wanted) / max(group.num_rows, 1)
        largest = max(largest, row_bytes)
    return int(min(BATCH_ROWS, max(1, BATCH_BYTES // largest)))


def _is_of(path: str, names: Sequence[str]) -> bool:
    """Return whether a column path is one of the names, or within one; names may have dots."""
    parts = path.split(".")
    return any(".".join(parts[:size]) in names for size in range(1, len(parts) + 1))


def _open(path: Path) -> tuple[pq.ParquetFile, list[str]]:
    """Open a file, and return the names of its encrypted columns, too."""
    try:
        return open_partly(path)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> UnreadableDataset:
    """Return the error for a file that cannot be read as Parquet."""
    if path.exists() and path.stat().st_size == 0:
        return UnreadableDataset(
            f"{path} is empty (0 bytes)", "the download may have been cut off: get the file again"
        )
    why = str(error).splitlines()[0] if str(error) else type(error).__name__
    return UnreadableDataset(
        f"{path} cannot be read as Parquet: {why}", "the file may be incomplete: get it again"
    )

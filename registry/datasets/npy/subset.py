"""The rows of a dataset whose samples a subset of DataComp names.

A subset has no keys of pictures; they are in the metadata, which is named together with it. Samples
that the metadata lacks are a row that says how many they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from registry.datasets import RowWriter, refuse_own_files
from registry.datasets.fitting import is_text
from registry.datasets.hidden import UNREAD
from registry.datasets.npy.files import NPY
from registry.datasets.npy.uids import (
    DIGITS,
    HALVES,
    UID,
    Array,
    Found,
    differs,
    found,
    is_sorted,
    uids_of,
)
from registry.datasets.npy.writer import UidWriter
from registry.datasets.remote.paths import is_remote
from registry.datasets.row_names import lines_by_name
from registry.datasets.tables import (
    Chunk,
    StreamedTable,
    Table,
    Tables,
    UnreadableTable,
    unread_rows,
)
from registry.datasets.units import Part
from registry.errors import RefusedFile, UnreadableDataset, UsageError
from registry.files import WHOLE_LIMIT, opened
from registry.text import visible

_MAGIC = b"\x93NUMPY"
# Identifiers that are looked at together.
_BLOCK = 1 << 22
_NAMES_NONE = f"its {UID} is not {DIGITS} hexadecimal digits"


def split_subset(paths: Sequence[Path]) -> tuple[list[Path], Path | None]:
    """Return paths without the subset among them, and the subset.

    Raises UnreadableDataset for a subset without metadata, and UsageError for several subsets.
    """
    subsets = [path for path in paths if path.suffix.lower() == NPY and _is_array(path)]
    others = [path for path in paths if path not in subsets]
    if len(subsets) > 1:
        raise UsageError("more than one subset is named", "check them one by one")
    if subsets and not others:
        raise UnreadableDataset(
            f"{subsets[0]} has numbers of samples, without URLs or hashes",
            "name it together with the metadata: registry check METADATA SUBSET.npy",
        )
    return others, subsets[0] if subsets else None


def _is_array(path: Path) -> bool:
    try:
        with opened(path) as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except (OSError, RefusedFile):
        return False


class Subset:
    """The identifiers in a file, which is mapped and not read whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._uids = _mapped(path)
        # One bit for each identifier that was found.
        self._found = np.zeros(len(self._uids) // 8 + 1, np.uint8)
        self._distinct = 0
        self._is_checked = False

    def take(self, uids: Array) -> Found:
        """Find identifiers, and remember those that are there."""
        result = found(self._uids, uids)
        places = result.places[result.counts > 0]
        np.bitwise_or.at(self._found, places >> 3, np.uint8(1) << (places & 7).astype(np.uint8))
        return result

    def counts(self, uids: Array) -> NDArray[np.int64]:
        """Return how often the subset names each of some identifiers."""
        return found(self._uids, uids).counts

    @property
    def missing(self) -> int:
        """The number of identifiers that were not found yet."""
        return self._distinct - int(np.bitwise_count(self._found).sum())

    def check_order(self) -> None:
        """Raise UnreadableDataset if the identifiers are not sorted: most would not be found."""
        if self._is_checked:
            return
        self._distinct = min(len(self._uids), 1)
        for start in range(0, len(self._uids), _BLOCK):
            # The last one before the block shows whether its first one is larger.
            block = np.array(self._uids[max(start - 1, 0) : start + _BLOCK])
            if not is_sorted(block):
                raise UnreadableDataset(
                    f"{self.path} is not sorted", "sort the array with its method `sort`"
                )
            self._distinct += int(differs(block).sum())
        self._is_checked = True


def _mapped(path: Path) -> Array:
    try:
        with opened(path) as file:
            version = np.lib.format.read_magic(file)
            read = {(1, 0): np.lib.format.read_array_header_1_0}.get(
                version, np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read(file)
            if dtype != HALVES or len(shape) != 1:
                raise UnreadableDataset(
                    f"{path}: an array of {dtype}, not the sorted `u8,u8` of a subset",
                    "name the tables or pictures of the dataset alone",
                )
            if not shape[0]:
                return np.empty(0, HALVES)
            if is_remote(path):
                return _read(path, file, shape[0])
            return np.memmap(file, dtype, "r", file.tell(), shape)
    except (OSError, ValueError) as error:
        raise UnreadableDataset(
            f"{path} cannot be read as an array: {error}",
            "the file may be incomplete: get it again",
        ) from error


def _read(path: Path, file: IO[bytes], size: int) -> Array:
    """Return the identifiers of a remote file, which cannot be mapped, up to a limit."""
    if size * HALVES.itemsize > WHOLE_LIMIT:
        raise UnreadableDataset(
            f"{path}: a remote subset of more than {WHOLE_LIMIT >> 20} MiB is not read",
            "copy it to a local disk; the metadata may be remote",
        )
    return np.frombuffer(file.read(size * HALVES.itemsize), HALVES, size)


class SubsetOf(Tables):
    """The rows of another dataset that a subset names; they are kept as that dataset keeps them."""

    def __init__(self, whole: Tables, path: Path, name: str) -> None:
        if UID not in whole.schema.names or not is_text(whole.schema.field(UID).type):
            raise UnreadableDataset(
                f"{whole.name} has no column {UID} of texts, which {path} could name",
                "name the metadata of the same samples",
            )
        self._subset = Subset(path)
        tables = [_of_subset(table, self._subset) for table in whole.tables]
        last = _Missing(self._subset, [table for table in tables if isinstance(table, _Rows)])
        super().__init__(whole.format, name, [*tables, last], whole.left_out, whole.label)
        self.files = [*whole.files, path]
        self._whole = whole

    def chunks(
        self, columns: Sequence[str] | None = None, parts: Sequence[Part] | None = None
    ) -> Iterator[Chunk]:
        """Yield the rows of some parts, or of all. Raises UnreadableDataset before the first."""
        self._subset.check_order()
        return super().chunks(columns, parts)

    @property
    def needed(self) -> Sequence[str]:
        """The columns that the writer of kept rows needs."""
        return list(dict.fromkeys([*self._whole.needed, UID]))

    @property
    def naming(self) -> Sequence[str]:
        """The columns that `lines_of` needs."""
        return (UID,)

    def lines_of(
        self, rows: pa.RecordBatch, table: int, numbers: Sequence[int]
    ) -> list[list[bytes]]:
        """Return the identifier of each row: other rows lie between them in the tables."""
        return lines_by_name(rows.column(UID).to_pylist(), None)

    def writer(self, path: Path, schema: pa.Schema) -> RowWriter:
        """Return a writer of all rows with their outcomes."""
        refuse_own_files(path, self.files)
        return self._whole.writer(path, schema)

    def keeper(self, path: Path) -> RowWriter:
        """Return a writer of some rows as they are."""
        refuse_own_files(path, self.files)
        if path.suffix.lower() == NPY:
            return UidWriter(path, self.schema, self._subset.counts)
        return _WithoutLast(self._whole.keeper(path), len(self._whole.tables))


def _of_subset(table: Table, subset: Subset) -> Table:
    return table if isinstance(table, UnreadableTable) else _Rows(table, subset)


class _Rows(StreamedTable):
    """The rows of a table that a subset names, and those that cannot be read."""

    def __init__(self, table: Table, subset: Subset) -> None:
        self.path, self.schema = table.path, table.schema
        self._table, self._subset = table, subset
        self.is_read = False

    def read(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield all rows, with the columns `names` and hidden ones."""
        needed = [*names, *(n for n in self.schema.names if n == UID and n not in names)]
        for batch in self._table.batches(needed):
            rows = self._named(batch)
            if UID not in names and UID in rows.schema.names:
                rows = rows.drop_columns([UID])
            # Of a batch without rows no columns can be recognised.
            if len(rows):
                yield rows
        self.is_read = True

    def _named(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        uid = batch.column(UID) if UID in batch.schema.names else pa.nulls(len(batch), pa.string())
        values, valid = uids_of(uid)
        named = ~valid
        named[valid] = self._subset.take(values).counts > 0
        unread = pc.if_else(pa.array(valid), pa.scalar(None, pa.string()), _NAMES_NONE)
        if UNREAD in batch.schema.names:
            named |= batch.column(UNREAD).is_valid().to_numpy(zero_copy_only=False)
            unread = pc.coalesce(batch.column(UNREAD), unread)
            batch = batch.drop_columns([UNREAD])
        if unread.null_count < len(unread):
            batch = batch.append_column(UNREAD, unread)
        return batch.filter(pa.array(named))


class _Missing:
    """A row that says how many samples of a subset the tables lack, if they lack some."""

    rows: int | None = None
    schema = pa.schema([])

    def __init__(self, subset: Subset, tables: Sequence[_Rows]) -> None:
        self.path = subset.path
        self._subset, self._tables = subset, tables

    def batches(
        self, columns: Sequence[str] | None = None, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """Yield the row; what was not read yet of the tables is read before."""
        for table in self._tables:
            if not table.is_read:
                deque(_as_far_as_readable(table.batches([UID])), maxlen=0)
        missing = self._subset.missing
        if missing and not first:
            named = visible(self.path.name)
            yield from unread_rows(1, f"samples of {named} that are not here: {missing:,}")


def _as_far_as_readable(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except (UnreadableDataset, RefusedFile):
        return


class _WithoutLast:
    """Writes rows of some first tables; those of the others are nowhere."""

    def __init__(self, writer: RowWriter, tables: int) -> None:
        self._writer, self._tables = writer, tables

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Append rows."""
        if table < self._tables:
            self._writer.write(batch, table)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()

    def abandon(self) -> None:
        """Remove the part that was written."""
        self._writer.abandon()

"""The rows of a Parquet file, in batches; a damaged row group costs no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from registry.claims.lines import LONGEST_LINE
from registry.claims.rows import UnreadableRow
from registry.claims.tables import Problems, TableBatch, TableRow, Values
from registry.errors import UnreadableInput
from registry.files.parquet import open_parquet

PARQUET_ROWS = 5_000
# In a column of a row group larger than LARGE_CHUNK, values longer than LONG_VALUE on average
# are refused. Both in bytes.
LARGE_CHUNK = 256 << 20
LONG_VALUE = 8 << 10


def parquet_batches(path: Path, problems: Problems) -> Iterator[TableBatch]:
    """Yield the rows of a Parquet file. Raises UnreadableInput, and OSError of the system."""
    start = 1
    try:
        with open_parquet(path) as file:
            columns = problems.columns(str(path), file.schema_arrow.names)
            names = {own: known for known, own in columns.items()}
            groups = _Groups(file, list(names))
            for batch in groups:
                yield _table_batch(batch, names, start)
                start += len(batch)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableInput(f"not a readable Parquet file: {_damage(error)}") from error
    groups.raise_unread()


def _table_batch(batch: Any, names: Mapping[str, str], start: int) -> TableBatch:
    """Return a batch whose first row has the number `start`."""
    columns = {names[own]: batch.column(at) for at, own in enumerate(batch.schema.names)}

    def rows(places: Sequence[int]) -> Iterable[TableRow]:
        part = batch if len(places) == len(batch) else batch.take(pa.array(places, pa.int64()))
        for place, row in zip(places, _python_rows(_microseconds(part)), strict=True):
            yield TableRow(start + int(place), _renamed(row, names))

    return TableBatch(len(batch), columns, rows)


class _Groups:
    """The record batches of a Parquet file; those of a damaged row group are skipped."""

    def __init__(self, file: Any, columns: list[str]) -> None:
        self._file = file
        self._columns = columns
        self._unread: list[tuple[int, str]] = []

    def __iter__(self) -> Iterator[Any]:
        for group in range(self._file.num_row_groups):
            reason = self._too_large(group)
            left = self._file.metadata.row_group(group).num_rows
            try:
                for batch in self._batches(group) if not reason else ():
                    left -= len(batch)
                    yield batch
            except (pa.ArrowException, OSError) as error:
                reason = _damage(error)
            if reason:
                self._unread.append((left, reason))

    def raise_unread(self) -> None:
        """Raise UnreadableInput, with the number of lost rows, if rows could not be read."""
        if self._unread:
            rows = sum(left for left, _ in self._unread)
            raise UnreadableInput(
                f"not a readable Parquet file: {self._unread[0][1]}; {rows:,} rows in"
                f" {len(self._unread)} of {self._file.num_row_groups} row groups are lost",
                "the other rows were read; get a new copy of the file",
            )

    def _batches(self, group: int) -> Iterator[Any]:
        batches: Iterator[Any] = self._file.iter_batches(
            PARQUET_ROWS, row_groups=[group], columns=self._columns
        )
        return batches

    def _too_large(self, group: int) -> str:
        """Return why a row group is not read, or "": Arrow keeps a whole value in memory."""
        about = self._file.metadata.row_group(group)
        for at in range(about.num_columns):
            chunk = about.column(at)
            size = chunk.total_uncompressed_size
            if (
                chunk.path_in_schema.partition(".")[0] in self._columns
                and size > LARGE_CHUNK
                and size > LONG_VALUE * about.num_rows
            ):
                return f"values of {size >> 20:,} MiB in {about.num_rows:,} rows of a row group"
        return ""


def _damage(error: Exception) -> str:
    """Return Arrow's reason why a file is damaged; raise an error of the system again."""
    # Arrow raises OSError for damaged content, too; only errors of the system have an errno.
    if isinstance(error, OSError) and error.errno:
        raise error
    return next(iter(str(error).splitlines()), type(error).__name__)


def _renamed(row: Values, names: Mapping[str, str]) -> Values:
    if isinstance(row, UnreadableRow):
        return row
    if any(isinstance(v, str | bytes) and len(v) > LONGEST_LINE for v in row.values()):
        return UnreadableRow(f"a value is larger than {LONGEST_LINE >> 20} MiB")
    return {names[own]: value for own, value in row.items()}


def _python_rows(batch: Any) -> Iterator[Values]:
    """Yield the rows of a batch; a row whose values Python cannot represent is an UnreadableRow."""
    try:
        yield from batch.to_pylist()
    except (ValueError, OverflowError, LookupError) as error:
        if len(batch) == 1:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            yield UnreadableRow(f"a value cannot be read: {reason}")
            return
        for at in range(len(batch)):
            yield from _python_rows(batch.slice(at, 1))


def _microseconds(batch: Any) -> Any:
    """Return a batch with nanosecond times cut to microseconds, the precision of Python.

    Times in seconds are not cast: impossible ones would become other times.
    """
    arrays = [
        column.cast(pa.timestamp("us", column.type.tz), safe=False)
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns"
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)

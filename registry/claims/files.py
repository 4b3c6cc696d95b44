"""Reading tables of claims row by row: CSV, TSV, JSON lines and Parquet.

At most one batch of rows is in memory, however large the file, and no line longer
than LONGEST_LINE. A row that cannot be read is counted with its line, and the other
rows are read; a file that cannot be read raises UnreadableInput.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from registry.claims.columns import UnknownColumns, columns_of
from registry.claims.csv_rows import CsvRows
from registry.claims.lines import LONGEST_LINE, NotUtf8, lines_of, opened
from registry.claims.rows import UnreadableRow, claim_from_row, is_blank, makes_claim
from registry.errors import RefusedFile, UnreadableInput
from registry.model import Claim, Meaning

PARQUET_ROWS = 5_000
# In a column of a row group larger than LARGE_CHUNK, values longer than LONG_VALUE on average
# are refused. Both in bytes.
LARGE_CHUNK = 256 << 20
LONG_VALUE = 8 << 10
FIRST_SHOWN = 10
Values = Mapping[str, object] | UnreadableRow


class TableRow(NamedTuple):
    """A row: its line in a text file, or its number in Parquet, from 1; its values or its fault."""

    number: int
    values: Values


class SkippedRow(NamedTuple):
    """A row that was skipped; `place` is "line 7" or "row 7"."""

    file: str
    place: str
    reason: str


@dataclass(slots=True)
class Problems:
    """The number of rows read, and the rows, hashes and columns that were skipped.

    `rows_read` counts all rows, `bad_rows` the skipped ones, `not_utf8` those of them that
    are not UTF-8, `flat_hashes` the ignored hashes. `left_out` holds the first skipped
    rows, `unknown` the ignored columns.
    """

    rows_read: int = 0
    bad_rows: int = 0
    not_utf8: int = 0
    flat_hashes: int = 0
    left_out: list[SkippedRow] = field(default_factory=list)
    unknown: UnknownColumns = field(default_factory=UnknownColumns, compare=False)

    def add(self, path: Path, place: str, error: UnreadableRow) -> None:
        """Count a skipped row."""
        self.bad_rows += 1
        self.not_utf8 += isinstance(error, NotUtf8)
        if len(self.left_out) < FIRST_SHOWN:
            self.left_out.append(SkippedRow(str(path), place, error.message))

    def columns(self, path: Path, names: Sequence[str]) -> dict[str, str]:
        """Return `columns_of(names)`, and record the unknown names."""
        columns = columns_of(names)
        self.unknown.add(str(path), names, columns)
        return columns


def is_table(path: Path) -> bool:
    """Return whether the name of a file is that of a table that can be read."""
    return path.suffix.lower() in _READERS


def read_claims(
    path: Path,
    source: str,
    problems: Problems,
    *,
    meaning: Meaning = "reserved",
    claimant: str | None = None,
) -> Iterator[Claim]:
    """Yield the claims of a table; the defaults are those of `claim_from_row`.

    Rows that are no claim are added to `problems`. Raises UnreadableInput.
    """
    suffix = path.suffix.lower()
    unit = "row" if suffix == ".parquet" else "line"
    try:
        for number, values in _READERS[suffix](path, problems):
            problems.rows_read += 1
            try:
                if isinstance(values, UnreadableRow):
                    raise values
                claim = claim_from_row(values, source, meaning=meaning, claimant=claimant)
            except UnreadableRow as error:
                problems.add(path, f"{unit} {number}", error)
                continue
            problems.flat_hashes += sum(
                getattr(claim, name) is None and not is_blank(values.get(name))
                for name in ("phash64", "phash256")
            )
            yield claim
    except RefusedFile:
        raise
    except UnreadableInput as error:
        raise UnreadableInput(f"{path}: {error.message}", error.hint) from error
    except OSError as error:
        raise UnreadableInput(f"{path}: {error.strerror or error}") from error


def _text_rows(path: Path, problems: Problems) -> Iterator[TableRow]:
    with opened(path) as file:
        table = CsvRows(lines_of(file), "\t" if path.suffix.lower() == ".tsv" else None)
        columns = problems.columns(path, table.header)
        places = {known: table.header.index(own) for known, own in columns.items()}

        def values(cells: list[str]) -> dict[str, object]:
            return {known: cells[at] for known, at in places.items() if at < len(cells)}

        for first, _, cells in table.rows(lambda cells: makes_claim(values(cells))):
            yield TableRow(first, cells if isinstance(cells, UnreadableRow) else values(cells))


def _json_rows(path: Path, problems: Problems) -> Iterator[TableRow]:
    with opened(path) as file:
        for number, text in lines_of(file):
            if isinstance(text, UnreadableRow):
                yield TableRow(number, text)
            elif text.strip():
                yield TableRow(number, _json_row(text, path, problems))


class _Object(dict[str, object]):
    """A JSON object and the names that its text holds, in order, with those there twice."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.names = [name for name, _ in pairs]


def _json_row(line: str, path: Path, problems: Problems) -> Values:
    try:
        members = json.loads(line, object_pairs_hook=_Object)
    except (ValueError, RecursionError) as error:
        return UnreadableRow(f"not JSON: {error}")
    if not isinstance(members, _Object):
        return UnreadableRow("not a JSON object")
    try:
        columns = problems.columns(path, members.names)
    except UnreadableInput as error:
        return UnreadableRow(error.message)
    return {known: members[own] for known, own in columns.items()}


def _parquet_rows(path: Path, problems: Problems) -> Iterator[TableRow]:
    import pyarrow as pa

    from registry.files.parquet import open_parquet

    numbers = count(1)
    try:
        with open_parquet(path) as file:
            columns = problems.columns(path, file.schema_arrow.names)
            names = {own: known for known, own in columns.items()}
            groups = _Groups(file, list(names))
            for batch in groups:
                for row in _python_rows(_microseconds(pa, batch)):
                    yield TableRow(next(numbers), _renamed(row, names))
    except (pa.ArrowException, OSError) as error:
        raise UnreadableInput(f"not a readable Parquet file: {_damage(error)}") from error
    groups.raise_unread()


class _Groups:
    """The record batches of a Parquet file; those of a damaged row group are skipped."""

    def __init__(self, file: Any, columns: list[str]) -> None:
        self._file = file
        self._columns = columns
        self._unread: list[tuple[int, str]] = []

    def __iter__(self) -> Iterator[Any]:
        import pyarrow as pa

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


def _microseconds(pa: Any, batch: Any) -> Any:
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


_READERS: dict[str, Callable[[Path, Problems], Iterable[TableRow]]] = {
    ".csv": _text_rows,
    ".tsv": _text_rows,
    ".jsonl": _json_rows,
    ".ndjson": _json_rows,
    ".parquet": _parquet_rows,
}
TABLE_SUFFIXES = tuple(_READERS)

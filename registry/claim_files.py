"""Reading tables of claims row by row: CSV, TSV, JSON lines and Parquet.

Nothing holds more than one batch of rows, however large the file, nor a line
longer than LONGEST_LINE. A row that cannot be read is handed over as an
UnreadableRow in its place; a file that cannot be read raises UnreadableInput.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, TypeVar

from registry.claims import UnreadableRow, claim_from_row, columns_of, is_blank
from registry.errors import UnreadableInput
from registry.model import Claim, Meaning

LONGEST_LINE = 16 << 20
PARQUET_ROWS = 5_000
FIRST_SHOWN = 10
Row = Mapping[str, object] | UnreadableRow
Line = TypeVar("Line")


@dataclass(slots=True)
class Problems:
    """What could not be taken as it was: rows left out, and hashes left out of rows.

    `messages` holds the first few; everything is counted.
    """

    bad_rows: int = 0
    flat_hashes: int = 0
    messages: list[str] = field(default_factory=list)

    def add(self, message: str) -> None:
        """Count one row that was left out."""
        self.bad_rows += 1
        if len(self.messages) < FIRST_SHOWN:
            self.messages.append(message)


def is_table(path: Path) -> bool:
    """Tell by its name whether a file is a table that can be read here."""
    return path.suffix.lower() in _READERS


def read_claims(
    path: Path,
    source: str,
    problems: Problems,
    *,
    meaning: Meaning = "reserved",
    claimant: str | None = None,
) -> Iterator[Claim]:
    """Yield the claims of a table; the three defaults are those of `claim_from_row`.

    Rows that make no claim go to `problems`. Raises UnreadableInput.
    """
    try:
        for number, row in enumerate(_READERS[path.suffix.lower()](path), start=1):
            try:
                if isinstance(row, UnreadableRow):
                    raise row
                claim = claim_from_row(row, source, meaning=meaning, claimant=claimant)
            except UnreadableRow as error:
                problems.add(f"{path}: row {number}: {error.message}")
                continue
            if not claim.phash64 and not is_blank(row.get("phash64")):
                problems.flat_hashes += 1
            yield claim
    except UnreadableInput as error:
        raise UnreadableInput(f"{path}: {error.message}", error.hint) from error
    except UnicodeDecodeError as error:
        raise UnreadableInput(
            f"{path}: not UTF-8 ({error.reason})",
            "convert it: iconv -f WINDOWS-1252 -t UTF-8 FILE",
        ) from error
    except OSError as error:
        raise UnreadableInput(f"{path}: {error.strerror or error}") from error


def _text_rows(path: Path) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_LINE)
    with open(path, encoding="utf-8-sig", newline="") as file:
        text = _Lines(file)
        first = next(text, "")
        delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=first.count)
        text.put_back(first)
        lines = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            header = next(lines, [])
        except csv.Error as error:
            raise UnreadableInput(
                f"the line with the names of the columns is not CSV: {error}"
            ) from error
        places = {known: header.index(own) for known, own in columns_of(header).items()}
        for cells in _without_faults(lines):
            if isinstance(cells, UnreadableRow):
                yield cells
            elif len(cells) > len(header):
                yield UnreadableRow(f"{len(cells)} fields, the first line names {len(header)}")
            elif cells:
                yield {known: cells[at] for known, at in places.items() if at < len(cells)}


class _Lines:
    """The lines of a text file, which goes on after one that is too long was refused."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._first: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self._first:
            return self._first.pop()
        line = self._file.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) < LONGEST_LINE or line.endswith(("\n", "\r")):
            return line
        while line and not line.endswith(("\n", "\r")):
            line = self._file.readline(LONGEST_LINE)
        raise UnreadableRow(f"a line of more than {LONGEST_LINE >> 20} MiB")

    def put_back(self, line: str) -> None:
        """Give a line once more."""
        self._first = [line]


def _without_faults(lines: Iterator[Line]) -> Iterator[Line | UnreadableRow]:
    """Yield what can be read, and what is wrong with the rest in its place."""
    while True:
        try:
            yield next(lines)
        except StopIteration:
            return
        except UnreadableRow as error:
            yield error
        except csv.Error as error:
            yield UnreadableRow(f"not CSV: {error}")


def _json_rows(path: Path) -> Iterator[Row]:
    with open(path, encoding="utf-8-sig") as file:
        for line in _without_faults(_Lines(file)):
            if isinstance(line, UnreadableRow):
                yield line
            elif line.strip():
                yield _json_row(line)


def _json_row(line: str) -> Row:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        return UnreadableRow(f"not JSON: {error}")
    if not isinstance(found, dict):
        return UnreadableRow("not a JSON object")
    try:
        return {known: found[own] for known, own in columns_of(list(found)).items()}
    except UnreadableInput as error:
        return UnreadableRow(error.message)


def _parquet_rows(path: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            columns = columns_of(file.schema_arrow.names)
            batches = file.iter_batches(PARQUET_ROWS, columns=list(columns.values()))
            known = {own: name for name, own in columns.items()}
            for batch in batches:
                for row in _python_rows(_microseconds(pa, batch)):
                    if isinstance(row, UnreadableRow):
                        yield row
                    else:
                        yield {known[own]: value for own, value in row.items()}
    except (pa.ArrowException, OSError) as error:
        # Arrow raises OSError for damaged content too; only the system's own carry a number.
        if isinstance(error, OSError) and error.errno:
            raise
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UnreadableInput(f"not a readable Parquet file: {reason}") from error


def _python_rows(batch: Any) -> Iterator[Row]:
    """Yield a batch's rows; one with a value that Python can't hold costs no other its place."""
    try:
        yield from batch.to_pylist()
    except (ValueError, OverflowError, LookupError) as error:
        if len(batch) == 1:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            yield UnreadableRow(f"a value that cannot be read: {reason}")
            return
        for at in range(len(batch)):
            yield from _python_rows(batch.slice(at, 1))


def _microseconds(pa: Any, batch: Any) -> Any:
    """Cut times to what Python's own hold; Arrow refuses to convert nanoseconds.

    Those of seconds stay: a cast would turn the impossible among them into others.
    """
    arrays = [
        column.cast(pa.timestamp("us", column.type.tz), safe=False)
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns"
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


_READERS: dict[str, Callable[[Path], Iterable[Row]]] = {
    ".csv": _text_rows,
    ".tsv": _text_rows,
    ".jsonl": _json_rows,
    ".ndjson": _json_rows,
    ".parquet": _parquet_rows,
}
TABLE_SUFFIXES = tuple(_READERS)

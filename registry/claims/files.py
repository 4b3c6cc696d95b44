"""Reading tables of claims: CSV, TSV, JSON lines and Parquet.

At most one batch of rows is in memory, however large the file, and no line longer
than LONGEST_LINE. A row that cannot be read is counted with its line, and the other
rows are read; a file that cannot be read raises UnreadableInput.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from registry.claims.rows import UnreadableRow, claim_from_row, is_blank
from registry.claims.tables import Problems, TableBatch, TableParts, TableRow
from registry.errors import RefusedFile, UnreadableInput
from registry.model import Claim

if TYPE_CHECKING:
    from registry.claims.ordinary import ClaimColumns

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
# Bytes of a text file below which columns gain less time than their libraries need to load.
SMALL = 128 << 10


def is_table(path: Path) -> bool:
    """Return whether the name of a file is that of a table that can be read."""
    return path.suffix.lower() in TABLE_SUFFIXES


def read_claims(path: Path, defaults: Claim, problems: Problems) -> Iterator[Claim]:
    """Yield the claims of a table one by one, each as `claim_from_row` reads it.

    `defaults` has the source, meaning and claimant of claims whose row has none. Rows that
    are no claim are added to `problems`. Raises UnreadableInput.
    """
    reading = _Reading(path, defaults, problems)
    with reading.named():
        for part in reading.parts(in_columns=False):
            rows = [part] if isinstance(part, TableRow) else part.rows(range(part.count))
            yield from reading.claims(rows)


def read_table(path: Path, defaults: Claim, problems: Problems) -> Iterator[Claim | ClaimColumns]:
    """Yield the claims of a table as `read_claims` does, those of ordinary rows in columns.

    Of a batch of rows, the ordinary ones come first. `problems` are the same, in the same
    order. Raises UnreadableInput.
    """
    return (_mixed if _in_columns(path) else read_claims)(path, defaults, problems)


def _in_columns(path: Path) -> bool:
    """Return whether a file is to be read in columns."""
    try:
        return path.suffix.lower() == ".parquet" or path.stat().st_size > SMALL
    except OSError:
        # Opening it says why it cannot be read.
        return False


def _mixed(path: Path, defaults: Claim, problems: Problems) -> Iterator[Claim | ClaimColumns]:
    reading = _Reading(path, defaults, problems)
    with reading.named():
        for part in reading.parts(in_columns=True):
            if isinstance(part, TableRow):
                yield from reading.claims([part])
            else:
                yield from reading.divided(part)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The reading of one table."""

    path: Path
    defaults: Claim
    problems: Problems

    @contextmanager
    def named(self) -> Iterator[None]:
        """Name the file in errors."""
        try:
            yield
        except RefusedFile:
            raise
        except UnreadableInput as error:
            raise UnreadableInput(f"{self.path}: {error.message}", error.hint) from error
        except OSError as error:
            raise UnreadableInput(f"{self.path}: {error.strerror or error}") from error

    def parts(self, *, in_columns: bool) -> TableParts:
        """Yield the rows of the table."""
        suffix = self.path.suffix.lower()
        if suffix == ".parquet":
            from registry.claims.parquet_tables import parquet_batches

            return parquet_batches(self.path, self.problems)
        from registry.claims.text_tables import csv_parts, json_parts

        read = csv_parts if suffix in (".csv", ".tsv") else json_parts
        return read(self.path, self.problems, in_columns)

    def claims(self, rows: Iterable[TableRow]) -> Iterator[Claim]:
        """Yield the claims of these rows; add the others to the problems."""
        problems, defaults = self.problems, self.defaults
        for number, values in rows:
            problems.rows_read += 1
            try:
                if isinstance(values, UnreadableRow):
                    raise values
                claim = claim_from_row(
                    values,
                    defaults.source,
                    meaning=defaults.meaning,
                    claimant=defaults.claimant,
                )
            except UnreadableRow as error:
                unit = "row" if self.path.suffix.lower() == ".parquet" else "line"
                problems.add(str(self.path), f"{unit} {number}", error)
                continue
            problems.flat_hashes += sum(
                getattr(claim, name) is None and not is_blank(values.get(name))
                for name in ("phash64", "phash256")
            )
            yield claim

    def divided(self, batch: TableBatch) -> Iterator[Claim | ClaimColumns]:
        """Yield the claims of a batch: first the ordinary ones in columns."""
        from registry.claims.ordinary import split

        columns, ordinary = split(batch.columns, batch.count)
        self.problems.rows_read += columns.count
        if columns.count:
            yield columns
        if columns.count < batch.count:
            yield from self.claims(batch.rows((~ordinary).nonzero()[0].tolist()))

"""The rows of a table before they are claims, and the problems of those that are none. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from registry.claims.columns import UnknownColumns, columns_of
from registry.claims.rows import NotUtf8, UnreadableRow

if TYPE_CHECKING:
    import pyarrow as pa

FIRST_SHOWN = 10
Values = Mapping[str, object] | UnreadableRow


class TableRow(NamedTuple):
    """A row: its line in a text file, or its number in Parquet, from 1; its values or its fault."""

    number: int
    values: Values


@dataclass(frozen=True, slots=True)
class TableBatch:
    """Rows in columns: how many, their known columns, and the rows at some places one by one."""

    count: int
    columns: Mapping[str, pa.Array]
    rows: Callable[[Sequence[int]], Iterable[TableRow]]


TablePart = TableRow | TableBatch
TableParts = Iterator[TablePart]


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

    def add(self, file: str, place: str, error: UnreadableRow) -> None:
        """Count a skipped row."""
        self.bad_rows += 1
        self.not_utf8 += isinstance(error, NotUtf8)
        if len(self.left_out) < FIRST_SHOWN:
            self.left_out.append(SkippedRow(file, place, error.message))

    def columns(self, file: str, names: Sequence[str]) -> dict[str, str]:
        """Return `columns_of(names)`, and record the unknown names."""
        columns = columns_of(names)
        self.unknown.add(file, names, columns)
        return columns

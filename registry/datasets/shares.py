"""How much of the files of a dataset is read, where the number of its rows is not known."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Protocol, runtime_checkable

from registry.datasets.streams import Source


@runtime_checkable
class HasSource(Protocol):
    """A table whose rows are read from the start of a file to its end."""

    path: Path
    source: Source


class Shares:
    """The share of the bytes that is read, of tables that are read one after the other."""

    def __init__(self, tables: Sequence[object]) -> None:
        self._tables = tables

    @cached_property
    def _ends(self) -> list[int] | None:
        """The bytes up to the end of each table, or None if some are not known."""
        sizes = [_size(table) for table in self._tables if isinstance(table, HasSource)]
        return list(accumulate(sizes)) if all(sizes) and len(sizes) == len(self._tables) else None

    def rows(self, done: int, table: int) -> int | None:
        """Return how many rows there may be, when so many are done, the last ones of a table."""
        if not self._ends or not done:
            return None
        before = self._ends[table - 1] if table else 0
        current = self._tables[table]
        read = current.source.position if isinstance(current, HasSource) else None
        # Of a table of which rows are done, a file that is not open is read to its end.
        end = self._ends[table]
        share = (end if read is None else min(before + read, end)) / self._ends[-1]
        return max(done, round(done / share)) if share else None


def _size(table: HasSource) -> int:
    """Return the bytes of a file; 0 if they are not known."""
    if not table.source.is_stdin:
        with suppress(OSError):
            return table.path.stat().st_size
    return 0

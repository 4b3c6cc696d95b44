"""All rows of one kind, numbered through the segments of a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from registry.snapshot.arrow_files import ArrowFile
from registry.snapshot.format import schema_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.snapshot.mapped import MappedFile

# Bits for the number of a text within its segment.
_CODE_BITS = 32


class Rows:
    """The rows of a kind. A segment is opened when one of its rows is asked for."""

    def __init__(
        self, kind: str, files: Sequence[tuple[str, int]], open_: Callable[[str], MappedFile]
    ) -> None:
        """Take the names of the files with their numbers of rows, and what opens a file."""
        self.kind = kind
        self._files = files
        self._open = open_
        self._opened: dict[int, ArrowFile] = {}
        self.starts = np.concatenate([[0], np.cumsum([rows for _, rows in files])]).astype(np.int64)

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.starts[-1])

    def segments(self) -> Iterator[ArrowFile]:
        """Yield all segments, opened, in order."""
        for number in range(len(self._files)):
            yield self._segment(number)

    def take(self, name: str, rows: NDArray[np.int64]) -> pa.Array:
        """Return a column in some rows, texts as strings; only these rows are verified."""
        which = np.searchsorted(self.starts, rows, "right") - 1
        if not len(which):
            return self._empty(name)
        if (which == which[0]).all():
            return self._segment(int(which[0])).take(name, rows - self.starts[which[0]])
        order = np.argsort(which, kind="stable")
        numbers, first = np.unique(which[order], return_index=True)
        groups = np.split(order, first[1:])
        parts = [
            self._segment(number).take(name, rows[group] - self.starts[number])
            for number, group in zip(numbers.tolist(), groups, strict=True)
        ]
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return pa.concat_arrays(parts).take(pa.array(back))

    def codes(self, name: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a number for each text of a column of few texts without nulls, in some rows.

        Rows of one segment with equal texts have equal numbers.
        """
        which = np.searchsorted(self.starts, rows, "right") - 1
        codes = which << _CODE_BITS
        for number in np.unique(which).tolist():
            own = which == number
            codes[own] |= self._segment(number).codes(name, rows[own] - self.starts[number])
        return codes

    def text(self, name: str, code: int) -> str:
        """Return a text by its number (see `codes`)."""
        return self._segment(code >> _CODE_BITS).text(name, code & ((1 << _CODE_BITS) - 1))

    def columns(self, name: str) -> Iterator[pa.Array]:
        """Yield a whole column by segment, in order."""
        for segment in self.segments():
            yield segment.column(name)

    def column(self, name: str) -> pa.Array:
        """Return a whole column, of numbers or short bytes: at most 2 GB."""
        parts = list(self.columns(name))
        return pa.concat_arrays(parts) if parts else self._empty(name)

    def row(self, number: int) -> dict[str, Any]:
        """Return all values of one row by the names of their columns."""
        which = int(np.searchsorted(self.starts, number, "right")) - 1
        return self._segment(which).row(number - int(self.starts[which]))

    def some(self, numbers: NDArray[np.int64]) -> Iterator[dict[str, Any]]:
        """Yield some rows, in the order of their numbers given."""
        names = schema_of(self.kind).names
        columns = [self.take(name, numbers).to_pylist() for name in names]
        for values in zip(*columns, strict=True):
            yield dict(zip(names, values, strict=True))

    def all(self) -> Iterator[dict[str, Any]]:
        """Yield all rows in order."""
        names = schema_of(self.kind).names
        for segment in self.segments():
            columns = [segment.column(name).to_pylist() for name in names]
            for values in zip(*columns, strict=True):
                yield dict(zip(names, values, strict=True))

    def _segment(self, number: int) -> ArrowFile:
        if number not in self._opened:
            name, rows = self._files[number]
            self._opened[number] = ArrowFile(self._open(name), self.kind, rows)
        return self._opened[number]

    def _empty(self, name: str) -> pa.Array:
        kind = schema_of(self.kind).field(name).type
        return pa.array([], kind.value_type if pa.types.is_dictionary(kind) else kind)

"""Collects the results of chunks into parts that are done.

Where a part ends depends on the rows alone: whoever checks them, the sums are of the same parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from registry.checking.journal import Done
from registry.checking.samples import placed
from registry.checking.shards import merge
from registry.checking.tally import Tally

if TYPE_CHECKING:
    import pyarrow as pa

    from registry.checking.chunks import Checked
    from registry.datasets.units import Unit

# Rows, and bytes of rows, after which a part is done, if its unit does not end before.
PART_ROWS, PART_BYTES = 1 << 20, 1 << 28
OnDone = Callable[[Done, Sequence["pa.RecordBatch"]], None]


class Filling:
    """The part that is being checked; `done` gets each one, with the answers of its rows."""

    def __init__(self, units: Sequence[Unit], done: OnDone) -> None:
        """`units` are those to be checked."""
        parts = [part for unit in units for part in unit]
        # The rows of each table that are done.
        self._rows = {part.table: part.first for part in reversed(parts)}
        self._done = done
        self._unit = self._table = 0
        self._start()

    def add(self, one: Checked) -> None:
        """Add a chunk, given in the order of the rows."""
        if one.unit != self._unit:
            self.finish()
        self._unit, self._table = one.unit, one.chunk.table
        one.tally.samples = placed(one.tally.samples, self._table, self._rows[self._table])
        merge([one.tally], into=self.tally)
        self._rows[self._table] += len(one.chunk.batch)
        self._size += one.chunk.batch.nbytes
        if one.answers is not None:
            self._answers.append(one.answers)
        if self.tally.rows >= PART_ROWS or self._size >= PART_BYTES:
            self.finish()

    def finish(self) -> None:
        """End the part."""
        if self.tally.rows:
            done = Done(self.tally, self._table, self._rows[self._table])
            self._done(done, self._answers)
        self._start()

    def _start(self) -> None:
        self.tally, self._size = Tally(), 0
        self._answers: list[pa.RecordBatch] = []

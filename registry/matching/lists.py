"""Lists of rows by number, in two arrays that can be mapped from disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of rows by number, end to end: uint32 of shape (n + 1,) and (rows,)."""

    starts: npt.NDArray[np.uint32]
    rows: npt.NDArray[np.uint32]

    def of(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """Return (place among `numbers`, row) for all rows of the lists."""
        first = self.starts[numbers].astype(np.int64)
        counts = self.starts[numbers + 1] - first
        places = np.repeat(np.arange(len(numbers)), counts)
        return places, self.rows[slices(first, counts)].astype(np.int64)

    def first(self, numbers: Numbers) -> Numbers:
        """Return the first row of each list."""
        return self.rows[self.starts[numbers]].astype(np.int64)

    def counts(self, numbers: Numbers) -> Numbers:
        """Return the length of each list."""
        return self.starts[numbers + 1].astype(np.int64) - self.starts[numbers]


def group(numbers: Numbers, rows: Numbers, count: int) -> Lists:
    """Return the lists of `count` numbers, given the number of each row; rows keep their order."""
    order = np.argsort(numbers, kind="stable")
    starts = np.zeros(count + 1, np.uint32)
    np.cumsum(np.bincount(numbers, minlength=count), out=starts[1:])
    return Lists(starts, rows[order].astype(np.uint32))


def slices(first: Numbers, counts: Numbers) -> Numbers:
    """Return first[0], first[0] + 1, ... (counts[0] of them), first[1], ... end to end."""
    ends = np.cumsum(counts)
    numbers: Numbers = np.repeat(first - (ends - counts), counts)
    numbers += np.arange(len(numbers))
    return numbers

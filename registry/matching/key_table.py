"""Finds keys by their 64-bit hashes in a table that can be mapped from disk.

Distinct keys are numbered in the order of the table. Its directory has an element for each value
of the first bits of a hash: the first of the numbers with these bits. The marks are the last 32
bits of each hash, in order within a bucket. Bits between are not kept: whoever asks compares the
key that a number stands for with its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from registry.matching.lists import Lists, Numbers
from registry.matching.order import by_first_bits

Hashes: TypeAlias = npt.NDArray[np.uint64]
# Whether the keys of two lists of rows are equal, row by row.
AreEqual: TypeAlias = Callable[[Numbers, Numbers], npt.NDArray[np.bool_]]

NONE = -1
# Keys from which the compiled search pays.
COMPILED_KEYS = 32_768
_LOW, _LOW_BITS = np.uint64(0xFFFFFFFF), np.uint64(32)


@dataclass(frozen=True, slots=True)
class KeyTable:
    """A table of distinct keys: uint32 of shape (2**bits + 1,) and (n,)."""

    starts: npt.NDArray[np.uint32]
    marks: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        """Return the number of distinct keys."""
        return len(self.marks)

    def find(self, hashes: Hashes, is_key: AreEqual) -> Numbers:
        """Return the number of the key of each hash, or NONE.

        `is_key(places, numbers)` tells for places of `hashes` whether their key is the one with
        that number.
        """
        numbers = self._first(hashes)
        places = np.flatnonzero(numbers != NONE)
        while len(places):
            places = places[~is_key(places, numbers[places])]
            # Another key has the same first and last bits: it is the next one, if there is one.
            following = numbers[places] + 1
            same = self._same(following, hashes[places])
            numbers[places] = np.where(same, following, NONE)
            places = places[same]
        return numbers

    def find_rows(
        self,
        hashes: Hashes,
        has: npt.NDArray[np.bool_],
        is_key: AreEqual,
    ) -> Numbers:
        """Return the number of the key of each row that `has` one, or NONE; else as `find`."""
        if has.all():
            return self.find(hashes, is_key)
        rows = np.flatnonzero(has)
        numbers = np.full(len(hashes), NONE, np.int64)
        numbers[rows] = self.find(hashes[rows], lambda places, n: is_key(rows[places], n))
        return numbers

    def _same(self, numbers: Numbers, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Return whether numbers are within the bucket of the hashes, and have their mark."""
        within = numbers < self.starts[bucket_of(hashes, len(self.starts)) + 1]
        same: npt.NDArray[np.bool_] = within.copy()
        same[within] = self.marks[numbers[within]] == (hashes[within] & _LOW)
        return same

    def _first(self, hashes: Hashes) -> Numbers:
        """Return for each hash the first number with its first and last bits, or NONE."""
        if len(hashes) >= COMPILED_KEYS and len(self.starts) > 2:
            from registry.matching._key_kernel import first_numbers

            return first_numbers(hashes, self.starts, self.marks)
        buckets = bucket_of(hashes, len(self.starts))
        low = self.starts[buckets].astype(np.int64)
        end = self.starts[buckets + 1].astype(np.int64)
        marks, high = hashes & _LOW, end.copy()
        # Binary search in all buckets at once: a bucket may be made long on purpose.
        while len(open_ := np.flatnonzero(low < high)):
            middle = (low[open_] + high[open_]) // 2
            less = self.marks[middle] < marks[open_]
            low[open_[less]] = middle[less] + 1
            high[open_[~less]] = middle[~less]
        numbers = np.where(low < end, low, NONE)
        has = np.flatnonzero(numbers != NONE)
        numbers[has[self.marks[numbers[has]] != marks[has]]] = NONE
        return numbers


def bucket_of(hashes: Hashes, starts: int) -> Numbers:
    """Return the bucket of each hash in a directory of so many elements."""
    bits = (starts - 1).bit_length() - 1
    if bits == 0:
        return np.zeros(len(hashes), np.int64)
    return (hashes >> np.uint64(64 - bits)).astype(np.int64)


def build(hashes: Hashes, rows: Numbers, are_equal: AreEqual) -> tuple[KeyTable, Lists]:
    """Return the table of the keys of some rows, and the rows of each key, in order.

    `hashes` are those of `rows`, which are ascending and below 2**32. The result depends on
    rows and keys only.
    """
    bits = max(len(hashes).bit_length() - 2, 0)
    starts, order = by_first_bits(hashes, bits, int(_LOW))
    rows = rows[order]
    # The bits of a hash that the table keeps: equal keys have equal ones.
    kept = hashes[order]
    kept = (bucket_of(kept, len(starts)).astype(np.uint64) << _LOW_BITS) | (kept & _LOW)
    places, leaders = _leaders(kept, rows, are_equal)
    if len(places):
        leader = np.arange(len(rows))
        leader[places] = leaders
        # A stable sort by leader: the rows of each key come together, in their order.
        by_leader = np.argsort(leader, kind="stable")
        leader, rows = leader[by_leader], rows[by_leader]
        is_first = np.ones(len(rows), bool)
        is_first[1:] = leader[1:] != leader[:-1]
        kept = kept[leader[is_first]]
        starts = np.searchsorted(kept >> _LOW_BITS, np.arange(len(starts))).astype(np.uint32)
        firsts = np.append(np.flatnonzero(is_first), len(rows))
    else:
        firsts = np.arange(len(rows) + 1)
    table = KeyTable(starts, (kept & _LOW).astype(np.uint32))
    return table, Lists(firsts.astype(np.uint32), rows.astype(np.uint32))


def _leaders(kept: Hashes, rows: Numbers, are_equal: AreEqual) -> tuple[Numbers, Numbers]:
    """Return the places whose key an earlier place has, too, and the first such place of each.

    Places are in table order; `kept` are the bits by which they are ordered.
    """
    pending = np.flatnonzero(kept[1:] == kept[:-1]) + 1
    # The place before each run of equal bits leads it.
    is_start = np.diff(pending, prepend=NONE) != 1
    run = np.maximum.accumulate(np.where(is_start, pending - 1, 0)) if len(pending) else pending
    found, leaders = [pending[:0]], [pending[:0]]
    while len(pending):
        equal = are_equal(rows[pending], rows[run])
        found.append(pending[equal])
        leaders.append(run[equal])
        # The first of the others in each run leads the next round.
        pending, run = pending[~equal], run[~equal]
        _, first, inverse = np.unique(run, return_index=True, return_inverse=True)
        run = pending[first][inverse]
        pending, run = pending[run != pending], run[run != pending]
    return np.concatenate(found), np.concatenate(leaders)

"""Finds all pairs of 64-bit codes within a radius without comparing all of them.

Complete multi-index hashing (see `_plan`) as a join: entries are sorted by
chunk in a direct-addressed table, queries by the same chunk, and one pass per
mask reads both nearly in order. The result always equals that of `brute.join`.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.matching import brute
from registry.matching._groups import Groups, queries_of
from registry.matching._plan import Chunk, best_plan
from registry.matching.brute import Codes, Pairs

# Pairs that brute force compares in the time that the compiled index takes to start:
# importing numba and loading the kernel take 0.5 to 2 s (measured; the first
# start on a machine compiles), brute force about 3 ns a pair.
BRUTE_PAIRS = 1 << 29

# Queries sorted and looked up at a time.
_BLOCK = 1 << 20
# Pairs that one task writes before its buffers are emptied, at 9 bytes each.
_BUFFER = 1 << 16
# Tasks per thread: more than one, so that threads share the crowded parts of the code space.
_TASKS = 4
# Pairs collected before they are cut to the limit of each query.
_PENDING = 1 << 21


@dataclass(frozen=True, slots=True)
class _Table:
    """One chunk's bucket table: entries in order of their key, and the start of each key."""

    chunk: Chunk
    masks: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int32]
    codes: Codes
    entries: npt.NDArray[np.int32]
    # Bits and flips of the chunks before this one, whose pairs are not repeated.
    earlier_bits: Codes
    earlier_flips: npt.NDArray[np.int64]


class PhashIndex:
    """Entries' 64-bit codes, ready to be joined with queries any number of times.

    Safe to use from several threads at once. Holds the codes and, once a join
    was large enough to need them, 12 bytes an entry for each of 3 to 8 chunks.
    At most 2**31 - 1 entries.
    """

    def __init__(self, codes: Codes, *, threads: int | None = None) -> None:
        """Take codes as uint64 of shape (n,); `threads` defaults to the number of cores."""
        self._entries = len(codes)
        self._groups = Groups(np.ascontiguousarray(codes, dtype=np.uint64))
        self._threads = threads or os.cpu_count() or 1
        self._tables: dict[tuple[Chunk, ...], list[_Table]] = {}
        self._compared = 0

    def __len__(self) -> int:
        """Return the number of entries."""
        return self._entries

    def join(self, queries: Codes, radius: int, limit_per_query: int | None = None) -> Pairs:
        """Return (query, entry, distance) of every pair within `radius` bits (0..64).

        Sorted by query, then by entry. With `limit_per_query`, the nearest
        entries of each query only (1 or more), ties to the lower entry; memory
        is then bounded however many pairs there are.
        """
        queries = np.ascontiguousarray(queries, dtype=np.uint64)
        blocks = self._blocks(queries, radius, limit_per_query)
        return brute.concatenate(list(blocks))

    def _blocks(self, queries: Codes, radius: int, limit: int | None) -> Iterator[Pairs]:
        for first in range(0, len(queries), _BLOCK):
            distinct, inverse = np.unique(queries[first : first + _BLOCK], return_inverse=True)
            pairs = self._groups.entries_of(self._found(distinct, radius, limit), limit)
            query, entry, distance = queries_of(_cut(pairs, limit), inverse)
            yield query + first, entry, distance

    def _found(self, queries: Codes, radius: int, limit: int | None) -> Pairs:
        """Return the (query, group) pairs of distinct queries."""
        plan = self._plan(len(queries), radius)
        if plan:
            return self._lookup(queries, radius, limit, plan)
        size = max(1, _PENDING // max(1, len(self._groups.codes)))
        parts = []
        for first in range(0, len(queries), size):
            pairs = brute.join(self._groups.codes, queries[first : first + size], radius)
            query, group, distance = _cut(pairs, limit)
            parts.append((query + first, group, distance))
        return brute.concatenate(parts)

    def _plan(self, queries: int, radius: int) -> tuple[Chunk, ...] | None:
        """Return None, for brute force, while all joins together are little work; else a plan."""
        self._compared += len(self._groups.codes) * queries
        if self._compared <= BRUTE_PAIRS:
            return None
        return best_plan(len(self._groups.codes), radius)

    def _lookup(
        self, queries: Codes, radius: int, limit: int | None, plan: tuple[Chunk, ...]
    ) -> Pairs:
        if plan not in self._tables:
            self._tables[plan] = _tables(self._groups.codes, plan)
        parts: list[Pairs] = []
        pending = 0
        for table in self._tables[plan]:
            for pairs in _table_pairs(table, queries, radius, self._threads):
                parts.append(pairs)
                pending += len(pairs[0])
                if limit is not None and pending > _PENDING:
                    parts = [_cut(brute.concatenate(parts), limit)]
                    pending = 0
        return _cut(brute.in_order(brute.concatenate(parts)), limit)


def _cut(pairs: Pairs, limit: int | None) -> Pairs:
    return pairs if limit is None else brute.nearest(pairs, limit)


def _keys(codes: Codes, chunk: Chunk) -> npt.NDArray[np.int64]:
    mask = np.uint64((1 << chunk.bits) - 1)
    return ((codes >> np.uint64(chunk.shift)) & mask).astype(np.int64)


def _tables(codes: Codes, plan: tuple[Chunk, ...]) -> list[_Table]:
    bits = [((1 << chunk.bits) - 1) << chunk.shift for chunk in plan]
    flips = [chunk.flips for chunk in plan]
    return [
        _table(codes, chunk, np.array(bits[:i], np.uint64), np.array(flips[:i], np.int64))
        for i, chunk in enumerate(plan)
    ]


def _table(
    codes: Codes, chunk: Chunk, earlier_bits: Codes, earlier_flips: npt.NDArray[np.int64]
) -> _Table:
    keys = _keys(codes, chunk)
    order = np.argsort(keys, kind="stable").astype(np.int32)
    offsets = np.zeros((1 << chunk.bits) + 1, np.int32)
    np.cumsum(np.bincount(keys, minlength=1 << chunk.bits), out=offsets[1:])
    masks = np.array(chunk.masks(), np.int64)
    return _Table(chunk, masks, offsets, codes[order], order, earlier_bits, earlier_flips)


def _table_pairs(table: _Table, queries: Codes, radius: int, threads: int) -> Iterator[Pairs]:
    """Yield the pairs found with one table, unsorted, a bounded number at a time."""
    keys = _keys(queries, table.chunk)
    order = np.argsort(keys, kind="stable")
    keys, codes = keys[order], queries[order]
    tasks = [
        _Task(table, keys, codes, radius, first, last)
        for first, last in _ranges(len(queries), threads * _TASKS)
    ]
    with ThreadPoolExecutor(threads) as pool:
        while tasks:
            for query, slot, distance in pool.map(_Task.step, tasks):
                yield order[query], table.entries[slot].astype(np.int64), distance
            tasks = [task for task in tasks if task.unfinished]


def _ranges(count: int, parts: int) -> list[tuple[int, int]]:
    edges = np.linspace(0, count, min(count, parts) + 1).astype(int).tolist()
    return list(itertools.pairwise(edges))


class _Task:
    """The look-up of a range of sorted queries in one table, in steps of bounded size."""

    def __init__(
        self,
        table: _Table,
        keys: npt.NDArray[np.int64],
        codes: Codes,
        radius: int,
        first: int,
        last: int,
    ) -> None:
        from registry.matching._kernel import scan

        self._scan: Callable[..., Any] = scan
        self._table = table
        self._state = np.array([0, first, 0], np.int64)
        self._query = np.empty(_BUFFER, np.int32)
        self._slot = np.empty(_BUFFER, np.int32)
        self._distance = np.empty(_BUFFER, np.uint8)
        entries = (table.masks, table.offsets, table.codes)
        earlier = (table.earlier_bits, table.earlier_flips)
        out = (self._query, self._slot, self._distance)
        self._arguments = (
            *(keys, codes, first, last),
            *(*entries, *earlier, radius),
            *(self._state, *out),
        )

    def step(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
        """Continue until done or the buffers are full; return copies of the pairs written."""
        used = self._scan(*self._arguments)
        return self._query[:used].copy(), self._slot[:used].copy(), self._distance[:used].copy()

    @property
    def unfinished(self) -> bool:
        return bool(self._state[0] < len(self._table.masks))

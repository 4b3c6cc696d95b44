"""Joins many 64-bit codes with tables of codes: all pairs within a radius, on all cores.

One pass a chunk: the queries are sorted by that chunk, and for each mask both queries and
table are read nearly in order.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.matching import brute
from registry.matching.brute import Codes, Pairs
from registry.matching.code_tables import CodeTable, CodeTables, Pass, near, plan

# Queries up to which NumPy is faster than loading the compiled kernel (0.5 s; the first start
# on a machine compiles it).
SINGLY = 200
# Pairs that one task writes before its buffers are emptied, at 9 bytes each.
_BUFFER = 1 << 16
# Bytes of a part of a table that stay in a core's cache, and the fewest queries for one.
_CACHED, _FEWEST = 1 << 19, 128
# Tasks per thread: more than one, so that threads share the crowded parts of the code space.
_TASKS = 4


@cache
def _cores() -> int:
    return os.cpu_count() or 1


class CodeJoin:
    """The pairs of some distinct codes and the codes of tables within a radius.

    A code with more than `most` pairs keeps `most` of them, and is `crowded` from then on. The
    result depends on the codes only, not on threads.
    """

    def __init__(
        self,
        tables: CodeTables,
        queries: Codes,
        radius: int,
        *,
        most: int = 2**32 - 2,
        threads: int | None = None,
    ) -> None:
        """Take queries as uint64 of shape (n,); `threads` defaults to the number of cores."""
        self._tables = tables
        self._queries = np.ascontiguousarray(queries, np.uint64)
        self._radius = radius
        self._most = most
        self._threads = threads or _cores()
        self._found = np.zeros(len(queries), np.uint32)

    @property
    def crowded(self) -> npt.NDArray[np.bool_]:
        """Which queries have more pairs than were kept."""
        crowded: npt.NDArray[np.bool_] = self._found > self._most
        return crowded

    def pairs(self) -> Iterator[Pairs]:
        """Yield (query, row, distance), unsorted, a bounded number at a time."""
        if not len(self._queries) or not len(self._tables[0].codes):
            return
        passes = plan(self._tables, self._radius)
        if passes is None:
            yield from self._compared()
        elif len(self._queries) <= SINGLY:
            yield from self._singly()
        else:
            for number, one in enumerate(passes):
                yield from self._pass(one, passes[:number])

    def _singly(self) -> Iterator[Pairs]:
        for query, code in enumerate(self._queries.tolist()):
            rows, bits = near(self._tables, code, self._radius)
            self._found[query] = len(rows)
            kept = min(len(rows), self._most)
            yield np.full(kept, query, np.int64), rows[:kept], bits[:kept]

    def _compared(self) -> Iterator[Pairs]:
        table = self._tables[0]
        for query, place, bits in brute.blocks(table.codes, self._queries, self._radius):
            # They are sorted by query.
            rank = np.arange(len(query)) - np.searchsorted(query, query)
            kept = self._found[query] + rank < self._most
            np.add.at(self._found, query, 1)
            rows = table.rows[place[kept]].astype(np.int64)
            yield query[kept], rows, bits[kept]

    def _pass(self, one: Pass, earlier: tuple[Pass, ...]) -> Iterator[Pairs]:
        keys = one.table.keys(self._queries)
        order = np.argsort(keys, kind="stable")
        found, queries = self._found[order], (keys[order], self._queries[order])
        tasks = [
            _Task(one, earlier, queries, ends, found, self._limits)
            for ends in self._ranges(queries[0], one.table)
        ]
        with ThreadPoolExecutor(self._threads) as pool:
            while tasks:
                for query, row, distance in pool.map(_Task.step, tasks):
                    yield order[query], row.astype(np.int64), distance
                tasks = [task for task in tasks if task.unfinished]
        self._found[order] = found

    def _ranges(self, keys: npt.NDArray[np.int64], table: CodeTable) -> list[tuple[int, int]]:
        """Return ranges of sorted queries whose buckets are in a part of the table that fits.

        The masks that change no higher bit lead to the same part, which is then in the cache.
        """
        size = table.codes.nbytes + table.starts.nbytes
        wanted = max(size // _CACHED, self._threads * _TASKS)
        bits = min(wanted.bit_length(), max(len(keys) // _FEWEST, 1).bit_length(), table.bits)
        first = np.arange((1 << bits) + 1) << (table.bits - bits)
        edges = np.searchsorted(keys, first).tolist()
        return [(start, end) for start, end in itertools.pairwise(edges) if end > start]

    @property
    def _limits(self) -> tuple[int, int]:
        return self._radius, self._most


class _Task:
    """The look-up of a range of sorted queries in one table, in steps of bounded size."""

    def __init__(
        self,
        one: Pass,
        earlier: tuple[Pass, ...],
        queries: tuple[npt.NDArray[np.int64], Codes],
        ends: tuple[int, int],
        found: npt.NDArray[np.uint32],
        limits: tuple[int, int],
    ) -> None:
        from registry.matching._join_kernel import scan

        self._scan: Callable[..., Any] = scan
        self._masks = len(one.masks)
        self._state = np.array([0, ends[0], 0], np.int64)
        self._out = (
            np.empty(_BUFFER, np.uint32),
            np.empty(_BUFFER, np.uint32),
            np.empty(_BUFFER, np.uint8),
        )
        before = [(((1 << e.table.bits) - 1) << e.table.shift, e.flips) for e in earlier]
        read = (
            *queries,
            *(one.masks, one.table.starts, one.table.codes, one.table.rows),
            np.array(before, np.uint64).reshape(-1),
            np.array([*ends, *limits], np.int64),
        )
        self._arguments = (*map(_read_only, read), self._state, found, *self._out)

    def step(self) -> tuple[npt.NDArray[Any], ...]:
        """Continue until done or the buffers are full; return copies of the pairs written."""
        used = self._scan(*self._arguments)
        return tuple(array[:used].copy() for array in self._out)

    @property
    def unfinished(self) -> bool:
        return bool(self._state[0] < self._masks)


def _read_only(value: Any) -> npt.NDArray[Any]:
    view = np.ascontiguousarray(value).view()
    view.flags.writeable = False
    return view

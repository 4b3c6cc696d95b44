"""Tables in which all 64-bit codes within a radius are found without comparing all of them.

If two codes differ in at most r bits, then for disjoint chunks of the code with thresholds t_i
whose sum of (t_i + 1) is r + 1, at least one chunk differs in at most t_i bits (otherwise the
codes would differ in r + 1). So it is enough to compare, chunk by chunk, the entries whose chunk
equals the query's under some mask of at most t_i bits. (Norouzi, Punjani and Fleet, "Fast search
in Hamming space with multi-index hashing", 2012; uneven thresholds are their section 3.)

There are three chunks, so that one set of tables serves every radius.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from registry.matching.brute import Codes
from registry.matching.lists import Numbers, slices
from registry.matching.order import by_bits

# First bit and number of bits of each chunk.
PARTS = ((42, 22), (21, 21), (0, 21))
# Nanoseconds to open a bucket, to test an entry in it, and to test an entry without tables.
_OPEN_NS, _TEST_NS, _BRUTE_NS = 3.0, 4.5, 1.0


@dataclass(frozen=True, slots=True)
class CodeTable:
    """The codes by one chunk: bits [shift, shift + b) of the code, for `starts` of 2**b + 1.

    `codes` (uint64) and `rows` (uint32) are sorted by the chunk, then by row; those with chunk c
    are at [starts[c], starts[c + 1]) (uint32).
    """

    shift: int
    starts: npt.NDArray[np.uint32]
    codes: Codes
    rows: npt.NDArray[np.uint32]

    @property
    def bits(self) -> int:
        """The number of bits of the chunk."""
        return (len(self.starts) - 1).bit_length() - 1

    def keys(self, codes: Codes) -> Numbers:
        """Return the chunk of each code."""
        return (codes >> np.uint64(self.shift)).astype(np.int64) & (len(self.starts) - 2)


CodeTables: TypeAlias = tuple[CodeTable, ...]


@dataclass(frozen=True, slots=True)
class Pass:
    """One table to search under masks of at most `flips` bits."""

    table: CodeTable
    flips: int

    @property
    def masks(self) -> npt.NDArray[np.int64]:
        """The masks, in their order: those with the same first bits follow each other."""
        return _masks(self.table.bits, self.flips)


def build(codes: Codes) -> CodeTables:
    """Return the tables of some codes; entry i is `rows` i. At most 2**32 - 1 codes."""
    tables = []
    for first, most in PARTS:
        bits = max(min(most, len(codes).bit_length() - 1), 1)
        shift = first + most - bits
        starts, rows = by_bits(codes, shift, bits)
        tables.append(CodeTable(shift, starts, codes[rows], rows))
    return tuple(tables)


def plan(tables: CodeTables, radius: int) -> tuple[Pass, ...] | None:
    """Return how to find all codes within a radius; None if comparing all costs less."""
    used = tables[: min(radius + 1, len(tables))]
    flips, more = divmod(radius + 1 - len(used), len(used))
    passes = tuple(Pass(table, flips + (i < more)) for i, table in enumerate(used))
    return passes if cost(passes) < len(tables[0].codes) * _BRUTE_NS else None


def cost(passes: Sequence[Pass]) -> float:
    """Return the estimated nanoseconds a query, for evenly distributed codes."""
    total = 0.0
    for one in passes:
        bits = one.table.bits
        buckets = sum(math.comb(bits, k) for k in range(one.flips + 1))
        total += buckets * (_OPEN_NS + _TEST_NS * len(one.table.codes) / (1 << bits))
    return total


def near(tables: CodeTables, code: int, radius: int) -> tuple[Numbers, npt.NDArray[np.uint8]]:
    """Return the rows of all codes within a radius of one code, and their distances.

    They are in the order in which they are found: by table, mask and row. It needs NumPy only:
    a single code is answered before a compiled kernel would be loaded.
    """
    passes, wanted = plan(tables, radius), np.uint64(code)
    if passes is None:
        table = tables[0]
        return _within(table.rows.astype(np.int64), table.codes, wanted, radius)
    rows, codes = [], []
    for one in passes:
        table = one.table
        key = int(table.keys(np.array([wanted]))[0])
        buckets = one.masks ^ key
        first = table.starts[buckets].astype(np.int64)
        places = slices(first, table.starts[buckets + 1] - first)
        rows.append(table.rows[places].astype(np.int64))
        codes.append(table.codes[places])
    found = np.concatenate(rows)
    first = np.sort(np.unique(found, return_index=True)[1])
    return _within(found[first], np.concatenate(codes)[first], wanted, radius)


def _within(
    rows: Numbers, codes: Codes, wanted: np.uint64, radius: int
) -> tuple[Numbers, npt.NDArray[np.uint8]]:
    bits = np.bitwise_count(codes ^ wanted)
    kept = np.flatnonzero(bits <= radius)
    return rows[kept], bits[kept]


@cache
def _masks(bits: int, flips: int) -> npt.NDArray[np.int64]:
    chosen = (itertools.combinations(range(bits), count) for count in range(min(flips, bits) + 1))
    masks = [sum(1 << bit for bit in bits_) for sets in chosen for bits_ in sets]
    return np.sort(np.array(masks, np.int64))

"""The recorded codes near many codes: all of them, or the nearest where they are too many.

However many there are, a bounded number of pairs is held at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from registry.matching.brute import Codes, concatenate
from registry.matching.code_join import CodeJoin
from registry.matching.code_tables import CodeTables, plan
from registry.matching.lists import Numbers

# Pairs held at a time, about 50 bytes each.
AT_ONCE = 1 << 21
# Most codes have few pairs and are joined many at a time; those with more are joined again.
_FEW = (4, 64)
# Radii up to this one are tried one by one for a code with too many pairs, larger ones by halves.
_FINE = 12


@dataclass(frozen=True, slots=True)
class Near:
    """The rows near some queries: those of `queries[i]` are [starts[i], starts[i + 1]).

    `rows` and `bits` are the nearest first, then by row. A `crowded` query has more rows within
    the radius than these, the nearest ones.
    """

    queries: Numbers
    starts: Numbers
    rows: Numbers
    bits: npt.NDArray[np.uint8]
    crowded: npt.NDArray[np.bool_]


def nearest(tables: CodeTables, codes: Codes, radius: int, most: int) -> Iterator[Near]:
    """Yield the rows within a radius of distinct codes, at most `most` for each.

    Every code is in one result, in no order. What it has does not depend on the other codes.
    """
    few = () if plan(tables, radius) is None else tuple(n for n in _FEW if n < most)
    left = np.arange(len(codes))
    for limit in (*few, most):
        crowded = [np.empty(0, np.int64)]
        for some in _parts(left, limit):
            near = _joined(tables, codes, some, radius, limit)
            yield _some(near, ~near.crowded)
            if limit == most:
                yield from _nearer(tables, codes, _some(near, near.crowded), radius, most)
            crowded.append(some[near.crowded])
        left = np.concatenate(crowded)


def _nearer(tables: CodeTables, codes: Codes, near: Near, radius: int, most: int) -> Iterator[Near]:
    """Yield the nearest rows of crowded queries: within the largest radius with few enough.

    If none is within that one, any of those within the next are taken.
    """
    while len(near.queries):
        radius = radius - 1 if radius <= _FINE else radius // 2
        closer = _joined(tables, codes, near.queries, radius, most)
        none = closer.starts[1:] == closer.starts[:-1]
        for one in (_some(near, none), _some(closer, ~none & ~closer.crowded)):
            yield replace(one, crowded=np.ones(len(one.queries), bool))
        near = _some(closer, closer.crowded)


def _parts(queries: Numbers, limit: int) -> Iterator[Numbers]:
    step = max(AT_ONCE // limit, 1)
    for first in range(0, len(queries), step):
        yield queries[first : first + step]


def _joined(tables: CodeTables, codes: Codes, queries: Numbers, radius: int, most: int) -> Near:
    join = CodeJoin(tables, codes[queries], radius, most=most)
    pairs = concatenate(list(join.pairs()))
    code, row, distance = (part.astype(np.uint64) for part in pairs)
    # A row has 32 bits, a distance 7, and there are fewer queries than the other 25 bits count.
    packed = np.sort(code << np.uint64(39) | distance << np.uint64(32) | row)
    starts = np.searchsorted(packed >> np.uint64(39), np.arange(len(queries) + 1, dtype=np.uint64))
    bits = (packed >> np.uint64(32) & np.uint64(127)).astype(np.uint8)
    rows = (packed & np.uint64(0xFFFFFFFF)).astype(np.int64)
    return Near(queries, starts, rows, bits, join.crowded)


def _some(near: Near, chosen: npt.NDArray[np.bool_]) -> Near:
    """Return some of the queries, given as a mask, with their rows."""
    if chosen.all():
        return near
    counts = np.diff(near.starts)
    kept = np.repeat(chosen, counts)
    starts = np.append(0, np.cumsum(counts[chosen]))
    crowded = near.crowded[chosen]
    return Near(near.queries[chosen], starts, near.rows[kept], near.bits[kept], crowded)

"""The reference of the fingerprint join: every query against every entry.

The index must give the same results. It is used for small joins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Codes: TypeAlias = npt.NDArray[np.uint64]
# query index (int64), entry index (int64), distance in bits (uint8); same length
Pairs: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint8]]

# Pairs compared at a time: 9 bytes each, small enough to stay in the cache.
_CELLS = 1 << 17


def join(entries: Codes, queries: Codes, radius: int) -> Pairs:
    """Return every pair of 64-bit codes within `radius` bits of each other.

    Sorted by query, then by entry. Needs constant memory besides the result.
    """
    return in_order(concatenate(list(blocks(entries, queries, radius))))


def blocks(entries: Codes, queries: Codes, radius: int) -> Iterator[Pairs]:
    """Yield the same pairs, a bounded number at a time, each part sorted by query."""
    step = _rows(len(entries))
    for first in range(0, len(queries), step):
        some = queries[first : first + step]
        for begin in range(0, len(entries), _CELLS):
            query, entry, distance = _block(entries[begin : begin + _CELLS], some, radius)
            yield first + query, begin + entry, distance


def _rows(entries: int) -> int:
    return max(1, _CELLS // max(1, entries))


def _block(entries: Codes, queries: Codes, radius: int) -> Pairs:
    distance = np.bitwise_count(queries[:, None] ^ entries[None, :])
    query, entry = np.nonzero(distance <= radius)
    return query, entry, distance[query, entry]


def concatenate(parts: list[Pairs]) -> Pairs:
    """Join lists of pairs end to end; without lists, return three empty arrays of these types."""
    query = [np.empty(0, np.int64), *(part[0] for part in parts)]
    entry = [np.empty(0, np.int64), *(part[1] for part in parts)]
    distance = [np.empty(0, np.uint8), *(part[2] for part in parts)]
    return np.concatenate(query), np.concatenate(entry), np.concatenate(distance)


def in_order(pairs: Pairs) -> Pairs:
    """Sort pairs by query, then by entry."""
    query, entry, distance = pairs
    order = np.lexsort((entry, query))
    return query[order], entry[order], distance[order]

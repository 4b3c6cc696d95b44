"""The reference of the fingerprint join: every query against every entry.

The index must give the same results. It is used for small joins.
"""

from __future__ import annotations

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
    parts = [
        (first + query, begin + entry, distance)
        for first in range(0, len(queries), _rows(len(entries)))
        for begin in range(0, len(entries), _CELLS)
        for query, entry, distance in [
            _block(
                entries[begin : begin + _CELLS],
                queries[first : first + _rows(len(entries))],
                radius,
            )
        ]
    ]
    return in_order(concatenate(parts))


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


def nearest(pairs: Pairs, limit: int) -> Pairs:
    """Keep the `limit` nearest entries of every query; ties go to the lower entry.

    The result is sorted by query, then by entry.
    """
    query, entry, distance = pairs
    order = np.lexsort((entry, distance, query))
    ranked = query[order]
    rank = np.arange(len(ranked)) - np.searchsorted(ranked, ranked)
    kept = order[rank < limit]
    return in_order((query[kept], entry[kept], distance[kept]))

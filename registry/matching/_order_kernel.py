"""Sorting of rows by parts of 64-bit keys, compiled by numba. Imported only when it is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from registry.compiling import compiled

_Keys = types.Array(types.uint64, 1, "C", readonly=True)
_Halves = types.Array(types.uint32, 1, "C")


@compiled(types.void(_Keys, types.uint64, types.uint64, _Halves, _Halves))
def into_buckets(keys: Any, shift: Any, last: Any, starts: Any, rows: Any) -> None:
    """Fill in the rows by bucket, those of one bucket in their order, and where each starts.

    The bucket of a key is `key >> shift & last`; `starts` has `last` + 2 zeros.
    """
    for row in range(len(keys)):
        starts[np.intp(keys[row] >> shift & last) + 1] += np.uint32(1)
    for bucket in range(len(starts) - 1):
        starts[bucket + 1] += starts[bucket]
    place = starts.copy()
    for row in range(len(keys)):
        own = np.intp(keys[row] >> shift & last)
        rows[place[own]] = row
        place[own] += np.uint32(1)


@compiled(types.void(_Keys, types.uint64, types.intp, _Halves, _Halves))
def sort_buckets(keys: Any, mask: Any, longest: Any, starts: Any, rows: Any) -> None:
    """Sort the rows within each bucket by some bits of their keys, but leave long ones."""
    for bucket in range(len(starts) - 1):
        start, end = np.intp(starts[bucket]), np.intp(starts[bucket + 1])
        if end - start > longest:
            continue
        for at in range(start + 1, end):
            row = rows[at]
            key = keys[row] & mask
            place = at
            while place > start and keys[rows[place - 1]] & mask > key:
                rows[place] = rows[place - 1]
                place -= 1
            rows[place] = row

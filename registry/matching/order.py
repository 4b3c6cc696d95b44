"""Orders of rows by their 64-bit keys, by buckets of equal bits. Pure.

Sorting into buckets takes a quarter of the time of a comparing sort, and half the memory.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Halves = npt.NDArray[np.uint32]

# Keys from which the compiled sort pays.
_COMPILED = 32_768
# Longer buckets are sorted by comparing.
_LONG = 64


def by_bits(keys: Keys, shift: int, bits: int) -> tuple[Halves, Halves]:
    """Return the rows by bucket, in their order within one, and where each bucket starts.

    The bucket of a key is its bits [shift, shift + bits). Shapes: (2**bits + 1,), (n,).
    """
    if len(keys) < _COMPILED:
        buckets = (keys >> np.uint64(shift) & np.uint64((1 << bits) - 1)).astype(np.int64)
        starts = np.zeros((1 << bits) + 1, np.uint32)
        np.cumsum(np.bincount(buckets, minlength=1 << bits), out=starts[1:])
        return starts, np.argsort(buckets, kind="stable").astype(np.uint32)
    from registry.matching._order_kernel import into_buckets

    starts, rows = np.zeros((1 << bits) + 1, np.uint32), np.empty(len(keys), np.uint32)
    into_buckets(_read_only(keys), np.uint64(shift), np.uint64((1 << bits) - 1), starts, rows)
    return starts, rows


def by_first_bits(keys: Keys, bits: int, mask: int) -> tuple[Halves, Halves]:
    """Return the same for the first bits of the keys, with the rows of a bucket in order.

    They are sorted by `key & mask`, then by row.
    """
    # All keys are in one bucket where no bit counts.
    starts, rows = by_bits(keys, min(64 - bits, 63), bits)
    last = np.uint64(mask)
    if len(keys) < _COMPILED:
        order = np.lexsort((rows, keys[rows] & last, _buckets(starts)))
        return starts, rows[order]
    from registry.matching._order_kernel import sort_buckets

    sort_buckets(_read_only(keys), last, _LONG, starts, rows)
    # Keys may be made to share a bucket on purpose.
    for bucket in np.flatnonzero(np.diff(starts) > _LONG).tolist():
        some = rows[starts[bucket] : starts[bucket + 1]]
        some[:] = some[np.argsort(keys[some] & last, kind="stable")]
    return starts, rows


def _buckets(starts: Halves) -> npt.NDArray[np.int64]:
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def _read_only(keys: Keys) -> Keys:
    view = np.ascontiguousarray(keys).view()
    view.flags.writeable = False
    return view

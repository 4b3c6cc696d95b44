"""The inner loop of the join of codes, compiled by numba. Imported only when it is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from registry.compiling import compiled
from registry.matching._key_kernel import prefetch

# How many queries ahead a directory, and then a bucket, is fetched into the cache.
_FAR, _NEAR = 24, 8

_M1 = np.uint64(0x5555555555555555)
_M2 = np.uint64(0x3333333333333333)
_M4 = np.uint64(0x0F0F0F0F0F0F0F0F)
_H1 = np.uint64(0x0101010101010101)
_S1, _S2, _S4, _S56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)

_Words = types.Array(types.uint64, 1, "C", readonly=True)
_Halves = types.Array(types.uint32, 1, "C", readonly=True)
_Numbers = types.Array(types.int64, 1, "C", readonly=True)
_State = types.Array(types.int64, 1, "C")
_Counts = types.Array(types.uint32, 1, "C")
_Distances = types.Array(types.uint8, 1, "C")


@compiled(inline="always")
def _count_bits(x: Any) -> Any:
    # LLVM compiles this to one POPCNT instruction.
    x = x - ((x >> _S1) & _M1)
    x = (x & _M2) + ((x >> _S2) & _M2)
    x = (x + (x >> _S4)) & _M4
    return np.int64((x * _H1) >> _S56)


@compiled(inline="always")
def _found_before(differing: Any, earlier: Any) -> Any:
    for i in range(0, len(earlier), 2):
        if _count_bits(differing & earlier[i]) <= np.int64(earlier[i + 1]):
            return True
    return False


@compiled(inline="always")
def _fetch_ahead(keys: Any, query: Any, last: Any, mask: Any, starts: Any, codes: Any) -> None:
    if query + _FAR < last:
        prefetch(starts, np.intp(keys[query + _FAR] ^ mask))
    if query + _NEAR < last:
        prefetch(codes, np.intp(starts[keys[query + _NEAR] ^ mask]))


# Queries; the table; the passes before; limits; what goes on and what comes out.
_SIGNATURE = types.int64(
    *(_Numbers, _Words, _Numbers),
    *(_Halves, _Words, _Halves),
    *(_Words, _Numbers),
    *(_State, _Counts, _Counts, _Counts, _Distances),
)


@compiled(_SIGNATURE)
def scan(
    keys: Any,
    codes: Any,
    masks: Any,
    starts: Any,
    entry_codes: Any,
    entry_rows: Any,
    earlier: Any,
    limits: Any,
    state: Any,
    found: Any,
    out_query: Any,
    out_row: Any,
    out_distance: Any,
) -> Any:
    """Look up queries under every mask; return how many pairs were written.

    `earlier` has the bits and the flips of each pass before this one.
    `limits` are first and last query, radius, and most pairs. Queries are sorted by key, so that
    each mask reads the buckets nearly in order. `state` (mask, query, slot) is the position to
    continue from: when the out arrays are full, it is set and the call returns, so that the
    caller can empty them and call again. A pair that an earlier pass has found already is left
    out. `found` counts the pairs of each query; one with more than the most is not looked up any
    further.
    """
    first, last, radius, most = limits[0], limits[1], limits[2], limits[3]
    used, resume = 0, state[2]
    for at in range(state[0], len(masks)):
        for query in range(state[1], last):
            _fetch_ahead(keys, query, last, masks[at], starts, entry_codes)
            bucket, code = keys[query] ^ masks[at], codes[query]
            end = np.int64(starts[bucket + 1]) if found[query] <= most else np.int64(0)
            for slot in range(max(np.int64(starts[bucket]), resume), end):
                differing = code ^ entry_codes[slot]
                if _count_bits(differing) > radius or _found_before(differing, earlier):
                    continue
                if used == len(out_query):
                    state[0], state[1], state[2] = at, query, slot
                    return used
                found[query] += np.uint32(1)
                if found[query] > most:
                    break
                out_query[used], out_row[used] = query, entry_rows[slot]
                out_distance[used] = _count_bits(differing)
                used += 1
            resume = 0
        state[1] = first
    state[0] = len(masks)
    return used

"""The inner loop of the index, compiled by numba. Imported only when it is needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from registry.compiling import compiled

_M1 = np.uint64(0x5555555555555555)
_M2 = np.uint64(0x3333333333333333)
_M4 = np.uint64(0x0F0F0F0F0F0F0F0F)
_H1 = np.uint64(0x0101010101010101)
_S1, _S2, _S4, _S56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)


def _count_bits(x: Any) -> Any:
    # LLVM compiles this to one POPCNT instruction.
    x = x - ((x >> _S1) & _M1)
    x = (x & _M2) + ((x >> _S2) & _M2)
    x = (x + (x >> _S4)) & _M4
    return np.int64((x * _H1) >> _S56)


count_bits = compiled(inline="always")(_count_bits)


def _found_before(differing: Any, earlier_bits: Any, earlier_flips: Any) -> Any:
    for i in range(len(earlier_bits)):
        if count_bits(differing & earlier_bits[i]) <= earlier_flips[i]:
            return True
    return False


found_before = compiled(inline="always")(_found_before)


def _scan(
    keys: Any,
    codes: Any,
    first: Any,
    last: Any,
    masks: Any,
    offsets: Any,
    entry_codes: Any,
    earlier_bits: Any,
    earlier_flips: Any,
    radius: Any,
    state: Any,
    out_query: Any,
    out_slot: Any,
    out_distance: Any,
) -> Any:
    """Look up queries [first, last) under every mask; return how many pairs were written.

    Queries are sorted by key, so that each mask reads the buckets nearly in order.
    `state` (mask, query, slot) is the position to continue from: when the out arrays are
    full, it is set and the call returns, so that the caller can empty them and call again.
    A pair that an earlier chunk has found already is left out.
    """
    used = 0
    resume = state[2]
    for at in range(state[0], len(masks)):
        for query in range(state[1], last):
            bucket = keys[query] ^ masks[at]
            for slot in range(max(offsets[bucket], resume), offsets[bucket + 1]):
                differing = codes[query] ^ entry_codes[slot]
                distance = count_bits(differing)
                if distance > radius or found_before(differing, earlier_bits, earlier_flips):
                    continue
                if used == len(out_query):
                    state[0], state[1], state[2] = at, query, slot
                    return used
                out_query[used] = query
                out_slot[used] = slot
                out_distance[used] = distance
                used += 1
            resume = 0
        state[1] = first
    state[0] = len(masks)
    return used


scan = compiled()(_scan)

"""The inner loop of the join of codes, compiled by numba. Imported only when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from registry.compiling import compiled

_intrinsic: Callable[[Callable[..., Any]], Callable[..., Any]] = intrinsic

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


@_intrinsic
def _near_eight(_: Any, codes: Any, at: Any, code: Any, radius: Any) -> Any:
    """Return bits for which of eight codes from a place on are within a radius of a code."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        eight = ir.VectorType(ir.IntType(64), 8)

        def all_eight(value: Any) -> Any:
            one = builder.insert_element(ir.Constant(eight, None), value, ir.IntType(32)(0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), 8), None)
            return builder.shuffle_vector(one, ir.Constant(eight, None), zeros)

        place = builder.gep(array.data, [args[1]])
        held = builder.load(builder.bitcast(place, eight.as_pointer()))
        held.align = 8
        differing = builder.xor(held, all_eight(args[2]))
        kind = ir.FunctionType(eight, [eight])
        name = "llvm.ctpop.v8i64"
        count = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        bits = builder.call(count, [differing])
        near = builder.icmp_unsigned("<=", bits, all_eight(args[3]))
        return builder.zext(builder.bitcast(near, ir.IntType(8)), ir.IntType(64))

    return types.uint64(codes, types.intp, types.uint64, types.uint64), generate


@compiled(inline="always")
def _lowest(bits: Any) -> Any:
    return _count_bits((bits - _S1) & ~bits)


@compiled(inline="always")
def _between(bits: Any, first: Any, last: Any) -> Any:
    """Return the bits from `first` on and before `last`, which are at most eight."""
    shift = np.uint64(first)
    return ((bits >> shift) << shift) & ((_S1 << np.uint64(last)) - _S1)


@compiled(inline="always")
def _found_before(differing: Any, earlier: Any) -> Any:
    for i in range(0, len(earlier), 2):
        if _count_bits(differing & earlier[i]) <= np.int64(earlier[i + 1]):
            return True
    return False


@compiled()
def _write(
    query: Any,
    code: Any,
    first: Any,
    near: Any,
    entry_codes: Any,
    entry_rows: Any,
    earlier: Any,
    limits: Any,
    found: Any,
    out_query: Any,
    out_row: Any,
    out_distance: Any,
    used: Any,
) -> Any:
    """Write the pairs of a query with the slots from `first` on that the bits of `near` name.

    Returns the bits that are left when the out arrays are full, and how many pairs are written.
    """
    while near and found[query] <= limits[3]:
        slot = first + _lowest(near)
        differing = code ^ entry_codes[slot]
        if _found_before(differing, earlier):
            near &= near - _S1
            continue
        if used == len(out_query):
            return near, used
        near &= near - _S1
        found[query] += np.uint32(1)
        if found[query] <= limits[3]:
            out_query[used], out_row[used] = query, entry_rows[slot]
            out_distance[used] = _count_bits(differing)
            used += 1
    return np.uint64(0), used


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
    used, resume = 0, state[2]
    radius, eight_before = np.uint64(limits[2]), len(entry_codes) - 8
    for at in range(state[0], len(masks)):
        for query in range(state[1], limits[1]):
            bucket, code = keys[query] ^ masks[at], codes[query]
            end = np.int64(starts[bucket + 1]) if found[query] <= limits[3] else np.int64(0)
            begin = max(np.int64(starts[bucket]), resume)
            resume = np.int64(0)
            # Always eight: a loop of unknown length costs more. Those outside the bucket are cut.
            while begin < end:
                first = min(begin, eight_before)
                near = _near_eight(entry_codes, first, code, radius)
                if near:
                    near = _between(near, begin - first, min(end - first, 8))
                    near, used = _write(
                        *(query, code, first, near, entry_codes, entry_rows, earlier, limits),
                        *(found, out_query, out_row, out_distance, used),
                    )
                    if near:
                        state[0], state[1], state[2] = at, query, first + _lowest(near)
                        return used
                begin += 8
        state[1] = limits[0]
    state[0] = len(masks)
    return used

"""The search in a table of keys, compiled by numba. Imported only when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from registry.compiling import compiled

# Keys looked up at a time: their buckets are fetched into the cache together.
_BLOCK = 512
# Longer buckets are searched by halves.
_LONG = 16

_intrinsic: Callable[[Callable[..., Any]], Callable[..., Any]] = intrinsic
_Words = types.Array(types.uint64, 1, "C", readonly=True)
_Halves = types.Array(types.uint32, 1, "C", readonly=True)
_Numbers = types.Array(types.int64, 1, "C")
_Known = types.Array(types.int32, 1, "C", readonly=True)
_Found = types.Array(types.int32, 1, "C")


@_intrinsic
def prefetch(_: Any, array: Any, at: Any) -> Any:
    """Ask for the element of an array to be brought into the cache."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = context.make_array(signature.args[0])(context, builder, args[0])
        place = builder.bitcast(builder.gep(values.data, [args[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), number, number, number])
        call = builder.module.declare_intrinsic("llvm.prefetch", [ir.IntType(8).as_pointer()], kind)
        # For reading, to be kept in all caches, data.
        builder.call(call, [place, *(ir.Constant(number, value) for value in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@compiled(types.void(_Words, _Halves, _Halves, types.uint64, _Numbers))
def _find(hashes: Any, starts: Any, marks: Any, shift: Any, numbers: Any) -> None:
    for first in range(0, len(hashes), _BLOCK):
        last = min(first + _BLOCK, len(hashes))
        for at in range(first, last):
            prefetch(starts, np.intp(hashes[at] >> shift))
        for at in range(first, last):
            prefetch(marks, np.intp(starts[np.intp(hashes[at] >> shift)]))
        for at in range(first, last):
            bucket = np.intp(hashes[at] >> shift)
            mark = np.uint32(hashes[at] & np.uint64(0xFFFFFFFF))
            low, end = np.intp(starts[bucket]), np.intp(starts[bucket + 1])
            high = end
            while high - low > _LONG:
                middle = (low + high) // 2
                if marks[middle] < mark:
                    low = middle + 1
                else:
                    high = middle
            while low < end and marks[low] < mark:
                low += 1
            numbers[at] = low if low < end and marks[low] == mark else -1


def first_numbers(
    hashes: NDArray[np.uint64], starts: NDArray[np.uint32], marks: NDArray[np.uint32]
) -> NDArray[np.int64]:
    """Return for each hash the first number with its first and last bits, or -1.

    The directory has two buckets or more.
    """
    numbers = np.full(len(hashes), -1, np.int64)
    if len(marks):
        bits = (len(starts) - 1).bit_length() - 1
        _find(*map(_read_only, (hashes, starts, marks)), np.uint64(64 - bits), numbers)
    return numbers


@compiled(types.void(_Words, _Words, _Known, _Found))
def _recall(hashes: Any, held: Any, known: Any, numbers: Any) -> None:
    last = np.uint64(len(held) - 1)
    for first in range(0, len(hashes), _BLOCK):
        end = min(first + _BLOCK, len(hashes))
        for at in range(first, end):
            prefetch(held, np.intp(hashes[at] & last))
        for at in range(first, end):
            place = np.intp(hashes[at] & last)
            numbers[at] = known[place] if held[place] == hashes[at] else -1


def recall(
    hashes: NDArray[np.uint64], held: NDArray[np.uint64], known: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return for each hash the number known in its place, or -1 if another is there.

    There is a place for each value of the last bits.
    """
    numbers = np.empty(len(hashes), np.int32)
    _recall(*map(_read_only, (hashes, held, known)), numbers)
    return numbers


def _read_only(array: Any) -> Any:
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view

"""`hash64` of texts, compiled by numba. Imported only when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from registry.compiling import compiled
from registry.urls.key_hash import PI_1, PI_2, PI_3

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_intrinsic: Callable[[Callable[..., Any]], Callable[..., Any]] = intrinsic
_P1, _P2, _P3 = np.uint64(PI_1), np.uint64(PI_2), np.uint64(PI_3)
# Bytes and offsets of an Arrow column, which are only read.
Bytes = types.Array(types.uint8, 1, "C", readonly=True)
Offsets = types.Array(types.int32, 1, "C", readonly=True)
Hashes = types.Array(types.uint64, 1, "C")
Flags = types.Array(types.boolean, 1, "C")
_DOT = np.uint8(ord("."))


@_intrinsic
def load64(_: Any, data: Any, at: Any) -> Any:
    """Return the eight bytes at a place of an array as a little-endian number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        place = builder.gep(array.data, [args[1]])
        word = builder.load(builder.bitcast(place, ir.IntType(64).as_pointer()))
        word.align = 1
        return word

    return types.uint64(data, types.intp), generate


@_intrinsic
def fold(_: Any, one: Any, other: Any) -> Any:
    """Return the xor of the halves of a product of 128 bits."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        high = builder.lshr(product, ir.Constant(wide, 64))
        word = ir.IntType(64)
        return builder.xor(builder.trunc(product, word), builder.trunc(high, word))

    return types.uint64(types.uint64, types.uint64), generate


@compiled(inline="always")
def _low_bytes(size: Any) -> Any:
    """Return a mask of so many bytes, at most eight."""
    return ~np.uint64(0) >> np.uint64(8 * (8 - size)) if size else np.uint64(0)


@compiled(inline="always")
def hash_range(data: Any, start: Any, end: Any) -> Any:
    """Return `hash64` of a range of bytes."""
    size = end - start
    state = _P1
    if size < 16 and start + 16 <= len(data):
        first, second = load64(data, start), load64(data, start + 8)
        if size <= 8:
            first &= _low_bytes(size)
            second = np.uint64(0)
        else:
            second &= _low_bytes(size - 8)
    elif size < 16:
        first, second = np.uint64(0), np.uint64(0)
        for at in range(min(size, 8)):
            first |= np.uint64(data[start + at]) << np.uint64(8 * at)
        for at in range(8, size):
            second |= np.uint64(data[start + at]) << np.uint64(8 * (at - 8))
    else:
        at = start
        while at + 16 < end:
            state = fold(load64(data, at) ^ _P2, load64(data, at + 8) ^ state)
            at += 16
        first, second = load64(data, end - 16), load64(data, end - 8)
    return fold(_P3 ^ np.uint64(size), fold(first ^ _P2, second ^ state))


@compiled(types.void(Bytes, Offsets, types.intp, Hashes))
def _hash_all(data: Any, offsets: Any, first: Any, hashes: Any) -> None:
    for row in range(len(hashes)):
        start, end = np.intp(offsets[first + row]), np.intp(offsets[first + row + 1])
        hashes[row] = hash_range(data, start, end)


def hash_texts(texts: pa.StringArray) -> NDArray[np.uint64]:
    """Return `hash64` of each text of a column of strings without nulls."""
    hashes = np.empty(len(texts), np.uint64)
    _hash_all(*buffers(texts), texts.offset, hashes)
    return hashes


@compiled(types.void(Bytes, Offsets, types.intp, Hashes, Flags))
def _find_ends(data: Any, offsets: Any, first: Any, members: Any, found: Any) -> None:
    for row in range(len(found)):
        start, end = np.intp(offsets[first + row]), np.intp(offsets[first + row + 1])
        found[row] = False
        for at in range(start, end):
            if data[at] != _DOT:
                continue
            wanted = hash_range(data, at + 1, end)
            place = np.searchsorted(members, wanted)
            if place < len(members) and members[place] == wanted:
                found[row] = True
                break


def ends_among(texts: pa.StringArray, members: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return whether what follows a dot of a text has one of these hashes, which ascend."""
    found = np.empty(len(texts), bool)
    _find_ends(*buffers(texts), texts.offset, members, found)
    return found


def buffers(text: pa.StringArray) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return the bytes and the offsets of a column of strings as arrays that are only read."""
    _, offsets, data = text.buffers()
    # Without any text there is no buffer.
    content = np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8)
    places = np.frombuffer(offsets, np.int32) if offsets else np.zeros(1, np.int32)
    content.flags.writeable = places.flags.writeable = False
    return content, places

"""Classes of thirty-two bytes of a URL at a time, by vector instructions, compiled by numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WIDTH = 32
_intrinsic: Callable[[Callable[..., Any]], Callable[..., Any]] = intrinsic
_BYTES = ir.VectorType(ir.IntType(8), WIDTH)


def _load(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Return the bytes of an array from a place on."""
    place = builder.gep(context.make_array(kind)(context, builder, array).data, [at])
    held = builder.load(builder.bitcast(place, _BYTES.as_pointer()))
    held.align = 1
    return held


def _all(byte: int) -> Any:
    return ir.Constant(_BYTES, [byte] * WIDTH)


def _is_from(builder: Any, held: Any, first: str, last: str) -> Any:
    """Return which bytes are between two characters."""
    above = builder.sub(held, _all(ord(first)))
    return builder.icmp_unsigned("<=", above, _all(ord(last) - ord(first)))


def _is_in(builder: Any, held: Any, ranges: tuple[str, ...]) -> Any:
    """Return which bytes are in any of some ranges, each given by its first and last character."""
    found = _is_from(builder, held, ranges[0][0], ranges[0][-1])
    for both in ranges[1:]:
        found = builder.or_(found, _is_from(builder, held, both[0], both[-1]))
    return found


def _bits(builder: Any, flags: Any) -> Any:
    return builder.zext(builder.bitcast(flags, ir.IntType(WIDTH)), ir.IntType(64))


def _window(*ranges: str) -> Any:
    """Return a function (bytes, place) -> bits for which of the bytes from there on are in ranges.

    The first byte is the lowest bit. There are as many bytes as WIDTH.
    """

    def typing(_: Any, data: Any, at: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            held = _load(context, builder, signature.args[0], *args)
            return _bits(builder, _is_in(builder, held, ranges))

        return types.uint64(data, types.intp), generate

    return _intrinsic(typing)


# The characters of a path that are normal and have no meaning for a key.
plain_bits = _window("az", "AZ", "-9", "__", "~~", "!!", "$$", "(,", ";;", "==", "@@")
host_bits = _window("az", "09", "--", "__")
dot_bits = _window("..")
slash_bits = _window("//")


@_intrinsic
def lowest(_: Any, bits: Any) -> Any:
    """Return the place of the lowest bit, from 0 on; there is one."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@_intrinsic
def bits_used(_: Any, bits: Any) -> Any:
    """Return one more than the place of the highest bit; 0 without any."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        unused = builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))
        return builder.sub(ir.Constant(ir.IntType(64), 64), unused)

    return types.int64(types.uint64), generate

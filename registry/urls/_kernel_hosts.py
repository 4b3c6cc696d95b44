"""Hosts of the URLs of a column, compiled by numba: where they are, and whether they may matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from registry.compiling import compiled
from registry.urls._kernel_bytes import IN_HOST
from registry.urls._kernel_hash import Bytes, Flags, Offsets, buffers, hash_range, load64
from registry.urls._kernel_vectors import (
    WIDTH,
    bits_used,
    dot_bits,
    host_bits,
    lowest,
    slash_bits,
)

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_NONE, _ONE = np.uint64(0), np.uint64(1)
_Words = types.Array(types.uint64, 1, "C", readonly=True)
_Known = types.Array(types.boolean, 1, "C", readonly=True)


@compiled(inline="always")
def key_start(data: Any, start: Any, end: Any) -> Any:
    """Return where the two slashes after a lower-case scheme are, or -1."""
    if end - start < 9:
        return -1
    # "http" as a number, and the rest byte by byte.
    if load64(data, start) & np.uint64(0xFFFFFFFF) != np.uint64(0x70747468):
        return -1
    at = start + 4
    if data[at] == 115:
        at += 1
    if data[at] == 58 and data[at + 1] == 47 and data[at + 2] == 47:
        return at + 1
    return -1


@compiled(inline="always")
def plain_host_end(data: Any, at: Any, end: Any) -> Any:
    """Return the end of a normal host name without a port that a slash follows, or -1."""
    slashes = slash_bits(data, at) if at + WIDTH <= len(data) else _NONE
    if not slashes:
        return _long_host_end(data, at, end)
    size = lowest(slashes)
    if size == 0 or at + size >= end:
        return -1
    name = (_ONE << np.uint64(size)) - _ONE
    dots = dot_bits(data, at) & name
    starts = (dots << _ONE) | _ONE
    if (host_bits(data, at) | dots) & name != name or dots & starts or starts > name:
        return -1
    return -1 if 48 <= data[at + bits_used(starts) - 1] <= 57 else at + size


@compiled()
def _long_host_end(data: Any, at: Any, end: Any) -> Any:
    """Return the same byte by byte, for any length and near the end of the data."""
    label = at
    while at < end:
        byte = data[at]
        if byte in (47, 46):
            if at == label:
                return -1
            if byte == 47:
                return -1 if 48 <= data[label] <= 57 else at
            label = at + 1
        elif not IN_HOST[byte]:
            return -1
        at += 1
    return -1


@compiled(inline="always")
def _is_in(filter_: Any, wanted: Any) -> Any:
    """Return whether the bit of a hash is set; there are 2**n bits."""
    last = np.uint64(64 * len(filter_) - 1)
    place = wanted & last
    return filter_[np.intp(place >> np.uint64(6))] >> (place & np.uint64(63)) & _ONE


@compiled(inline="always")
def _has_wider(data: Any, start: Any, end: Any, wider: Any) -> Any:
    """Return whether the host of a plain URL has a wider one in a filter."""
    host = start + (8 if data[start + 4] == 115 else 7)
    slashes = slash_bits(data, host) if host + WIDTH <= len(data) else _NONE
    if not slashes:
        return _long_has_wider(data, host, end, wider)
    size = lowest(slashes)
    dots = dot_bits(data, host) & ((_ONE << np.uint64(size)) - _ONE)
    while dots:
        if _is_in(wider, hash_range(data, host + lowest(dots) + 1, host + size)):
            return True
        dots &= dots - _ONE
    return False


@compiled()
def _long_has_wider(data: Any, host: Any, end: Any, wider: Any) -> Any:
    """Return the same byte by byte, for any length and near the end of the data."""
    host_end = _long_host_end(data, host, end)
    for at in range(host, host_end):
        if data[at] == 46 and _is_in(wider, hash_range(data, at + 1, host_end)):
            return True
    return False


@compiled(types.void(Bytes, Offsets, types.intp, _Words, _Known, _Known, _Words, _Words, Flags))
def _select(
    data: Any,
    offsets: Any,
    first: Any,
    hashes: Any,
    has: Any,
    plain: Any,
    hosts: Any,
    wider: Any,
    found: Any,
) -> None:
    for row in range(len(found)):
        if not has[row] or _is_in(hosts, hashes[row]):
            found[row] = has[row]
        elif len(wider) == 0 or not plain[row]:
            found[row] = len(wider) > 0
        else:
            start, end = np.intp(offsets[first + row]), np.intp(offsets[first + row + 1])
            found[row] = _has_wider(data, start, end, wider)


def select(
    text: pa.StringArray,
    hashes: NDArray[np.uint64],
    has: NDArray[np.bool_],
    plain: NDArray[np.bool_],
    hosts: NDArray[np.uint64],
    wider: NDArray[np.uint64],
) -> NDArray[np.bool_]:
    """Return a mask of the rows whose host passes the filter `hosts`, or a wider one `wider`.

    `hashes` are those of hosts. An empty filter `wider` passes none; for URLs that are not plain
    it is not asked otherwise, and they pass.
    """
    found = np.empty(len(text), bool)
    arrays = [np.ascontiguousarray(array).view() for array in (hashes, has, plain, hosts, wider)]
    for array in arrays:
        array.flags.writeable = False
    _select(*buffers(text), text.offset, *arrays, found)
    return found

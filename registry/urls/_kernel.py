"""The hashes of the URL keys of whole columns and of their hosts, compiled by numba.

Most URLs are plain: their key is their text without the scheme, and is hashed in place.
Imported only when a column is long enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from registry.compiling import compiled
from registry.urls._kernel_bytes import (
    AMPERSAND,
    BAD,
    CLASSES,
    COLON,
    DOT,
    HEX,
    PERCENT,
    QUESTION,
    QUOTE,
    UNRESERVED,
    USUAL_END,
    ends_high,
    is_amp,
    is_tracking,
)
from registry.urls._kernel_hash import Bytes, Hashes, Offsets, buffers, hash_range
from registry.urls._kernel_hosts import key_start, plain_host_end
from registry.urls._kernel_rewrite import LONGEST, rewrite
from registry.urls._kernel_vectors import (
    WIDTH,
    dot_bits,
    lowest,
    plain_bits,
    slash_bits,
)

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

# What became of a row: no text; a plain URL; brought to normal form here; left to `url_key`.
# ODD is added to the first two if something else may be around or in the URL.
NULL, PLAIN, REWRITTEN, LEFT, ODD = 0, 1, 2, 3, 16
_NONE, _ONE = np.uint64(0), np.uint64(1)
_States = types.Array(types.uint8, 1, "C")


@compiled()
def _escapes(data: Any, start: Any, end: Any) -> Any:
    """Return 0 if an escape in a range is not normal, else 1, with ODD added for some."""
    result = 1
    for at in range(start, end):
        if data[at] != 37:
            continue
        if at + 2 >= end or data[at + 1] > 96 or data[at + 2] > 96:
            return 0
        high, low = HEX[data[at + 1]], HEX[data[at + 2]]
        if high > 15 or low > 15 or UNRESERVED[high * 16 + low]:
            return 0
        # A colon, or the end: another URL, or the end of a quotation.
        if at + 3 == end or (high == 3 and low == 10):
            result = 1 + ODD
    return result


@compiled()
def _parameters_are_normal(data: Any, start: Any, end: Any) -> Any:
    """Return whether a path with its query has a normal end and normal parameters."""
    query = start
    while query < end and data[query] != 63:
        if data[query] == 38 and is_amp(data, query + 1, end):
            return False
        query += 1
    if ends_high(data, start, query):
        return False
    first = query + 1
    for at in range(first, end + 1):
        if at < end and data[at] == 39:
            return False
        if at == end or data[at] == 38:
            is_empty = at == first
            if is_empty or ends_high(data, first, at) or is_tracking(data, first, at):
                return False
            if is_amp(data, at + 1, end):
                return False
            first = at + 1
    return True


@compiled(inline="always")
def _plain_end(data: Any, at: Any, end: Any) -> Any:
    """Return the end of the part of a path, from a slash on, that is plain; -1 for `/.` in it."""
    after_slash = _NONE
    while at < end and at + WIDTH <= len(data):
        size = min(end - at, WIDTH)
        inside = (_ONE << np.uint64(size)) - _ONE
        others = ~plain_bits(data, at) & inside
        slashes = slash_bits(data, at)
        dots = dot_bits(data, at) & ((slashes << _ONE) | after_slash) & inside
        if others:
            first = lowest(others)
            return at + first if not dots or lowest(dots) > first else -1
        if dots:
            return -1
        after_slash = slashes >> np.uint64(WIDTH - 1)
        at += size
    return at


@compiled(inline="always")
def _plain(data: Any, host_end: Any, end: Any) -> Any:
    """Return 0 for a URL that is not plain, else 1, with ODD added."""
    first = _plain_end(data, host_end, end)
    if first < 0:
        return 0
    if first == end:
        return 1 if USUAL_END[data[end - 1]] else 1 + ODD
    return _plain_rest(data, first, end)


@compiled()
def _plain_rest(data: Any, first: Any, end: Any) -> Any:
    """Return the same for a URL that is plain before `first`, byte by byte."""
    seen = np.uint8(0)
    dots = np.uint8(0)
    before = CLASSES[data[first - 1]]
    for at in range(first, end):
        kind = CLASSES[data[at]]
        seen |= kind
        dots |= kind & (before >> np.uint8(3))
        before = kind
    if seen & np.uint8(BAD) or dots & np.uint8(DOT):
        return 0
    odd = ODD if seen & np.uint8(QUOTE | COLON) or not USUAL_END[data[end - 1]] else 0
    if seen & np.uint8(PERCENT | QUESTION | AMPERSAND):
        if not _parameters_are_normal(data, first, end):
            return 0
        escapes = _escapes(data, first, end) if seen & np.uint8(PERCENT) else 1
        return 0 if escapes == 0 else escapes | odd
    return 1 | odd


@compiled(
    types.void(
        *(Bytes, Offsets, types.intp, types.intp),
        *(Hashes, Hashes, _States),
    )
)
def hash_keys(
    data: Any, offsets: Any, first: Any, rows: Any, keys: Any, hosts: Any, state: Any
) -> None:
    """Fill in the hash of the key and of the host of each row, and what became of it.

    `offsets` are those of the Arrow column from row `first` on. Rows whose state is NULL are
    left out.
    """
    out = np.empty(3 * LONGEST + 16, np.uint8)
    query = np.empty(3 * LONGEST + 16, np.uint8)
    for row in range(rows):
        if state[row] == NULL:
            continue
        start, end = np.intp(offsets[first + row]), np.intp(offsets[first + row + 1])
        key = key_start(data, start, end)
        if key >= 0:
            host_end = plain_host_end(data, key + 2, end)
            if host_end >= 0:
                plain = _plain(data, host_end, end)
                if plain:
                    keys[row] = hash_range(data, key, end)
                    hosts[row] = hash_range(data, key + 2, host_end)
                    state[row] = plain
                    continue
        size, host_end = rewrite(data, start, end, out, query)
        if size < 0:
            state[row] = LEFT
            continue
        keys[row] = hash_range(out, 0, size)
        hosts[row] = hash_range(out, 2, host_end)
        state[row] = REWRITTEN | ODD


def hash_column(
    text: pa.StringArray,
    keys: NDArray[np.uint64],
    hosts: NDArray[np.uint64],
    state: NDArray[np.uint8],
) -> None:
    """Fill in the hashes of a column of strings as `hash_keys` does; `state` is 0 for nulls."""
    hash_keys(*buffers(text), text.offset, len(text), keys, hosts, state)

"""Arrow columns of a table as NumPy arrays. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]
# Bytes; longer values are left to the row code.
LONGEST_VALUE = 1 << 20
# Of printable ASCII: the first character, and how many follow it.
_FIRST, _MORE = 0x20, 0x5E
# What `str.strip` removes and control characters; the database has a form of its own of U+10FFFF.
_NO_EDGE = (
    r"\x{0}-\x{20}\x{7f}-\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
    r"\x{10ffff}"
)
_NOT_INSIDE = r"\x{0}-\x{1f}\x{7f}-\x{9f}\x{10ffff}"
_CLEAN = f"^[^{_NO_EDGE}](?:[^{_NOT_INSIDE}]*[^{_NO_EDGE}])?$"


class Parsed(NamedTuple):
    """A column: the rows for which `values` is certain; a row without a value is null."""

    certain: Mask
    values: pa.Array


def not_null(array: pa.Array) -> Mask:
    """Return which rows have a value."""
    return mask_of(array.is_valid())


def mask_of(booleans: pa.Array) -> Mask:
    """Return an Arrow array of booleans without nulls."""
    mask: Mask = booleans.to_numpy(zero_copy_only=False)
    return mask


def kept(array: pa.Array, mask: Mask) -> pa.Array:
    """Return the array, with nulls where the mask is false."""
    return array if mask.all() else pc.if_else(pa.array(mask), array, pa.scalar(None, array.type))


def without_values(array: pa.Array) -> Parsed:
    """Return a column of which only the rows without a value are certain."""
    return Parsed(~not_null(array), pa.nulls(len(array), pa.string()))


def matches(texts: pa.Array, pattern: str) -> Mask:
    """Return which texts match a regular expression; null does not."""
    return mask_of(pc.fill_null(pc.match_substring_regex(texts, pattern), False))


def as_text(array: pa.Array) -> pa.Array | None:
    """Return a column of text or bytes as text without a check of its bytes; else None."""
    kind = array.type
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        kind = pa.string() if pa.types.is_large_string(kind) else pa.binary()
        array = array.cast(kind, safe=False)
    if pa.types.is_binary(kind):
        return array.view(pa.string())
    return array if pa.types.is_string(kind) else None


class Bytes(NamedTuple):
    """The bytes of a text column: all of them, and where each row begins; one place more than rows.

    `blank` are the rows that are null or empty.
    """

    data: npt.NDArray[np.uint8]
    places: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    blank: Mask


def bytes_of(texts: pa.Array) -> Bytes:
    """Return the bytes of an array of strings or of variable binary."""
    _, offsets, data = texts.buffers()
    places = np.frombuffer(offsets, np.int32)[texts.offset :][: len(texts) + 1].astype(np.int64)
    every = np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8)
    sizes = np.diff(places)
    blank = sizes == 0
    if texts.null_count:
        blank |= ~not_null(texts)
    return Bytes(every, places, sizes, blank)


def printable(view: Bytes) -> Mask:
    """Return which rows are printable ASCII without a space at an end, and not too long."""
    data, places, sizes, blank = view
    good = sizes <= LONGEST_VALUE
    within = data[places[0] : places[-1]]
    odd = (within - np.uint8(_FIRST)) > _MORE
    if odd.any():
        at = np.flatnonzero(odd) + places[0]
        good[np.searchsorted(places, at, side="right") - 1] = False
    filled = np.flatnonzero(~blank)
    for edge in (data[places[filled]], data[places[filled + 1] - 1]):
        good[filled[edge == _FIRST]] = False
    return good


def clean(texts: pa.Array, view: Bytes) -> Mask:
    """Return which rows are text without control characters and without spaces at an end."""
    good = printable(view)
    within = view.data[view.places[0] : view.places[-1]]
    if not good.all() and (within >= 0x80).any() and is_utf8(within.data):
        good |= matches(texts, _CLEAN) & (view.sizes <= LONGEST_VALUE)
    return good


def is_utf8(data: memoryview) -> bool:
    """Return whether bytes are UTF-8."""
    try:
        str(data, "utf-8")
    except UnicodeDecodeError:
        return False
    return True


def fixed(rows: npt.NDArray[np.uint8], valid: Mask) -> pa.Array:
    """Return a matrix of bytes as fixed-size binary, a value each row; null where not valid."""
    count, size = rows.shape
    buffers: list[Any] = [None, pa.py_buffer(np.ascontiguousarray(rows))]
    array = pa.Array.from_buffers(pa.binary(size), count, buffers)
    return kept(array, valid)


def matrix(view: Bytes, rows: Mask, size: int) -> npt.NDArray[np.uint8]:
    """Return the bytes of these rows, which all have this size."""
    data, places, _, _ = view
    if rows.all():
        return data[places[0] : places[-1]].reshape(len(rows), size)
    taken: npt.NDArray[np.uint8] = data[places[:-1][rows][:, None] + np.arange(size)]
    return taken

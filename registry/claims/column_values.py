"""The values of whole columns of a table, as `claim_from_row` parses them one by one. Pure.

A parser takes an Arrow array and returns the rows whose value is certain, with these values.
Of all spellings it knows the ordinary ones only; a row that it is not certain of is left to
`claim_from_row`, which decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from registry.claims.column_moments import parsed_moments
from registry.claims.column_views import (
    LONGEST_VALUE,
    Bytes,
    Mask,
    Parsed,
    as_text,
    bytes_of,
    clean,
    fixed,
    kept,
    matches,
    matrix,
    not_null,
    printable,
    without_values,
)
from registry.claims.rows import MOST_PIXELS_A_SIDE
from registry.model import HASH_BYTES, Meaning, Use

Parser = Callable[[pa.Array], Parsed]

_LABEL = "[a-z0-9_-]"
# A name that is no IPv4 address, and a port that is no default one.
_NAME = rf"(?:{_LABEL}+\.)*[a-z_-]{_LABEL}*"
# Printable ASCII that ends neither in a space nor in a quotation mark.
_URL = rf"^https?://{_NAME}(?:[/?#](?:[ -~]*[!#-~])?)?$"
_SITE = rf"^(?:{_LABEL}{{1,63}}\.)*[a-z_-]{_LABEL}{{0,62}}$"
_LONGEST_SITE = 253
_SIDE = r"^[1-9][0-9]{0,8}$"
_NO_DIGIT = 0xFF
_DIGITS = np.full(256, _NO_DIGIT, np.uint8)
for _value, _pair in enumerate(zip(b"0123456789abcdef", b"0123456789ABCDEF", strict=True)):
    _DIGITS[list(_pair)] = _value
# `bytes.strip` removes them: bytes that are nothing else count as no value.
_IS_BLANK = np.zeros(256, np.bool_)
_IS_BLANK[list(b" \t\n\r\x0b\x0c")] = True


def parsed(column: str, array: pa.Array) -> Parsed:
    """Return the values of a known column of a table."""
    if array.null_count == len(array):
        return Parsed(np.ones(len(array), np.bool_), pa.nulls(len(array), pa.string()))
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return _PARSERS[column](array)


def _texts(array: pa.Array, good: Callable[[pa.Array, Bytes], Mask]) -> Parsed:
    """Return a column of text in which `good` is true of the values that are certain."""
    texts = as_text(array)
    if texts is None:
        return without_values(array)
    view = bytes_of(texts)
    certain = good(texts, view) | view.blank
    return Parsed(certain, kept(texts, certain & ~view.blank))


def _lines(array: pa.Array) -> Parsed:
    return _texts(array, clean)


def _urls(array: pa.Array) -> Parsed:
    def good(texts: pa.Array, view: Bytes) -> Mask:
        return matches(texts, _URL) & (view.sizes <= LONGEST_VALUE)

    return _texts(array, good)


def _sites(array: pa.Array) -> Parsed:
    def good(texts: pa.Array, view: Bytes) -> Mask:
        return matches(texts, _SITE) & (view.sizes <= _LONGEST_SITE)

    return _texts(array, good)


def _path_patterns(array: pa.Array) -> Parsed:
    return _texts(array, lambda texts, view: printable(view) & matches(texts, "^[/*]"))


def _one_of(*allowed: str) -> Parser:
    def good(texts: pa.Array, _: Bytes) -> Mask:
        return matches(texts, f"^(?:{'|'.join(allowed)})$")

    return lambda array: _texts(array, good)


def _sides(array: pa.Array) -> Parsed:
    """Return numbers of pixels: text, integers, or floats that are whole; NaN is no value."""
    kind = array.type
    if pa.types.is_integer(kind):
        numbers = pc.fill_null(array, 0).to_numpy()
        blank = ~not_null(array)
    elif pa.types.is_float32(kind) or pa.types.is_float64(kind):
        numbers = pc.fill_null(array.cast(pa.float64()), float("nan")).to_numpy()
        blank = np.isnan(numbers)
    else:
        return _sides_in_text(array)
    with np.errstate(invalid="ignore"):
        whole = (numbers >= 1) & (numbers <= MOST_PIXELS_A_SIDE) & (numbers == np.floor(numbers))
    values = np.where(whole, numbers, 1).astype(np.int32)
    return Parsed(whole | blank, kept(pa.array(values), whole))


def _sides_in_text(array: pa.Array) -> Parsed:
    if pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        return without_values(array)
    certain, values = _texts(array, lambda texts, _: matches(texts, _SIDE))
    return Parsed(certain, values.cast(pa.int32()))


def _hashes(size: int, may_be_flat: bool) -> Parser:
    """Return the parser of hashes of `size` bytes; flat ones are not certain if there are any."""

    def parse(array: pa.Array) -> Parsed:
        kind = array.type
        if pa.types.is_fixed_size_binary(kind):
            array = array.cast(pa.binary())
        elif pa.types.is_large_binary(kind):
            array = array.cast(pa.binary(), safe=False)
        texts = as_text(array)
        if texts is None:
            return without_values(array)
        view = bytes_of(texts)
        of_bytes = pa.types.is_binary(array.type)
        right = ~view.blank & (view.sizes == (size if of_bytes else 2 * size))
        found = matrix(view, right, size if of_bytes else 2 * size)
        codes, good = (found, _filled(found)) if of_bytes else _codes(found)
        if may_be_flat:
            good &= ~_flat(codes)
        return _spread(codes, good, right, view.blank)

    return parse


def _filled(codes: npt.NDArray[np.uint8]) -> Mask:
    """Return which rows of bytes are a value."""
    filled: Mask = np.logical_not(_IS_BLANK[codes].all(axis=1))
    return filled


def _codes(digits: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], Mask]:
    """Return the bytes that rows of hex digits are, and which rows are digits alone."""
    values = _DIGITS[digits]
    good = ~(values == _NO_DIGIT).any(axis=1)
    return (values[:, ::2] << np.uint8(4)) | (values[:, 1::2] & np.uint8(0xF)), good


def _flat(codes: npt.NDArray[np.uint8]) -> Mask:
    """Return for which hashes `is_flat` is true: no bit, the first alone, or all."""
    none_after = ~codes[:, 1:].any(axis=1)
    flat: Mask = (none_after & np.isin(codes[:, 0], (0, 0x80))) | (codes == 0xFF).all(axis=1)
    return flat


def _spread(codes: npt.NDArray[np.uint8], good: Mask, rows: Mask, blank: Mask) -> Parsed:
    """Return the codes of some rows as a column of all rows."""
    if rows.all():
        return Parsed(good, fixed(codes, good))
    every = np.zeros((len(rows), codes.shape[1]), np.uint8)
    every[rows] = codes
    certain = rows.copy()
    certain[rows] = good
    return Parsed(certain | blank, fixed(every, certain))


_PARSERS: Mapping[str, Parser] = {
    **{name: _hashes(size, name.startswith("phash")) for name, size in HASH_BYTES.items()},
    **dict.fromkeys(("url", "page_url", "licence_url"), _urls),
    **dict.fromkeys(("width", "height"), _sides),
    **dict.fromkeys(("signal", "source", "claimant", "evidence"), _lines),
    "site": _sites,
    "path_pattern": _path_patterns,
    "meaning": _one_of(*get_args(Meaning)),
    "use": _one_of(*get_args(Use)),
    "observed_at": parsed_moments,
}

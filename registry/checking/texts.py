"""Columns of texts: decoded, trimmed, and read as hex. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray


# Longer values are neither URLs nor hashes; some rows hold whole files as text.
LONGEST_TEXT = 1 << 16
NIBBLES = np.zeros(256, np.uint8)
NIBBLES[np.frombuffer(b"0123456789abcdefABCDEF", np.uint8)] = [*range(16), *range(10, 16)]


def readable(column: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Return texts (or texts as bytes) as strings, and a mask of the rows that became null.

    Those hold invalid UTF-8, or are longer than LONGEST_TEXT.
    """
    given = mask(column.is_valid())
    lengths = pc.binary_length(column)
    if (pc.max(lengths).as_py() or 0) > LONGEST_TEXT:
        column = pc.if_else(pc.less_equal(lengths, LONGEST_TEXT), column, None)
    content = column.cast(pa.binary())
    try:
        text = content.cast(pa.string())
    except pa.ArrowInvalid:
        text = pa.array([_decoded(value) for value in content.to_pylist()], pa.string())
    return text, given & ~mask(text.is_valid())


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def mask(array: pa.Array) -> NDArray[np.bool_]:
    """Return booleans as numpy's, null as False."""
    values: NDArray[np.bool_] = array.fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
    return values


def present(column: pa.Array) -> NDArray[np.bool_]:
    """Return a mask of the rows whose text is neither null nor blank."""
    return mask(pc.not_equal(pc.utf8_trim_whitespace(column), ""))


def hex_bytes(column: pa.Array, length: int) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Return a mask of the rows with `length` hex digits, and their bytes (n, length / 2)."""
    text = pc.utf8_trim_whitespace(column)
    valid = mask(pc.match_substring_regex(text, f"^[0-9a-fA-F]{{{length}}}$"))
    chosen = text.filter(pa.array(valid))
    digits = np.frombuffer("".join(chosen.to_pylist()).encode(), np.uint8).reshape(-1, length)
    nibbles = NIBBLES[digits]
    return valid, (nibbles[:, ::2] << 4 | nibbles[:, 1::2]).astype(np.uint8)


def fixed_binary(valid: NDArray[np.bool_], content: NDArray[np.uint8], size: int) -> pa.Array:
    """Return a fixed-size binary array: the rows of `content` where valid, else null."""
    values = iter(content.tobytes()[i : i + size] for i in range(0, content.size, size))
    return pa.array([next(values) if ok else None for ok in valid], pa.binary(size))

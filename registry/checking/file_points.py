"""Pictures as lists of numbers: the bytes of their files, or their pixels (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.checking.hash_forms import are_fingerprints
from registry.evidence.carriers import is_still_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

# Names of columns of numbers that hold the pixels of a picture, flat or nested.
_POINTS = frozenset({"pixels", "pixel", "pixel_values"})
_PICTURES = frozenset({"image", "images", "img", "picture", "photo", *_POINTS})
_HEAD = 16
# Fewest numbers in a list that can be a file.
_FILE = 64
# Depth of nested rows of pixels, values of a pixel (red, green, blue), and largest value.
_DEEP, _COLOURS, _BRIGHTEST = 3, 3, 255
_FINGERPRINT_BITS = 64


def is_list(kind: pa.DataType) -> bool:
    """Return whether a type is a list, of fixed length or not."""
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def is_number(kind: pa.DataType) -> bool:
    """Return whether a type can be a pixel value, a byte or a bit."""
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return bool(numeric or pa.types.is_boolean(kind))


def is_tensor_of_points(kind: pa.DataType) -> bool:
    """Return whether a type is a tensor of bytes with rows and columns."""
    if not isinstance(kind, pa.FixedShapeTensorType):
        return False
    return len(kind.shape) > 1 and bool(pa.types.is_uint8(kind.value_type))


def points(name: str, column: pa.Array, depth: int) -> Mask:
    """Return a mask of the lists of numbers that are pictures; `depth` 1: not in another list."""
    kind, lower = column.type.value_type, name.lower()
    if pa.types.is_boolean(kind):
        return _bits(column)
    bytes_alone = pa.types.is_integer(kind) and kind.bit_width == 8
    if lower in _POINTS or (lower in _PICTURES and (depth > 1 or bytes_alone)):
        return _valid(column)
    if not pa.types.is_integer(kind):
        return np.zeros(len(column), bool)
    found = _files(column) | _colours(column, depth)
    return found | _bright(column) if lower in _PICTURES else found


def _valid(column: pa.Array) -> Mask:
    valid: Mask = column.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _lengths(column: pa.Array) -> NDArray[np.int64]:
    return pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _files(column: pa.Array) -> Mask:
    """Return a mask of the lists that begin like image files; only long ones are tested."""
    mask = np.zeros(len(column), bool)
    rows = np.flatnonzero(_lengths(column) >= _FILE)
    if len(rows):
        heads = pc.list_slice(column.take(pa.array(rows)), 0, _HEAD).to_pylist()
        mask[rows] = [is_still_image(bytes(n & 255 for n in h if n is not None)) for h in heads]
    return mask


def _bright(column: pa.Array) -> Mask:
    """Return a mask of long lists whose numbers can all be the brightness of a pixel."""
    mask = np.zeros(len(column), bool)
    for row in np.flatnonzero(_lengths(column) >= _FILE).tolist():
        ends = pc.min_max(column[row].values).as_py()
        mask[row] = ends["min"] is not None and ends["min"] >= 0 and 1 < ends["max"] <= _BRIGHTEST
    return mask


def _colours(column: pa.Array, depth: int) -> Mask:
    """Return a mask of the lists that are the three colours of a pixel in nested rows."""
    if depth < _DEEP or not len(column) or not (_lengths(column)[_valid(column)] == _COLOURS).all():
        return np.zeros(len(column), bool)
    ends = pc.min_max(column.flatten()).as_py()
    in_range = ends["min"] is not None and ends["min"] >= 0 and ends["max"] <= _BRIGHTEST
    return _valid(column) & in_range


def _bits(column: pa.Array) -> Mask:
    """Return a mask of the lists that are the bits of fingerprints."""
    mask: Mask = _lengths(column) == _FINGERPRINT_BITS
    if mask.any():
        flat = column.filter(pa.array(mask)).flatten().fill_null(False)
        bits = flat.to_numpy(zero_copy_only=False).reshape(-1, _FINGERPRINT_BITS)
        codes = np.packbits(bits, axis=1).view(">u8").reshape(-1).astype(np.uint64)
        mask &= are_fingerprints(codes)
    return mask

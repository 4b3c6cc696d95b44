"""Keys of pictures in columns that have no role (pure).

A sample of a column says what it is for, and later rows may hold something else. So
every value of every column is looked at: a text that is wholly an address, a sha256
or an md5 can be looked up, and a value that holds such keys, or pictures, in a form
that is not read leaves its row unchecked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.evidence.carriers import is_still_image, still_image_pattern
from registry.urls.key import INVISIBLE_ENCODED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

# What shows nothing, as bytes of UTF-8: `url_key` passes over it at both ends of an address.
_NOTHING = r"(?:[\x00-\x20]|" + INVISIBLE_ENCODED.replace("%", r"\x") + ")*"
_SLASHES = r"[/\\]{2}"
ADDRESS = rf"^{_NOTHING}(?:(?i:https?:){_SLASHES}[^ ]+|{_SLASHES}[^\s/?#]+\.[^\s/?#]+[/\\]\S+)\s*$"
DIGESTS = {"sha256": r"^\s*[0-9a-fA-F]{64}\s*$", "md5": r"^\s*[0-9a-fA-F]{32}\s*$"}
# Text that holds keys among other things: JSON, lists of addresses, pages and Markdown that
# show a picture.
_HOLDS_KEYS = (
    r"^\s*[\[{](?s:.*)(?:"
    r"[\"'](?i:https?:)?//[^\"'\s]+[\"']|[\"'](?:[0-9a-fA-F]{64}|[0-9a-fA-F]{32})[\"'])"
    r"|(?i)<(?:img|source|picture|image)\b[^>]*\b(?:src|srcset|href)\s*="
    r"|^\s*(?i:https?:)?//\S+[\s|,;]+[\"']?(?i:https?:)?//"
    r"|!\[[^\]]*\]\(\s*[^\s)]"
    r"|data:image/[a-z.+-]+[;,]"
)
# A text of so many characters, none of which stands between words, is a file as base64 or hex.
ENCODED_LENGTH = 256
_NOT_ENCODED = r"[^A-Za-z0-9+/_=\-\s]|[^\s]\s[^\s]{1,55}\s[^\s]"
_PICTURE = still_image_pattern()
_HEAD = 16
# Names of columns of numbers that hold the points of a picture, a row of them, or rows of rows.
_POINTS = frozenset({"pixels", "pixel", "pixel_values"})
_PICTURES = frozenset({"image", "images", "img", "picture", "photo", *_POINTS})


def matches(text: pa.Array, pattern: str) -> Mask:
    """Tell which texts or bytes match a regular expression (RE2); null does not."""
    large = pa.types.is_large_string(text.type) or pa.types.is_large_binary(text.type)
    # As bytes, so that one that is not UTF-8 does not hide the rest of its value.
    return _mask(
        pc.match_substring_regex(text.cast(pa.large_binary() if large else pa.binary()), pattern)
    )


def not_read(name: str, column: pa.Array) -> Mask:
    """Tell which rows hold keys of pictures, or pictures, in a form that is not read.

    Takes a column of any type; addresses and digests that are a text of their own in a
    column of texts are not meant, since those can be looked up.
    """
    found = np.zeros(len(column), bool)
    for rows, leaf, depth in _leaves(column, np.arange(len(column)), 0):
        found[rows[_leaf_not_read(leaf, depth)]] = True
    if pa.types.is_nested(column.type):
        found |= _points(name, column)
    return found


def _leaf_not_read(leaf: pa.Array, depth: int) -> Mask:
    if pa.types.is_string(leaf.type) or pa.types.is_large_string(leaf.type):
        found = matches(leaf, _HOLDS_KEYS) | _encoded(leaf)
        for pattern in (ADDRESS, *DIGESTS.values()) if depth else ():
            found |= matches(leaf, pattern)
        return found
    found = matches(leaf, _PICTURE)
    return found | matches(leaf, ADDRESS) if depth else found


def _encoded(text: pa.Array) -> Mask:
    long = _mask(pc.greater_equal(pc.binary_length(text), ENCODED_LENGTH))
    if long.any():
        long[long] = ~matches(text.filter(pa.array(long)), _NOT_ENCODED)
    return long


def _leaves(
    column: pa.Array, rows: NDArray[np.int64], depth: int
) -> Iterator[tuple[NDArray[np.int64], pa.Array, int]]:
    """Yield the columns of texts and bytes within a column, with the row of each value."""
    column = plain(column)
    kind = column.type
    if pa.types.is_map(kind):
        column = column.cast(
            pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)]))
        )
        kind = column.type
    if pa.types.is_struct(kind):
        for part in column.flatten():
            yield from _leaves(part, rows, depth + 1)
    elif (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    ):
        parents = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
        yield from _leaves(column.flatten(), rows[parents], depth + 1)
    elif is_text(kind) or is_binary(kind):
        yield rows, column, depth


def plain(column: pa.Array) -> pa.Array:
    """Return a column without dictionary encoding, extension types and views."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return plain(column.storage)
    if pa.types.is_dictionary(kind):
        return plain(column.dictionary_decode())
    if pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_binary_view(kind):
        return column.cast(pa.large_binary())
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        # Arrow's own cast of these makes arrays that are broken.
        return pa.array(column.to_pylist(), pa.large_list(kind.value_type))
    return column


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a type is text, without dictionary encoding or views."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_binary(kind: pa.DataType) -> bool:
    """Tell whether a type is bytes, of one size or not."""
    sized = pa.types.is_fixed_size_binary(kind)
    return bool(sized or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _points(name: str, column: pa.Array) -> Mask:
    """Tell which rows hold a picture as numbers: its points, or the bytes of its file."""
    depth, kind = 0, column.type
    while not is_text(kind) and hasattr(kind, "value_type") and not pa.types.is_dictionary(kind):
        depth, kind = depth + 1, kind.value_type
    held = _mask(column.is_valid())
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return np.zeros(len(column), bool)
    lower = name.lower()
    if lower in _POINTS or (lower in _PICTURES and depth > 1):
        return held
    if depth == 1 and pa.types.is_integer(kind) and kind.bit_width == 8:
        heads = pc.list_slice(column, 0, _HEAD).to_pylist()
        as_bytes = (
            bytes(n & 255 for n in head if n is not None) for head in (h or () for h in heads)
        )
        return np.array([is_still_image(head) for head in as_bytes], bool)
    return np.zeros(len(column), bool)


def _mask(array: pa.Array) -> Mask:
    mask: Mask = array.fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
    return mask

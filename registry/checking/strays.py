"""Keys of pictures in columns that have no role (pure).

A sample of a column shows its purpose, but later rows may hold something else. So every
value of every column is searched: a text that is entirely a URL, a sha256 or an md5 is
looked up; a value with such keys, or pictures, in a form that is not read makes its row
unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.checking.file_points import is_list, is_number, points
from registry.checking.hash_forms import (
    LIKE,
    PLAIN,
    PRINT,
    SIZES,
    are_fingerprints,
    as_codes,
    hashes,
    of_length,
)
from registry.evidence.carriers import BASE64_STARTS, still_image_pattern
from registry.model import DIGESTS, HASH_BYTES, hex_pattern
from registry.urls.key import INVISIBLE_ENCODED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

# Invisible characters as UTF-8 bytes; `url_key` ignores them at both ends of a URL.
_NOTHING = r"(?:[\x00-\x20]|" + INVISIBLE_ENCODED.replace("%", r"\x") + ")*"
_SLASHES = r"[/\\]{2}"
ADDRESS = rf"^{_NOTHING}(?:(?i:https?:){_SLASHES}[^ ]+|{_SLASHES}[^\s/?#]+\.[^\s/?#]+[/\\]\S+)\s*$"
# Text with keys in it: JSON, lists of URLs (also as in `srcset`), pages and Markdown that show a
# picture.
_HOLDS_KEYS = (
    r"^\s*[\[{](?s:.*)(?:"
    r"[\"'](?i:https?:)?//[^\"'\s]+[\"']|[\"']" + hex_pattern(*DIGESTS) + r"[\"'])"
    r"|(?i)<(?:img|source|picture|image)\b[^>]*\b(?:src|srcset|href)\s*="
    r"|^\s*(?i:https?:)?//\S+(?:[\s|,;]+[\"']?(?i:https?:)?//|\s+[0-9.]{1,7}[wxh]\s*(?:,|$))"
    r"|!\[[^\]]*\]\(\s*[^\s)]"
    r"|(?i:data:(?:image/[a-z.+-]+[;,]|[a-z/.+-]*;base64,))"
    # A picture's first bytes: as base64, hex, escapes of a program or numbers.
    rf"|(?:^|[\"'=,:\s])(?:{'|'.join(BASE64_STARTS)})[A-Za-z0-9+/_-]{{40}}"
    r"|(?:0x|\\x)(?i:ffd8ff|89504e47|47494638)|^(?i:ff d8 ff|89 50 4e 47|47 49 46 38)"
    r"|\bb['\"](?:\\xff\\xd8|\\x89PNG|GIF8|RIFF)|^\xc3\xbf\xc3\x98\xc3\xbf|^\xc2\x89PNG"
    r"|^\[\s*(?:255,\s*216,\s*255|137,\s*80,\s*78|71,\s*73,\s*70,\s*56|82,\s*73,\s*70,\s*70)\b"
    r"|[\"'][\w .-]*(?i:phash|p-hash|image_?hash|perceptual_?hash)[\w .-]*[\"']\s*:"
    r"\s*[\"']?" + hex_pattern("phash64")
)
_QUOTED_PRINT = rf"^\s*[\[{{](?s:.*)[\"'](?:0x)?{hex_pattern('phash64')}[\"']"
_QUOTED = re.compile(rf"[\"'](?:0x)?({hex_pattern('phash64')})[\"']".encode())
# A text of so many characters without spaces between words is a file as base64 or hex.
ENCODED_LENGTH = 256
_NOT_ENCODED = r"[^A-Za-z0-9+/_=\-\s]|[^\s]\s[^\s]{1,55}\s[^\s]"
_HASHES = ("hash", "md5", "sha256", "digest", "checksum", "fingerprint")
_PICTURE = still_image_pattern()
# Names of fields that do not describe their content.
_PLAIN_FIELDS = frozenset({"bytes", "data", "array", "values"})


def matches(text: pa.Array, pattern: str) -> Mask:
    """Return a mask of the texts or bytes that match a regular expression (RE2); null does not."""
    large = pa.types.is_large_string(text.type) or pa.types.is_large_binary(text.type)
    # As bytes, so that invalid UTF-8 does not hide the rest of a value.
    return _mask(
        pc.match_substring_regex(text.cast(pa.large_binary() if large else pa.binary()), pattern)
    )


def not_read(name: str, column: pa.Array) -> Mask:
    """Return a mask of the rows with keys of pictures, or pictures, in a form that is not read.

    The column may have any type. URLs and digests that are a whole value of a text column
    do not count: they are looked up.
    """
    mask = np.zeros(len(column), bool)
    for field, rows, leaf, depth in _leaves(name, column, np.arange(len(column)), 0):
        mask[rows[_leaf_not_read(field, leaf, depth)]] = True
    for field, rows, numbers, depth in _numbers(name, column, np.arange(len(column)), 0):
        mask[rows[points(field, numbers, depth)]] = True
    return mask


def nested_texts(column: pa.Array) -> Iterator[tuple[NDArray[np.int64], pa.Array]]:
    """Yield the text and binary columns within a nested column, with the row of each value."""
    for _, rows, leaf, depth in _leaves("", column, np.arange(len(column)), 0):
        if depth:
            yield rows, leaf


def _numbers(
    name: str, column: pa.Array, rows: NDArray[np.int64], depth: int
) -> Iterator[tuple[str, NDArray[np.int64], pa.Array, int]]:
    """Yield the lists of numbers within a column: name, row of each list, lists, depth."""
    column = plain(column)
    kind = column.type
    if pa.types.is_struct(kind):
        for field, part in zip(kind.fields, column.flatten(), strict=True):
            inner = name if field.name in _PLAIN_FIELDS else field.name
            yield from _numbers(inner, part, rows, depth)
    elif is_list(kind):
        if is_number(kind.value_type):
            yield name, rows, column, depth + 1
            return
        parents = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
        yield from _numbers(name, column.flatten(), rows[parents], depth + 1)


def _leaf_not_read(name: str, leaf: pa.Array, depth: int) -> Mask:
    mask = matches(leaf, _HOLDS_KEYS) | _encoded(leaf) | _fingerprints_in_json(leaf)
    if is_binary(leaf.type):
        mask |= matches(leaf, _PICTURE)
        mask |= of_length(leaf, HASH_BYTES["sha256"]) if depth else mask
    return mask | _nested_keys(name, leaf) if depth else mask


def _fingerprints_in_json(leaf: pa.Array) -> Mask:
    mask = matches(leaf, _QUOTED_PRINT)
    if mask.any():
        rows = np.flatnonzero(mask)
        values = leaf.take(pa.array(rows)).cast(pa.binary()).to_pylist()
        codes = [bytes.fromhex(c.decode()) for v in values for c in _QUOTED.findall(v)]
        mask &= are_fingerprints(as_codes(codes))
    return mask


def _nested_keys(name: str, leaf: pa.Array) -> Mask:
    """Return a mask of the values within lists and structs that are URLs or hashes."""
    mask = matches(leaf, ADDRESS) | matches(leaf, PLAIN)
    likely = can_be_hashes(leaf) & ~mask
    if not likely.any():
        return mask
    if is_named_hash(name):
        return mask | likely
    rows = np.flatnonzero(likely)
    values = leaf.take(pa.array(rows)).cast(pa.binary()).to_pylist()
    short = {row: c for row, v in zip(rows, values, strict=True) for c in hashes(v) if len(c) == 8}
    if are_fingerprints(as_codes([*short.values()])):
        mask[[*short]] = True
    return mask


def is_named_hash(name: str) -> bool:
    """Return whether the name of a field is that of a hash."""
    return any(part in name.lower() for part in _HASHES)


def can_be_hashes(column: pa.Array) -> Mask:
    """Return a mask of the texts or bytes that can be a digest or a fingerprint."""
    mask = matches(column, LIKE)
    for size in (PRINT, *SIZES) if is_binary(column.type) else ():
        mask |= of_length(column, size)
    return mask


def _encoded(text: pa.Array) -> Mask:
    if pa.types.is_fixed_size_binary(text.type):
        text = text.cast(pa.binary())
    long = _mask(pc.greater_equal(pc.binary_length(text), ENCODED_LENGTH))
    if long.any():
        long[long] = ~matches(text.filter(pa.array(long)), _NOT_ENCODED)
    return long


def _leaves(
    name: str, column: pa.Array, rows: NDArray[np.int64], depth: int
) -> Iterator[tuple[str, NDArray[np.int64], pa.Array, int]]:
    """Yield the text and binary columns within a column: name, row of each value, values, depth."""
    column = plain(column)
    kind = column.type
    if pa.types.is_map(kind):
        column = column.cast(
            pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)]))
        )
        kind = column.type
    if pa.types.is_struct(kind):
        for field, part in zip(kind.fields, column.flatten(), strict=True):
            yield from _leaves(field.name, part, rows, depth + 1)
    elif is_list(kind):
        parents = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
        yield from _leaves(name, column.flatten(), rows[parents], depth + 1)
    elif is_text(kind) or is_binary(kind):
        yield name, rows, column, depth


def plain(column: pa.Array) -> pa.Array:
    """Return a column without dictionary encoding, extension types and views.

    One of the type null becomes one of texts, since what it would hold is not known.
    """
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return plain(column.storage)
    if pa.types.is_dictionary(kind):
        return plain(column.dictionary_decode())
    if other := _other_type(kind):
        return column.cast(other)
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        # Arrow's own cast of these returns invalid arrays.
        return pa.array(column.to_pylist(), pa.large_list(kind.value_type))
    return column


def _other_type(kind: pa.DataType) -> pa.DataType | None:
    """Return the type of texts or bytes to which a type is cast, or None."""
    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_string_view(kind):
        return pa.large_string()
    return pa.large_binary() if pa.types.is_binary_view(kind) else None


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column that `plain` returns."""
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if other := _other_type(kind):
        return other
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return pa.large_list(kind.value_type)
    return kind


def is_text(kind: pa.DataType) -> bool:
    """Return whether a type is text, without dictionary encoding or views."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_binary(kind: pa.DataType) -> bool:
    """Return whether a type is bytes, of fixed size or not."""
    sized = pa.types.is_fixed_size_binary(kind)
    return bool(sized or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _mask(array: pa.Array) -> Mask:
    mask: Mask = array.fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
    return mask

"""URL keys of whole columns: their hashes, and their texts where they are asked for.

Equals `url_key` row by row. Long columns are read by a compiled kernel, short ones row by row:
loading the kernel takes longer than reading them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.urls.key import split_key, url_key
from registry.urls.key_hash import hash64

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column: TypeAlias = pa.Array | pa.ChunkedArray

# Rows from which the compiled kernel is used. It takes 0.1 us a row and half a second to load,
# a row alone about 15 us.
COMPILED_ROWS = 32_768


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """The URL keys of a column of strings: parallel arrays, one element for each row.

    `hashes` and `hosts` are `hash64` of the key and of its host (with its port), valid where
    `has` a key. `plain`: the text is the key but for its scheme. `odd`: another URL, or
    punctuation of a text around it, may be in the text; False is certain, True is not.
    """

    text: pa.StringArray
    hashes: NDArray[np.uint64]
    hosts: NDArray[np.uint64]
    has: NDArray[np.bool_]
    plain: NDArray[np.bool_]
    odd: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.text)

    def keys(self, rows: NDArray[np.int64] | None = None) -> pa.StringArray:
        """Return the keys of some rows, or of all; null where there is none."""
        text, plain, has = self.text, self.plain, self.has
        if rows is not None:
            text, plain, has = text.take(pa.array(rows)), plain[rows], has[rows]
        if not plain.any():
            texts = text.to_pylist()
            keys = [url_key(url) if own else None for url, own in zip(texts, has, strict=True)]
            return pa.array(keys, pa.string())
        # Plain URLs are ASCII: "http", then a colon after no or one other letter, then the key.
        keys = pc.ascii_ltrim(pc.utf8_slice_codeunits(text, len("http:")), ":")
        if not (plain & has).all():
            others = pa.array(has & ~plain)
            rest = [url_key(url) for url in text.filter(others).to_pylist()]
            keys = pc.if_else(pa.array(has), keys, None)
            keys = pc.replace_with_mask(keys, others, pa.array(rest, pa.string()))
        return keys

    def without(self, rows: NDArray[np.bool_]) -> KeyColumn:
        """Return the column without the keys of some rows, given as a mask."""
        return replace(self, has=self.has & ~rows) if rows.any() else self

    def take(self, rows: NDArray[np.int64]) -> KeyColumn:
        """Return some rows."""
        text, hashes, hosts = self.text.take(pa.array(rows)), self.hashes[rows], self.hosts[rows]
        return KeyColumn(text, hashes, hosts, self.has[rows], self.plain[rows], self.odd[rows])

    def key(self, row: int) -> str | None:
        """Return the key of a row, or None."""
        return url_key(self.text[row].as_py()) if self.has[row] else None


def key_column(column: Column) -> KeyColumn:
    """Return the keys of a string-like column, dictionary-encoded or not, at most 2 GB of text.

    Rows that are null have none.
    """
    text = _strings(column)
    state = np.asarray(text.is_valid().to_numpy(zero_copy_only=False), np.uint8)
    hashes, hosts = np.zeros(len(text), np.uint64), np.zeros(len(text), np.uint64)
    if not is_compiled(len(text)):
        has, odd = state.astype(bool), state.astype(bool)
        _read_singly(text, np.flatnonzero(has), hashes, hosts, has)
        return KeyColumn(text, hashes, hosts, has, np.zeros(len(text), bool), odd)
    from registry.urls._kernel import LEFT, ODD, PLAIN, hash_column

    hash_column(text, hashes, hosts, state)
    kind = state % ODD
    has, plain, odd = state != 0, kind == PLAIN, (state >= ODD) | (kind == LEFT)
    _read_singly(text, np.flatnonzero(kind == LEFT), hashes, hosts, has)
    return KeyColumn(text, hashes, hosts, has, plain, odd)


def is_compiled(rows: int) -> bool:
    """Return whether so many rows are read by the kernel: it pays, or is there already."""
    return rows >= COMPILED_ROWS or "registry.urls._kernel" in sys.modules


def url_keys(column: Column) -> pa.StringArray:
    """Return `url_key` of every row as a string array; null where there is no key."""
    return key_column(column).keys()


def paths_of_keys(keys: Column) -> pa.Array:
    """Return the path with its query of each key (of `url_keys`)."""
    return _flat(pc.replace_substring_regex(keys, "^//[^/]*", ""))


def hosts_of_keys(keys: Column) -> pa.Array:
    """Return the `host` or `host:port` that each key (of `url_keys`) begins with."""
    return _flat(pc.replace_substring_regex(keys, r"^//([^/]*)(?s:.*)$", r"\1"))


def _read_singly(
    text: pa.StringArray,
    rows: NDArray[np.intp],
    hashes: NDArray[np.uint64],
    hosts: NDArray[np.uint64],
    has: NDArray[np.bool_],
) -> None:
    """Fill in the given rows by `url_key`."""
    urls = text.take(pa.array(rows)).to_pylist()
    for row, url in zip(rows.tolist(), urls, strict=True):
        key = url_key(url)
        has[row] = key is not None
        if key is not None:
            hashes[row] = hash64(key.encode())
            hosts[row] = hash64(split_key(key)[0].encode())


def _strings(column: Column) -> pa.StringArray:
    return _flat(pc.cast(column, pa.string()))


def _flat(column: Column) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def hashes_of(texts: pa.StringArray) -> NDArray[np.uint64]:
    """Return `hash64` of each text of a column without nulls."""
    if not is_compiled(len(texts)):
        return np.array([hash64(text.encode()) for text in texts.to_pylist()], np.uint64)
    from registry.urls._kernel_hash import hash_texts

    return hash_texts(texts)


def ends_among(texts: pa.StringArray, members: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return whether the text after any dot has one of these hashes, which ascend.

    No text is null. For hosts: whether a wider one is among the members.
    """
    if is_compiled(len(texts)):
        from registry.urls._kernel_hash import ends_among as compiled

        return compiled(texts, members)
    ends = [list(_ends(text)) for text in texts.to_pylist()]
    flat = np.array([hash64(end.encode()) for some in ends for end in some], np.uint64)
    rows = np.repeat(np.arange(len(ends)), [len(some) for some in ends])
    found = np.zeros(len(texts), bool)
    found[rows[within(members, flat)]] = True
    return found


def _ends(text: str) -> Iterator[str]:
    while "." in text:
        text = text.partition(".")[2]
        yield text


def within(members: NDArray[np.uint64], hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which hashes are among the members, which ascend."""
    if not len(members):
        return np.zeros(len(hashes), bool)
    places = np.minimum(np.searchsorted(members, hashes), len(members) - 1)
    found: NDArray[np.bool_] = members[places] == hashes
    return found

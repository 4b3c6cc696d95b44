"""From the columns of a batch to the keys that are looked up: URL keys, digests, fingerprints.

A value that is there but cannot be used (a URL that is none, a hash of the
wrong length, a broken picture) makes its row `unchecked` unless something
else reserves it; a missing value only leaves the row to its other columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.matching.url_columns import url_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.check.columns import Columns
    from registry.pictures.reading import Hashed

NOTHING = "nothing-to-check"
DIGEST_BYTES = {"sha256": 32, "md5": 16}
# What imagehash gives for a picture of one colour: it would match every blank image.
FLAT = (0, 1 << 63, (1 << 64) - 1)
NIBBLES = np.zeros(256, np.uint8)
NIBBLES[np.frombuffer(b"0123456789abcdefABCDEF", np.uint8)] = [*range(16), *range(10, 16)]

HashPictures = Callable[[Sequence[bytes | None]], Sequence["Hashed"]]


@dataclass(frozen=True, slots=True)
class Prints:
    """Fingerprints of a batch from one source, in places of their own.

    `row` is the row of the batch that each belongs to; `phash64` counts where
    `has`; `phash256` is four words a place, (n, 4), and counts where `has_wide`.
    """

    row: NDArray[np.int64]
    phash64: NDArray[np.uint64]
    has: NDArray[np.bool_]
    phash256: NDArray[np.uint64]
    has_wide: NDArray[np.bool_]


@dataclass(slots=True)
class Keys:
    """Keys of a batch, one place per row.

    `usable` tells which rows have at least one key, `failed` which could not be
    fully checked; `problem` holds the reason for those (None for the others).
    """

    rows: int
    urls: pa.Array | None = None
    digests: list[tuple[str, pa.Array]] = field(default_factory=list)
    prints: list[Prints] = field(default_factory=list)
    problem: NDArray[np.object_] = field(default_factory=lambda: np.empty(0, object))
    usable: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    failed: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))

    def note(self, where: NDArray[np.bool_], reason: str) -> None:
        """Give rows a reason for not being checked, unless they have one."""
        where = where & ~self.failed
        self.problem[where] = reason
        self.failed |= where


def extract(batch: pa.RecordBatch, columns: Columns, hash_pictures: HashPictures) -> Keys:
    """Return the keys of a batch."""
    rows = batch.num_rows
    keys = Keys(
        rows,
        problem=np.full(rows, None, object),
        usable=np.zeros(rows, bool),
        failed=np.zeros(rows, bool),
    )
    for role, name in columns.by_role.items():
        column = _readable(keys, role, _plain(batch.column(name)))
        if role == "url":
            _urls(keys, column)
        elif role == "phash64":
            _phashes(keys, column)
        elif role == "image":
            _pictures(keys, column, hash_pictures)
        else:
            _digests(keys, role, column)
    keys.note(~keys.usable, NOTHING)
    return keys


def _plain(column: pa.Array) -> pa.Array:
    """Undo dictionary encoding and wide or view strings."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    if pa.types.is_binary_view(column.type):
        return column.cast(pa.binary())
    return column


def _readable(keys: Keys, role: str, column: pa.Array) -> pa.Array:
    """Return the column without texts that are not UTF-8; their rows are noted."""
    if not pa.types.is_string(column.type):
        return column
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        texts = [_decoded(value) for value in column.cast(pa.binary()).to_pylist()]
        readable = pa.array(texts, pa.string())
        keys.note(_mask(column.is_valid()) & ~_mask(readable.is_valid()), f"bad-{role}")
        return readable
    return column


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _mask(array: pa.Array) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = array.fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
    return mask


def _present(column: pa.Array) -> NDArray[np.bool_]:
    """Rows whose text is neither null nor blank."""
    return _mask(pc.not_equal(pc.utf8_trim_whitespace(column), ""))


def _urls(keys: Keys, column: pa.Array) -> None:
    keys.urls = url_keys(column)
    valid = _mask(keys.urls.is_valid())
    keys.usable |= valid
    keys.note(_present(column) & ~valid, "bad-url")


def _hex(column: pa.Array, length: int) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Return which rows hold `length` hex digits, and the bytes of those rows (n, length / 2)."""
    text = pc.utf8_trim_whitespace(column)
    valid = _mask(pc.match_substring_regex(text, f"^[0-9a-fA-F]{{{length}}}$"))
    chosen = text.filter(pa.array(valid))
    digits = np.frombuffer("".join(chosen.to_pylist()).encode(), np.uint8).reshape(-1, length)
    nibbles = NIBBLES[digits]
    return valid, (nibbles[:, ::2] << 4 | nibbles[:, 1::2]).astype(np.uint8)


def _fixed(valid: NDArray[np.bool_], content: NDArray[np.uint8], size: int) -> pa.Array:
    """Return a fixed-size binary array: the rows of `content` where valid, else null."""
    values = iter(content.tobytes()[i : i + size] for i in range(0, content.size, size))
    return pa.array([next(values) if ok else None for ok in valid], pa.binary(size))


def _digests(keys: Keys, role: str, column: pa.Array) -> None:
    size = DIGEST_BYTES[role]
    if pa.types.is_string(column.type):
        present = _present(column)
        valid, content = _hex(column, 2 * size)
        keys.digests.append((role, _fixed(valid, content, size)))
    else:
        present = _mask(column.is_valid())
        fits = [v if v is not None and len(v) == size else None for v in column.to_pylist()]
        digests = pa.array(fits, pa.binary(size))
        keys.digests.append((role, digests))
        valid = _mask(digests.is_valid())
    keys.usable |= valid
    keys.note(present & ~valid, f"bad-{role}")


def _phashes(keys: Keys, column: pa.Array) -> None:
    valid, content = _hex(column, 16)
    codes = np.zeros(keys.rows, np.uint64)
    codes[valid] = content.view(">u8").reshape(-1)
    keys.note(_present(column) & ~valid, "bad-phash64")
    flat = valid & np.isin(codes, np.array(FLAT, np.uint64))
    keys.note(flat, "unfit-phash64")
    has = valid & ~flat
    nothing = np.zeros((keys.rows, 4), np.uint64)
    keys.prints.append(Prints(np.arange(keys.rows), codes, has, nothing, np.zeros(keys.rows, bool)))
    keys.usable |= has


def _pictures(keys: Keys, column: pa.Array, hash_pictures: HashPictures) -> None:
    """Hash the pictures.

    Their digests and fingerprints stand beside those of other columns: a dataset
    may hold re-encoded pictures and the hashes of the files they were made from.
    """
    if pa.types.is_struct(column.type):
        column = pc.struct_field(column, "bytes")
    hashed = hash_pictures(column.to_pylist())
    for row, answer in enumerate(hashed):
        if answer.problem and not keys.failed[row]:
            keys.problem[row], keys.failed[row] = answer.problem, True
    has = np.array([answer.phash64 is not None for answer in hashed], bool)
    codes = np.array([answer.phash64 or 0 for answer in hashed], np.uint64)
    wide = b"".join(answer.phash256 or bytes(32) for answer in hashed)
    words = np.frombuffer(wide, np.uint64).reshape(-1, 4)
    keys.prints.append(Prints(np.arange(keys.rows), codes, has, words, has))
    keys.usable |= has
    for role, size in DIGEST_BYTES.items():
        values = [getattr(answer, role) for answer in hashed]
        keys.digests.append((role, pa.array(values, pa.binary(size))))

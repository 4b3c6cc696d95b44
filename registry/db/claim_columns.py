"""Claims in columns as the data of a binary COPY, as `copy_rows` writes them one by one. Pure.

The digests are those of `claim_digest`: the canonical JSON of all rows is joined by Arrow, and
hashed row by row.
"""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from registry.claims.ordinary import ClaimColumns
from registry.db.claim_copy import EPOCH, FIELDS, HASHES, NULL, ROW, text_field
from registry.db.values import CLAIM_FIELDS
from registry.model import Claim

Piece: TypeAlias = "bytes | pa.Array"
_SIDES = frozenset({"width", "height"})
# A field that every claim has: those before it in canonical JSON end with a comma, those after
# it begin with one.
_ALWAYS = "meaning"
_EPOCH = int(EPOCH.timestamp()) * 1_000_000
_HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.uint16)
_ZONE = np.frombuffer(b"+00:00", np.uint8)
_AFTER_DATE = 10


def copy_columns(claims: ClaimColumns, defaults: Claim) -> memoryview:
    """Return the rows of these claims; `defaults` has what is absent in the columns."""
    if not claims.count:
        return memoryview(b"")
    pieces: list[Piece] = [ROW, _digests(claims, defaults)]
    for name in FIELDS:
        default = text_field(getattr(defaults, name))
        pieces += _with_default(_copied(name, claims.columns.get(name)), default)
    return _contents(_joined(pieces, NULL)).data


def _digests(claims: ClaimColumns, defaults: Claim) -> pa.Array:
    pieces: list[Piece] = [b"{"]
    for name in sorted(CLAIM_FIELDS):
        mark = b"" if name in _SIDES else b'"'
        before = (b"," if name > _ALWAYS else b"") + b'"%s":' % name.encode() + mark
        after = mark + (b"," if name < _ALWAYS else b"")
        text = getattr(defaults, name)
        default = b"" if text is None else before + json.dumps(text)[1:-1].encode() + after
        column = claims.columns.get(name)
        known: list[Piece] = [] if column is None else [before, _jsoned(name, column), after]
        pieces += _with_default(known, default)
    texts = _contents(_joined([*pieces, b"}"], b""))
    sha256, data = hashlib.sha256, texts.data
    digests = [sha256(data[start:end]).digest() for start, end in pairwise(texts.places)]
    return _fixed_texts(np.frombuffer(b"".join(digests), np.uint8), 32)


class _Contents(NamedTuple):
    """The bytes of all rows, and where each begins in them, the end of the last included."""

    data: memoryview
    places: list[int]


def _contents(texts: pa.Array) -> _Contents:
    """Return the bytes of an array that has just been made, so that it begins with its buffers."""
    _, places, data = texts.buffers()
    starts = np.frombuffer(places, np.int32, len(texts) + 1).tolist()
    # A buffer may be longer than its content.
    return _Contents(memoryview(data)[: starts[-1]], starts)


def _with_default(pieces: list[Piece], default: bytes) -> list[Piece]:
    """Return the pieces of a field, with a default for rows without a value."""
    arrays = [piece for piece in pieces if not isinstance(piece, bytes)]
    if not arrays:
        return [default]
    if not any(array.null_count for array in arrays):
        return pieces
    whole = pc.binary_join_element_wise(*_scalars(pieces), pa.scalar(b"", pa.binary()))
    return [whole if default in (b"", NULL) else pc.fill_null(whole, default)]


def _joined(pieces: list[Piece], null: bytes) -> pa.Array:
    """Join the pieces of each row; `null` stands for those that are null."""
    merged: list[Piece] = []
    for piece in pieces:
        if merged and isinstance(piece, bytes) and isinstance(last := merged[-1], bytes):
            merged[-1] = last + piece
        else:
            merged.append(piece)
    separator = pa.scalar(b"", pa.binary())
    return pc.binary_join_element_wise(
        *_scalars(merged), separator, null_handling="replace", null_replacement=null
    )


def _scalars(pieces: list[Piece]) -> list[object]:
    return [pa.scalar(p, pa.binary()) if isinstance(p, bytes) else p for p in pieces]


def _copied(name: str, column: pa.Array | None) -> list[Piece]:
    """Return the pieces of a field in the binary form: its size and its bytes."""
    if column is None:
        return []
    if name in HASHES:
        size = column.type.byte_width
        return [size.to_bytes(4, "big"), column.cast(pa.binary())]
    if name in _SIDES:
        return [b"\0\0\0\4", _big_endian(column, pa.int32(), ">i4")]
    if name == "observed_at":
        ticks = pc.subtract(column.cast(pa.int64()), _EPOCH)
        return [b"\0\0\0\x08", _big_endian(ticks, pa.int64(), ">i8")]
    sizes = pc.binary_length(column)
    return [_big_endian(sizes, pa.int32(), ">i4"), column.view(pa.binary())]


def _big_endian(numbers: pa.Array, kind: pa.DataType, order: str) -> pa.Array:
    values = pc.fill_null(numbers, 0).cast(kind).to_numpy().astype(order)
    return _where_valid(_fixed_texts(values.view(np.uint8), values.itemsize), numbers)


def _jsoned(name: str, column: pa.Array) -> pa.Array:
    """Return the values in JSON, without the quotation marks."""
    if name in HASHES:
        size = column.type.byte_width
        codes = np.frombuffer(column.buffers()[1], np.uint8)[column.offset * size :]
        digits = _HEX[codes[: len(column) * size]].view(np.uint8)
        return _where_valid(_fixed_texts(digits, 2 * size), column)
    if name in _SIDES:
        return column.cast(pa.string()).view(pa.binary())
    if name == "observed_at":
        return _where_valid(_moments(column), column)
    return _escaped(column)


def _escaped(column: pa.Array) -> pa.Array:
    """Return text as it is in a JSON string."""
    texts = column.view(pa.binary())
    data = texts.buffers()[2]
    # The bytes of all rows, and perhaps of others.
    known = np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8)
    if (known >= 0x80).any():
        values = column.to_pylist()
        return pa.array([v and json.dumps(v)[1:-1].encode() for v in values], pa.binary())
    for escaped in (b"\\", b'"'):
        if (known == escaped[0]).any():
            texts = pc.replace_substring(texts, escaped, b"\\" + escaped)
    return texts


def _moments(column: pa.Array) -> pa.Array:
    """Return times as `datetime.isoformat` writes them: with microseconds if there are any."""
    times = pc.fill_null(column.cast(pa.int64()), 0)
    texts = _iso(times.to_numpy() // 1_000_000, pa.timestamp("s"))
    parts = times.to_numpy() % 1_000_000 != 0
    if parts.any():
        texts = pc.if_else(pa.array(parts), _iso(times.to_numpy(), pa.timestamp("us")), texts)
    return texts


def _iso(ticks: npt.NDArray[np.int64], kind: pa.DataType) -> pa.Array:
    texts = pa.array(ticks).view(kind).cast(pa.string())
    rows = np.frombuffer(_contents(texts).data, np.uint8).reshape(len(ticks), -1)
    whole = np.hstack([rows, np.broadcast_to(_ZONE, (len(ticks), len(_ZONE)))])
    whole[:, _AFTER_DATE] = ord("T")
    return _fixed_texts(whole.reshape(-1), whole.shape[1])


def _fixed_texts(data: npt.NDArray[np.uint8], size: int) -> pa.Array:
    """Return binary values that all have the same size."""
    places = np.arange(0, len(data) + 1, size, dtype=np.int32)
    buffers = [None, pa.py_buffer(places), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.binary(), len(places) - 1, buffers)


def _where_valid(texts: pa.Array, column: pa.Array) -> pa.Array:
    """Return the texts, null where the column is."""
    if not column.null_count:
        return texts
    return pc.if_else(column.is_valid(), texts, pa.scalar(None, pa.binary()))

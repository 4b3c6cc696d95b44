"""Reads the claims of a range of ids as a table of Arrow.

PostgreSQL writes them as CSV, where null is an empty field, and an empty text a quoted one.
"""

from __future__ import annotations

from binascii import unhexlify

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from registry.arrow_csv import read_block
from registry.db.sql import load
from registry.db.values import ESCAPE, unpack
from registry.model import HASH_BYTES

_SQL = load("claim_table")
_SIZES = {str(name): size for name, size in HASH_BYTES.items()}
_INTEGERS = {"id": pa.int64(), "width": pa.int32(), "height": pa.int32()}
_SINCE = pa.timestamp("us", "UTC")
# In the order of the query.
_COLUMNS = (
    *("id", "source", "url", "page_url", "site", "path_pattern"),
    *("sha256", "md5", "phash64", "phash256", "width", "height", "meaning", "use"),
    *("signal", "evidence", "since", "licence_url", "file_name", "claimant"),
)
# As they are in the CSV: hashes are hex digits, times are numbers.
_WRITTEN = dict.fromkeys(_COLUMNS, pa.string()) | _INTEGERS | {"since": pa.int64()}


def claim_table(conn: psycopg.Connection, start: int, stop: int) -> pa.Table:
    """Return the claims with ids from `start` on, before `stop`, that are not withdrawn, by id.

    The columns are those of `registry.snapshot.source`. Arrow's strings cannot hold a lone
    surrogate: a text with one is left as it is stored, packed.
    """
    query = _SQL["segment_claims"]
    copy_out = f"COPY ({query}) TO STDOUT (FORMAT csv)"
    with conn.cursor() as cursor, cursor.copy(copy_out, {"start": start, "stop": stop}) as rows:
        data = b"".join(rows)
    written = _read(data)
    return pa.table({name: _column(name, written[name].combine_chunks()) for name in _COLUMNS})


def _read(data: bytes) -> pa.Table:
    """Return the rows of a CSV text with the types of `_WRITTEN`."""
    if not data:
        return pa.schema(list(_WRITTEN.items())).empty_table()
    return read_block(
        data,
        list(_COLUMNS),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=_WRITTEN,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _column(name: str, written: pa.Array) -> pa.Array:
    """Return a column in its own type."""
    if name == "since":
        return written.cast(_SINCE)
    if name in _INTEGERS:
        return written
    if name not in _SIZES:
        return _unpacked(written)
    size = _SIZES[name]
    is_valid = written.is_valid().to_numpy(zero_copy_only=False)
    hashes = _hashes(written, is_valid, size)
    if name == "phash64":
        return pa.array(hashes.view(">u8")[:, 0].astype(np.uint64), mask=~is_valid)
    bitmap = pa.py_buffer(np.packbits(is_valid, bitorder="little"))
    return pa.Array.from_buffers(pa.binary(size), len(written), [bitmap, pa.py_buffer(hashes)])


def _hashes(written: pa.Array, is_valid: npt.NDArray[np.bool_], size: int) -> npt.NDArray[np.uint8]:
    """Return the bytes of hex digits, a row for each value; those of null are zeros."""
    hashes = np.zeros((len(written), size), np.uint8)
    known = written.drop_null()
    if len(known):
        # All have the same length, so that their digits follow each other.
        start, stop = known.offset * 2 * size, (known.offset + len(known)) * 2 * size
        digits = memoryview(known.buffers()[2])[start:stop]
        hashes[is_valid] = np.frombuffer(unhexlify(digits), np.uint8).reshape(-1, size)
    return hashes


def _unpacked(written: pa.Array) -> pa.Array:
    """Return texts with the characters that the database cannot store."""
    is_packed = pc.fill_null(pc.match_substring(written, ESCAPE), False)
    if not pc.any(is_packed).as_py():
        return written
    texts = [_exact(text) for text in written.filter(is_packed).to_pylist()]
    return pc.replace_with_mask(written, is_packed, pa.array(texts, pa.string()))


def _exact(stored: str) -> str:
    text = unpack(stored)
    try:
        text.encode()
    except UnicodeEncodeError:
        return stored
    return text

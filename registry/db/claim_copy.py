"""Claims as the data of a binary COPY into `staged_claim`. Pure.

The format is PostgreSQL's (chapter "COPY", "Binary Format"): a row is its number of fields, and
each field its size and its bytes; null has the size -1. Rows are joined to one text as they are,
whether they come from claims one by one or from whole columns.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from registry.db.values import claim_digest, pack
from registry.model import Claim

# In the order of the query `copy_claims`, after the digest.
FIELDS = (
    *("source", "claimant", "url", "page_url", "site", "path_pattern"),
    *("sha256", "md5", "phash64", "phash256", "width", "height", "meaning", "use"),
    *("signal", "evidence", "observed_at", "licence_url", "file_name"),
)
HASHES = frozenset({"sha256", "md5", "phash64", "phash256"})
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
# The number of a row's fields, and the size of the first, its digest.
ROW = struct.pack(">hi", 1 + len(FIELDS), 32)
# PostgreSQL counts microseconds from here.
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_SIZE = struct.Struct(">i")
_NUMBER = struct.Struct(">ii")
_MOMENT = struct.Struct(">iq")
_MICROSECOND = timedelta(microseconds=1)


def copy_rows(claims: Iterable[Claim]) -> bytes:
    """Return the rows of these claims."""
    return b"".join(part for claim in claims for part in _row(claim))


def field_of(data: bytes) -> bytes:
    """Return a field with these bytes."""
    return _SIZE.pack(len(data)) + data


def text_field(text: str | None) -> bytes:
    """Return a field of text, in the form that the database can store."""
    return NULL if text is None else field_of(pack(text).encode())


def _row(claim: Claim) -> Sequence[bytes]:
    return (ROW, claim_digest(claim), *(_field(name, getattr(claim, name)) for name in FIELDS))


def _field(name: str, value: object) -> bytes:
    if value is None:
        return NULL
    if isinstance(value, int):
        return _NUMBER.pack(4, value)
    if isinstance(value, datetime):
        return _MOMENT.pack(8, (value - EPOCH) // _MICROSECOND)
    text = str(value)
    return field_of(bytes.fromhex(text)) if name in HASHES else text_field(text)

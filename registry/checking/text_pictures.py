"""Pictures that are written as text: base64, data URIs and hex (pure)."""

from __future__ import annotations

import base64
import binascii
import re

import pyarrow as pa

_DATA_URI = re.compile(r"data:[a-z/.+-]*(?:;[a-z-]+=[^;,]*)*;base64,", re.IGNORECASE)
_HEX = re.compile(r"(?:0x|\\x)?((?:[0-9a-fA-F]{2})+)")
_URL_SAFE = str.maketrans("-_", "+/")


def bytes_of(column: pa.Array) -> pa.Array:
    """Return texts as the bytes that they stand for; null for those that stand for none."""
    texts = column.cast(pa.large_binary()).to_pylist()
    return pa.array([None if text is None else _decoded(text) for text in texts], pa.large_binary())


def _decoded(value: bytes) -> bytes | None:
    text = "".join(value.decode("latin-1").split()).strip("\"'")
    if written := _HEX.fullmatch(text):
        return bytes.fromhex(written[1])
    start = _DATA_URI.match(text)
    plain = text[start.end() if start else 0 :].rstrip("=").translate(_URL_SAFE)
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None

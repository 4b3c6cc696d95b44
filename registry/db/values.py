"""Values in the form of the database: texts that it can store, and digests of rows.

PostgreSQL's text and jsonb can store every Unicode character except NUL and lone
surrogates; real servers send both. `pack` writes those characters as U+10FFFF (a
noncharacter, reserved for such internal use by the Unicode Standard, section 23.7)
and six hex digits, and U+10FFFF itself in the same way; `unpack` returns the exact
text. All other characters are stored unchanged. Pure.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache

from registry.model import Claim, Evidence, UrlReading

# The name of a picture's file is not part of a claim's identity.
CLAIM_FIELDS = tuple(field.name for field in fields(Claim) if field.name != "file_name")
# What a packed character begins with.
ESCAPE = "\U0010ffff"
_UNSTORABLE = re.compile("[\0\ud800-\udfff\U0010ffff]")
_PACKED = re.compile(ESCAPE + "([0-9a-f]{6})")


def pack(text: str) -> str:
    """Return `text` in a form that PostgreSQL can store; `unpack` undoes it."""
    return _UNSTORABLE.sub(lambda match: f"{ESCAPE}{ord(match[0]):06x}", text)


def unpack(text: str) -> str:
    """Return the text that `pack` was given."""
    return _PACKED.sub(lambda match: chr(int(match[1], 16)), text)


@lru_cache(64)  # each piece of a batch is asked for several times
def evidence_digest(evidence: Evidence) -> bytes:
    """Return the sha256 of an evidence's fields as canonical JSON (ASCII, no blanks)."""
    lines = [list(line) for line in evidence.lines]
    return _digest([evidence.carrier, evidence.about, evidence.url, lines, evidence.text])


def reading_key(reading: UrlReading) -> bytes:
    """Return 16 bytes that name what was read: a page, an image or a site file, and its URL."""
    named = (reading.host, reading.kind) if reading.about == "site" else ()
    text = "\n".join((reading.about, *named, pack(reading.url)))
    return hashlib.sha256(text.encode()).digest()[:16]


def claim_digest(claim: Claim) -> bytes:
    """Return the sha256 of a claim's filled fields as canonical JSON, names sorted, times in UTC.

    A field that a later version adds does not change the digests of claims without it.
    """
    filled: dict[str, object] = {}
    for name in CLAIM_FIELDS:
        value = getattr(claim, name)
        if isinstance(value, datetime):
            value = value.astimezone(UTC).isoformat()
        if value is not None:
            filled[name] = value
    return _digest(filled)


def _digest(fields: object) -> bytes:
    text = json.dumps(fields, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).digest()

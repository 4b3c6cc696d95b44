"""The digest of a record: an observation, or one reading of a site file. Pure.

A snapshot holds this digest of every record, a bundle of evidence the fields it is made of.
The counts of equal readings are not among them: they grow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from registry.db.rows import ObservationRow, SiteRuleRow
from registry.db.values import unpack

# A value of a field: a text, a status, or the digests of evidence in their order, in hex.
Fields = Mapping[str, str | int | list[str]]


def record_digest(fields: Fields) -> bytes:
    """Return the sha256 of a record's fields as canonical JSON (ASCII, names sorted, no blanks)."""
    text = json.dumps(fields, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).digest()


def observation_fields(
    row: ObservationRow, pictures: Mapping[int, bytes], evidence: Mapping[int, bytes]
) -> Fields:
    """Return the fields of an observation that have a value.

    `pictures` and `evidence` hold the sha256 of pictures and the digests of evidence by id.
    """
    return _filled(
        observed_at=_time(row.observed_at),
        image_url=unpack(row.image_url),
        page_url=None if row.page_url is None else unpack(row.page_url),
        fetched_url=None if row.fetched_url is None else unpack(row.fetched_url),
        relation=row.relation,
        status=row.status,
        refusal=row.refusal,
        sha256=None if row.image_id is None else pictures[row.image_id].hex(),
        evidence=[evidence[number].hex() for number in row.evidence],
    )


def site_rule_fields(row: SiteRuleRow, evidence: Mapping[int, bytes]) -> Fields:
    """Return the fields of a site file's reading that have a value; `evidence` as above."""
    return _filled(
        observed_at=_time(row.observed_at),
        host=row.host,
        kind=row.kind,
        url=unpack(row.url),
        status=row.status,
        refusal=row.refusal,
        evidence=[] if row.evidence_id is None else [evidence[row.evidence_id].hex()],
    )


def _time(when: datetime) -> str:
    return when.astimezone(UTC).isoformat()


def _filled(**fields: str | int | list[str] | None) -> Fields:
    """Return the fields that are not None, so that a later version may add some."""
    return {name: value for name, value in fields.items() if value is not None}

"""Typed rows of the registry (pure): they can be made without a database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry.db.values import unpack
from registry.model import Evidence, Meaning, Relation, Scope, Use

# A snapshot is built by segments: n has the ids [n << SEGMENT_BITS, (n + 1) << SEGMENT_BITS).
SEGMENT_BITS = 16


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One picture; hashes are bytes."""

    id: int
    sha256: bytes
    md5: bytes
    width: int
    height: int
    phash64: bytes | None
    phash256: bytes | None


@dataclass(frozen=True, slots=True)
class ViewRow:
    """Fingerprints of one further view of a picture."""

    image_id: int
    view: str
    phash64: bytes
    phash256: bytes


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One piece of evidence as stored; `lines` is null for texts, `digest` is its sha256."""

    id: int
    carrier: str
    about: Scope
    url: str
    lines: list[list[str]] | None
    text: str | None
    digest: bytes

    def evidence(self) -> Evidence:
        """Return it as Evidence."""
        return evidence_from_row(self.carrier, self.about, self.url, self.lines, self.text)


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """One observation with the ids of its picture and evidence.

    `again` counts the equal readings after it, `again_at` is the time of the last of them.
    `takes_back`: what it does not show any more, does not count any more; only where a visit
    that has finished, and is not suspect, read it.
    """

    id: int
    observed_at: datetime
    image_url: str
    page_url: str | None
    fetched_url: str | None
    relation: Relation
    status: int | None
    refusal: str | None
    image_id: int | None
    evidence: list[int]
    again_at: datetime | None = None
    again: int = 0
    takes_back: bool = True

    @property
    def last_at(self) -> datetime:
        """Return the time of the last reading that gave this."""
        return self.again_at or self.observed_at


@dataclass(frozen=True, slots=True)
class SiteRuleRow:
    """One dated reading of a site's rules file; the last fields as in ObservationRow."""

    id: int
    observed_at: datetime
    host: str
    kind: str
    url: str
    status: int | None
    refusal: str | None
    evidence_id: int | None
    again_at: datetime | None = None
    again: int = 0
    takes_back: bool = True

    @property
    def last_at(self) -> datetime:
        """Return the time of the last reading that gave this."""
        return self.again_at or self.observed_at


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One claim; `image_id` is the picture with the claim's own digest, if it is known.

    `claimant` is that of a condition, and None for other claims.
    """

    id: int
    source: str
    url: str | None
    page_url: str | None
    site: str | None
    path_pattern: str | None
    sha256: bytes | None
    md5: bytes | None
    phash64: bytes | None
    phash256: bytes | None
    width: int | None
    height: int | None
    meaning: Meaning
    use: Use
    signal: str | None
    evidence: str | None
    since: datetime
    licence_url: str | None
    file_name: str | None
    claimant: str | None
    image_id: int | None


def evidence_from_row(
    carrier: str, about: Any, url: str, lines: list[list[str]] | None, text: str | None
) -> Evidence:
    """Return the evidence that was stored in these columns, character by character."""
    pairs = tuple((unpack(name), unpack(value)) for name, value in lines or ())
    return Evidence(carrier, about, unpack(url), pairs, unpack(text or ""))

"""Reading the whole registry in a fixed order, for the snapshot builder.

Everything is read in one transaction, so that a snapshot shows one moment
however long it takes to build, and through server-side cursors, so that no
table is ever held whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString, TypeVar

import psycopg
from psycopg.rows import class_row

from registry.db.sql import load
from registry.db.visits import evidence_from_row
from registry.fingerprints import versions
from registry.model import About, Evidence, Meaning, Relation, Use

FETCH_ROWS = 5_000
Row = TypeVar("Row")
_SQL = load("export")


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
    """One piece of evidence as stored; `lines` is null for texts."""

    id: int
    carrier: str
    about: About
    url: str
    lines: list[list[str]] | None
    text: str | None

    def evidence(self) -> Evidence:
        """Return it as the readers take it."""
        return evidence_from_row(self.carrier, self.about, self.url, self.lines, self.text)


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """One observation with the ids of its picture and evidence."""

    id: int
    observed_at: datetime
    image_url: str
    page_url: str | None
    fetched_url: str | None
    relation: Relation
    refusal: str | None
    image_id: int | None
    evidence: list[int]


@dataclass(frozen=True, slots=True)
class SiteRuleRow:
    """One dated answer for a site's rules file."""

    id: int
    observed_at: datetime
    host: str
    kind: str
    url: str
    refusal: str | None
    evidence_id: int | None


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One claim; `image_id` is the picture with the claim's own digest, if it is known."""

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
    image_id: int | None


class Export:
    """One moment of the registry, to be read once from start to end."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self._conn = conn

    def images(self) -> Iterator[ImageRow]:
        """Yield pictures by id."""
        return self._stream(_SQL["export_images"], ImageRow, versions())

    def views(self) -> Iterator[ViewRow]:
        """Yield the further views of transparent pictures, by picture and view."""
        return self._stream(_SQL["export_views"], ViewRow, versions())

    def evidence(self) -> Iterator[EvidenceRow]:
        """Yield evidence by id."""
        return self._stream(_SQL["export_evidence"], EvidenceRow)

    def site_rules(self) -> Iterator[SiteRuleRow]:
        """Yield rules files by host, kind and URL, oldest first."""
        return self._stream(_SQL["export_site_rules"], SiteRuleRow)

    def observations(self) -> Iterator[ObservationRow]:
        """Yield observations by image URL and page URL, oldest first."""
        return self._stream(_SQL["export_observations"], ObservationRow)

    def claims(self) -> Iterator[ClaimRow]:
        """Yield claims by id."""
        return self._stream(_SQL["export_claims"], ClaimRow)

    def _stream(
        self, sql: LiteralString, row: type[Row], values: Mapping[str, str] | None = None
    ) -> Iterator[Row]:
        # The name makes it a server-side cursor.
        with self._conn.cursor("export", row_factory=class_row(row)) as cursor:
            cursor.itersize = FETCH_ROWS
            yield from cursor.execute(sql, values)


@contextmanager
def exporting(conn: psycopg.Connection) -> Iterator[Export]:
    """Yield an Export over one repeatable-read, read-only transaction."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield Export(conn)


def position(conn: psycopg.Connection) -> dict[str, int | str]:
    """Return which registry this is, and how far it has got: newest id and number of rows.

    The number tells of rows that were removed, which the newest id does not.
    """
    row = conn.execute(_SQL["export_position"]).fetchone()
    assert row is not None
    names = (
        "observation",
        "observations",
        "site_rule",
        "site_rules",
        "claim",
        "claims",
        "claim_file_names",
        "withdrawals",
        "withdrawals_ended",
        "registry",
    )
    return dict(zip(names, row, strict=True))

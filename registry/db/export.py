"""Reads the whole registry in a fixed order, for the snapshot builder.

All tables are read in one transaction, so that a snapshot shows one moment, and with
server-side cursors, so that no table is completely in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import LiteralString, TypeVar

import psycopg
from psycopg.rows import class_row

from registry.db.rows import ClaimRow, EvidenceRow, ImageRow, ObservationRow, SiteRuleRow, ViewRow
from registry.db.sql import load
from registry.fingerprints import versions

FETCH_ROWS = 5_000
Row = TypeVar("Row")
_SQL = load("export")


class Export:
    """The registry at one moment, to be read once from start to end."""

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
    """Return the id of the registry and its state: newest ids and numbers of rows.

    The numbers change when rows are removed; the newest ids do not.
    """
    row = conn.execute(_SQL["export_position"]).fetchone()
    assert row is not None
    names = (
        "observation",
        "observations",
        "observations_again",
        "site_rule",
        "site_rules",
        "site_rules_again",
        "claim",
        "claims",
        "claim_file_names",
        "visit",
        "visits_unfinished",
        "withdrawals",
        "withdrawals_ended",
        "registry",
    )
    return dict(zip(names, row, strict=True))

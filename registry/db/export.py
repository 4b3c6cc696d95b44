"""Reads the registry for the snapshot builder by segment, in a fixed order.

All tables are read in one transaction, so that a snapshot shows one moment, and with
server-side cursors, so that no table is completely in memory. A segment is a range of ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

import psycopg
from psycopg.rows import class_row

from registry.db.rows import (
    SEGMENT_BITS,
    EvidenceRow,
    ImageRow,
    ObservationRow,
    SiteRuleRow,
    ViewRow,
)
from registry.db.sql import load
from registry.fingerprints import versions

if TYPE_CHECKING:
    import pyarrow as pa

FETCH_ROWS = 5_000
Row = TypeVar("Row")
_SQL = load("export")
# By group, as `registry.snapshot.source` names them.
_SUMS = {
    "pictures": _SQL["sum_pictures"],
    "observations": _SQL["sum_observations"],
    "site-files": _SQL["sum_site_files"],
    "claims": _SQL["sum_claims"],
}


class Export:
    """The registry at one moment: a `registry.snapshot.source.Source`.

    A segment holds `1 << SEGMENT_BITS` ids. Observations are in the segment of the first reading
    of their image URL on their page, readings of site files in that of the first of their file.
    """

    def __init__(self, conn: psycopg.Connection) -> None:
        self._conn = conn
        self._cursors = count()

    def sums(self, group: str) -> Mapping[int, str]:
        """Return by segment a text that changes with any row of it; none for empty segments."""
        values = {"bits": SEGMENT_BITS, **versions()}
        self._conn.execute(_SQL["plan_sums"])
        rows = self._conn.execute(_SUMS[group], values).fetchall()
        self._conn.execute(_SQL["plan_others"])
        return dict(rows)

    def host_sums(self) -> Mapping[str, str]:
        """Return by host, as recorded, a text that changes with any reading of its site files."""
        return dict(self._conn.execute(_SQL["sum_hosts"]).fetchall())

    def pictures(self, number: int) -> Iterator[ImageRow]:
        """Yield the pictures of a segment by id."""
        values = versions() | self._range(number)
        return self._stream(_SQL["segment_pictures"], ImageRow, values)

    def views(self, number: int) -> Iterator[ViewRow]:
        """Yield the further views of the pictures of a segment, by picture and view."""
        values = versions() | self._range(number)
        return self._stream(_SQL["segment_views"], ViewRow, values)

    def picture_digests(self, ids: Collection[int]) -> Mapping[int, bytes]:
        """Return the sha256 of pictures by id."""
        rows = self._conn.execute(_SQL["picture_digests"], {"ids": list(ids)})
        return dict(rows.fetchall())

    def evidence(self, ids: Collection[int]) -> Iterator[EvidenceRow]:
        """Yield these pieces of evidence by id."""
        return self._stream(_SQL["some_evidence"], EvidenceRow, {"ids": list(ids)})

    def observations(self, number: int) -> Iterator[ObservationRow]:
        """Yield the observations of a segment by image URL and page URL, oldest first."""
        return self._stream(_SQL["segment_observations"], ObservationRow, self._range(number))

    def site_files(self, number: int) -> Iterator[SiteRuleRow]:
        """Yield the readings of a segment's site files by host, kind and URL, oldest first."""
        return self._stream(_SQL["segment_site_files"], SiteRuleRow, self._range(number))

    def site_files_of(self, hosts: Collection[str]) -> Iterator[SiteRuleRow]:
        """Yield the readings of some hosts' site files, in the same order; hosts as recorded."""
        return self._stream(_SQL["site_files_of_hosts"], SiteRuleRow, {"hosts": list(hosts)})

    def claims(self, number: int) -> pa.Table:
        """Return the claims of a segment that are not withdrawn, by id."""
        from registry.db.claim_table import claim_table

        return claim_table(self._conn, **self._range(number))

    def _range(self, number: int) -> dict[str, int]:
        """Return the first id of a segment, and that of the next one."""
        return {"start": number << SEGMENT_BITS, "stop": (number + 1) << SEGMENT_BITS}

    def _stream(
        self, sql: LiteralString, row: type[Row], values: Mapping[str, Any] | None = None
    ) -> Iterator[Row]:
        # The name makes it a server-side cursor; several may be open at once.
        name = f"export_{next(self._cursors)}"
        with self._conn.cursor(name, row_factory=class_row(row)) as cursor:
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

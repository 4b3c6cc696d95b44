"""Collects the evidence of one record from the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from registry import __version__
from registry.bundles.content import OBSERVATION, Bundle, Piece, Record, WarcPlace
from registry.db import bundles as stored
from registry.db.history import digests as digests_of_pictures
from registry.db.rows import EvidenceRow, ObservationRow, SiteRuleRow
from registry.snapshot.history import evidence_in_force, readings_in_force
from registry.snapshot.record_digests import (
    Fields,
    observation_fields,
    record_digest,
    site_rule_fields,
)
from registry.snapshot.rows import recorded_host
from registry.urls.key import host_of

if TYPE_CHECKING:
    import psycopg


def collect(conn: psycopg.Connection, name: str, made_at: datetime) -> Bundle | None:
    """Return the evidence of `observation:ID` or `site-rule:ID`; None if there is none such.

    With an observation come the earlier ones of the same image and page whose evidence still
    counted, and the readings of site files that were in force at its last reading. All is read
    in one transaction.
    """
    kind, _, number = name.partition(":")
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if kind == OBSERVATION:
            observations, files = _of_observation(conn, int(number))
        else:
            rule = stored.site_rule(conn, int(number))
            observations, files = [], [rule] if rule else []
        if not observations and not files:
            return None
        return _bundle(conn, observations, files, made_at)


def _of_observation(
    conn: psycopg.Connection, number: int
) -> tuple[list[ObservationRow], list[SiteRuleRow]]:
    """Return an observation, those that add to it, and the readings of site files in force."""
    history = stored.observations_until(conn, number)
    if not history:
        return [], []
    subject = history[-1]
    about = stored.about(conn, {piece for row in history for piece in row.evidence})
    earlier = _holding(evidence_in_force(history, about), history)
    urls = (subject.image_url, subject.fetched_url, subject.page_url)
    hosts = {host for url in urls if (host := host_of(url or ""))}
    return [subject, *earlier], _in_force(stored.site_rules_at(conn, subject, hosts))


def _holding(ids: Iterable[int], history: Sequence[ObservationRow]) -> list[ObservationRow]:
    """Return the latest earlier observations that hold the evidence that the last one lacks."""
    holding: dict[int, ObservationRow] = {}
    for number in ids:
        row = next(row for row in reversed(history) if number in row.evidence)
        if row is not history[-1]:
            holding[row.id] = row
    return [holding[number] for number in sorted(holding)]


def _in_force(rows: Iterable[SiteRuleRow]) -> list[SiteRuleRow]:
    """Return the readings of each site file that count after all readings."""
    by_file = sorted(rows, key=lambda row: (*_file(row), row.observed_at, row.id))
    return [row for _, history in groupby(by_file, _file) for row in readings_in_force(history)]


def _file(row: SiteRuleRow) -> tuple[str, str, str]:
    return recorded_host(row.host), row.kind, row.url


def _bundle(
    conn: psycopg.Connection,
    observations: Sequence[ObservationRow],
    files: Sequence[SiteRuleRow],
    made_at: datetime,
) -> Bundle:
    ids = [number for row in observations for number in row.evidence]
    ids += [row.evidence_id for row in files if row.evidence_id is not None]
    rows = stored.evidence(conn, list(dict.fromkeys(ids)))
    digests = {row.id: row.digest for row in rows}
    images = {row.image_id for row in observations if row.image_id is not None}
    pictures = digests_of_pictures(conn, images)
    places = stored.warc_places(conn, digests)
    records = [
        *(
            _record(f"observation:{row.id}", observation_fields(row, pictures, digests), row)
            for row in observations
        ),
        *(_record(f"site-rule:{row.id}", site_rule_fields(row, digests), row) for row in files),
    ]
    return Bundle(
        registry=stored.registry_id(conn),
        version=__version__,
        made_at=_time(made_at),
        records=tuple(records),
        evidence=_pieces(rows, places),
    )


def _record(name: str, fields: Fields, row: ObservationRow | SiteRuleRow) -> Record:
    again_at = _time(row.again_at) if row.again_at else None
    return Record(name, record_digest(fields).hex(), fields, row.again, again_at)


def _pieces(
    rows: Collection[EvidenceRow], places: dict[int, stored.StoredPlace]
) -> tuple[Piece, ...]:
    """Return the pieces of evidence; equal ones do not occur, since the database stores one."""
    return tuple(
        Piece(
            row.digest.hex(),
            row.evidence(),
            WarcPlace(*places[row.id]) if row.id in places else None,
        )
        for row in rows
    )


def _time(when: datetime) -> str:
    return when.astimezone(UTC).isoformat()

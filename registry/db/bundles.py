"""Reads one record and what counts with it, for a bundle of evidence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from registry.db.history import recorded_site_rules
from registry.db.rows import EvidenceRow, ObservationRow, SiteRuleRow
from registry.db.sql import load

SQL = load("bundles")
_HISTORY = load("history")


class StoredPlace(NamedTuple):
    """Where WARC records are: the name of a file, the byte they begin at, their bytes."""

    file: str
    place: int
    size: int


def observations_until(conn: psycopg.Connection, number: int) -> list[ObservationRow]:
    """Return the observations of one image URL on one page up to this one, oldest first.

    The list is empty if there is no such observation.
    """
    place = conn.execute(SQL["place_of"], {"id": number}).fetchone()
    if place is None:
        return []
    values = {"id": number, "image_url": place[0], "page_url": place[1]}
    with conn.cursor(row_factory=class_row(ObservationRow)) as cursor:
        return cursor.execute(SQL["bundled_observations"], values).fetchall()


def site_rule(conn: psycopg.Connection, number: int) -> SiteRuleRow | None:
    """Return one reading of a site file; None if there is no such one."""
    with conn.cursor(row_factory=class_row(SiteRuleRow)) as cursor:
        return cursor.execute(SQL["bundled_site_rule"], {"id": number}).fetchone()


def site_rules_at(
    conn: psycopg.Connection, observation: ObservationRow, hosts: Collection[str]
) -> list[SiteRuleRow]:
    """Return the readings of hosts' site files up to an observation's last reading, by file.

    Those of each file are oldest first. The readings by the observation's own visit are among
    them: a visit reads site files before and after an image.
    """
    rows = recorded_site_rules(conn, hosts)
    place = conn.execute(SQL["place_of"], {"id": observation.id}).fetchone()
    assert place is not None
    values = {"visit_id": place[2], "hosts": list({row.host for row in rows})}
    same_visit = {number for (number,) in conn.execute(SQL["site_rules_of_visit"], values)}
    until = observation.last_at
    return [row for row in rows if row.observed_at <= until or row.id in same_visit]


def evidence(conn: psycopg.Connection, ids: Sequence[int]) -> list[EvidenceRow]:
    """Return these pieces of evidence, in the order of the ids."""
    with conn.cursor(row_factory=class_row(EvidenceRow)) as cursor:
        rows = cursor.execute(_HISTORY["evidence_of"], {"ids": list(ids)}).fetchall()
    by_id = {row.id: row for row in rows}
    return [by_id[number] for number in ids]


def about(conn: psycopg.Connection, ids: Collection[int]) -> dict[int, str]:
    """Return the object (image, page, site) of pieces of evidence by id."""
    return dict(conn.execute(SQL["about_of"], {"ids": list(ids)}).fetchall())


def warc_places(conn: psycopg.Connection, ids: Collection[int]) -> dict[int, StoredPlace]:
    """Return where the WARC records of evidence are, by its id, if there are any."""
    rows = conn.execute(SQL["warc_places"], {"ids": list(ids)})
    return {number: StoredPlace(file, place, size) for number, file, place, size in rows}


def registry_id(conn: psycopg.Connection) -> str:
    """Return the id of this registry."""
    row = conn.execute(SQL["registry_id"]).fetchone()
    assert row is not None
    return str(row[0])

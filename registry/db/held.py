"""Readings that take something back, held until their visit is judged; and what judges it.

All functions run inside the transaction of the visit's owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from registry.db.event_rows import Compared, Latest
from registry.db.known_rows import Extent
from registry.db.sql import load
from registry.db.url_readings import Had
from registry.db.values import pack, reading_key, unpack
from registry.model import UrlReading

SQL = load("held")


@dataclass(frozen=True, slots=True)
class Suspect:
    """A suspect visit that no later one has judged.

    `suspicions` is what each monitor says; `held` the number of readings that would take
    something back.
    """

    id: int
    spider: str
    start_url: str
    host: str
    extent: Extent
    started_at: datetime
    finished_at: datetime
    suspicions: Mapping[str, str]
    held: int


# Finished visits that a visit is compared with.
HISTORY = 20


def hold(
    conn: psycopg.Connection,
    visit_id: int,
    had: Had,
    read: Sequence[UrlReading],
    losses: Iterable[Compared],
) -> None:
    """Hold the readings that take something back, in place of earlier ones of this visit.

    `read` are all readings of the batch: one that takes nothing back replaces one that did.
    `had` counts what was there before.
    """
    conn.execute(SQL["add_had"], asdict(had) | {"visit_id": visit_id})
    keys = [reading_key(reading) for reading in read]
    conn.execute(SQL["drop_held_keys"], {"visit_id": visit_id, "keys": keys})
    rows = [_values(one) | {"visit_id": visit_id} for one in losses]
    if rows:
        with conn.cursor() as cursor:
            cursor.executemany(SQL["hold_reading"], rows)


def held(conn: psycopg.Connection, visit_id: int) -> list[Compared]:
    """Return the held readings of a visit with those before, which stay locked."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(SQL["held_readings"], {"visit_id": visit_id}).fetchall()
    return [_compared(row) for row in rows]


def drop(conn: psycopg.Connection, visit_id: int) -> None:
    """Drop the held readings of a visit."""
    conn.execute(SQL["drop_held"], {"visit_id": visit_id})


def drop_earlier(conn: psycopg.Connection, visit_id: int) -> None:
    """Drop the held readings of earlier visits of the same plan."""
    conn.execute(SQL["drop_held_before"], {"visit_id": visit_id})


def falls(conn: psycopg.Connection, visit_id: int) -> dict[str, Any]:
    """Return what was there before and still is, of what a visit that ended asked for again."""
    row = conn.execute(SQL["falls_of_visit"], {"visit_id": visit_id}).fetchone()
    assert row is not None
    pages, read, shown, still, files, gone, marked, unmarked, alike = row
    return {
        "pages": (pages, read),
        "pictures": (shown, still),
        "files": (files, files - gone),
        "marks": (marked, marked - unmarked),
        "alike": alike,
    }


def earlier_falls(conn: psycopg.Connection, visit_id: int) -> list[Mapping[str, Any]]:
    """Return those of the finished visits of the plan before a visit, the newest first."""
    values = {"visit_id": visit_id, "limit": HISTORY}
    return [stored for (stored,) in conn.execute(SQL["earlier_falls"], values)]


def earlier_suspicions(conn: psycopg.Connection, visit_id: int) -> list[Mapping[str, str]]:
    """Return those of the suspect visits directly before a visit, the newest first."""
    rows = conn.execute(SQL["earlier_suspicions"], {"visit_id": visit_id})
    return [stored for (stored,) in rows]


def suspects(conn: psycopg.Connection) -> list[Suspect]:
    """Return the suspect visits that no later one has judged, the newest first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(SQL["suspect_visits"]).fetchall()
    return [Suspect(**row | {"start_url": unpack(row["start_url"])}) for row in rows]


def finish(conn: psycopg.Connection, visit_id: int) -> datetime | None:
    """Record a suspect visit as finished; return when it ended, None if it is not suspect."""
    row = conn.execute(SQL["accept_visit"], {"visit_id": visit_id}).fetchone()
    return row[0] if row else None


def set_falls(conn: psycopg.Connection, visit_id: int, found: Mapping[str, Any]) -> None:
    """Store what a visit found of what earlier ones had."""
    conn.execute(SQL["set_falls"], {"visit_id": visit_id, "falls": Jsonb(found)})


def set_totals(conn: psycopg.Connection, visit_id: int) -> None:
    """Store how many pages, pictures and marks are known of a visit's site."""
    conn.execute(SQL["set_totals"], {"visit_id": visit_id})


def suspect(conn: psycopg.Connection, visit_id: int, suspicions: Mapping[str, str]) -> None:
    """Record that a visit that ended is suspect, with what each monitor says."""
    values = {"visit_id": visit_id, "suspicions": Jsonb(dict(suspicions))}
    conn.execute(SQL["suspect_visit"], values)


def accept_pages(conn: psycopg.Connection, visit_id: int) -> None:
    """Compare the next visit with what this one found on its pages."""
    conn.execute(SQL["accept_pages"], {"visit_id": visit_id})


def _values(one: Compared) -> dict[str, Any]:
    reading, now = one.reading, one.now
    return {
        "key": reading_key(reading),
        "about": reading.about,
        "url": pack(reading.url),
        "host": reading.host,
        "kind": reading.kind,
        "read_at": reading.read_at,
        "evidence": list(now.evidence),
        "image_id": now.image_id,
        "refusal": now.refusal,
        "is_cut": reading.is_cut,
        "marks": now.marks,
    }


def _compared(row: Mapping[str, Any]) -> Compared:
    told = ("about", "read_at", "refusal", "is_cut", "host", "kind")
    reading = UrlReading(url=unpack(row["url"]), **{name: row[name] for name in told})
    kept = {name: row[name] for name in ("image_id", "refusal", "marks")}
    now = Latest(row["read_at"], tuple(row["evidence"]), **kept)
    before = Latest(
        row["since"],
        tuple(row["seen"]),
        row["image_before"],
        row["refusal_before"],
        row["is_stale"],
        row["marks_before"],
    )
    return Compared(reading, now, before)

"""Events: marks that appeared, changed or were removed; pictures new, replaced, gone or stale."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from registry.db.event_rows import Event, EventKind, NewEvent, Places
from registry.db.rows import evidence_from_row
from registry.db.sql import load
from registry.db.values import pack, unpack

SQL = load("events")
# Any number of 63 bits that no other lock of this program has (`registry.db.visits`).
EVENTS_LOCK = 0x6576656E74736C6B
# Most characters of a mark's text; all of it is in the evidence.
MOST_TEXT = 500
# Events read at once.
FETCH_ROWS = 500


def add_events(conn: psycopg.Connection, visit_id: int, events: Iterable[NewEvent]) -> None:
    """Add the events of a visit inside the caller's transaction, which should end soon after.

    No other transaction adds events until it ends.
    """
    rows = [_values(event) | {"visit_id": visit_id} for event in events]
    if rows:
        conn.execute(SQL["lock_events"], {"key": EVENTS_LOCK})
        with conn.cursor() as cursor:
            cursor.executemany(SQL["add_event"], rows)


def changes_found(conn: psycopg.Connection, visit_id: int) -> tuple[int, frozenset[str]]:
    """Return how many changes a visit found, and the carriers of the marks that changed."""
    row = conn.execute(SQL["changes_found"], {"visit_id": visit_id}).fetchone()
    assert row is not None
    return row[0], frozenset(row[1] or ())


def events_of_visit(conn: psycopg.Connection, visit_id: int) -> dict[str, int]:
    """Return the numbers of events of a visit, by kind."""
    return dict(conn.execute(SQL["events_of_visit"], {"visit_id": visit_id}).fetchall())


def events(
    conn: psycopg.Connection,
    *,
    after: int = 0,
    since: datetime | None = None,
    places: Places | None = None,
    kinds: Collection[EventKind] | None = None,
) -> Iterator[list[Event]]:
    """Yield events with a larger id than `after`, in the order of ids, FETCH_ROWS at a time.

    `since`: the least time; `places` and `kinds`: only these.
    """
    values: dict[str, Any] = {"since": since, "limit": FETCH_ROWS}
    values["hosts"] = None if places is None else list(places.hosts)
    values["urls"] = [] if places is None else [pack(url) for url in places.urls]
    values["kinds"] = None if kinds is None else list(kinds)
    while True:
        with conn.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(SQL["list_events"], values | {"after": after}).fetchall()
        if not rows:
            return
        after = rows[-1]["id"]
        shown = _places(conn, [row["id"] for row in rows if row["sha256_after"]])
        yield [_event(row, shown.get(row["id"], (None, ()))) for row in rows]


def _places(conn: psycopg.Connection, ids: list[int]) -> dict[int, tuple[str, tuple[int, ...]]]:
    rows = conn.execute(SQL["places_of_events"], {"ids": ids}) if ids else ()
    return {number: (unpack(page), tuple(evidence)) for number, page, evidence in rows}


def _values(event: NewEvent) -> dict[str, Any]:
    values = asdict(event) | {"url": pack(event.url), "names": list(event.names)}
    for name in ("text_before", "text_after"):
        if values[name] is not None:
            values[name] = pack(values[name][:MOST_TEXT])
    return values


def _event(row: dict[str, Any], place: tuple[str | None, tuple[int, ...]]) -> Event:
    texts = {
        name: None if row[name] is None else unpack(row[name])
        for name in ("url", "text_before", "text_after")
    }
    pieces = {
        name: None if row[name] is None else evidence_from_row(**row[name])
        for name in ("evidence_before", "evidence_after")
    }
    names = {"names": tuple(row["names"])}
    return Event(**{**row, **texts, **pieces, **names}, page_url=place[0], evidence_there=place[1])

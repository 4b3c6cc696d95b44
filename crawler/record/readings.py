"""Records the readings of a visit, and the events that they show, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg import Connection

from crawler.record.changes import Signals, events_between, latest_after, takes_back
from registry.db import events, held, history, url_readings
from registry.db.event_rows import Compared, NewEvent
from registry.db.records import Stored
from registry.db.rows import EvidenceRow
from registry.db.url_readings import Had
from registry.model import Signal, UrlReading
from registry.signals import read
from registry.snapshot.marks import reserving

# A picture that so many complete visits in a row did not see is stale.
STALE_VISITS = 3


def record_readings(
    conn: Connection,
    visit_id: int,
    readings: Sequence[UrlReading],
    stored: Stored,
    *,
    is_first: bool,
) -> None:
    """Compare readings with those before; store the latest ones, and the events.

    `stored` names their evidence and pictures. `is_first`: the site was not visited before.
    Readings that take something back are held until the visit is judged (`release`).
    """
    marks = [_reserving(reading) for reading in readings]
    compared, had = url_readings.compare(conn, visit_id, readings, marks, stored)
    signals = _signals(conn, compared, is_first=is_first)
    kept, lost = list[Compared](), list[Compared]()
    for one in compared:
        (lost if takes_back(one, signals) else kept).append(one)
    if had != Had():
        held.hold(conn, visit_id, had, readings, lost)
    _take(conn, visit_id, kept, signals, is_first=is_first)


def release(conn: Connection, visit_id: int) -> None:
    """Take the held readings of a visit, and store their events."""
    compared = held.held(conn, visit_id)
    signals = _signals(conn, compared, is_first=False)
    _take(conn, visit_id, compared, signals, is_first=False)
    held.drop(conn, visit_id)


def record_stale(conn: Connection, visit_id: int, ended: datetime) -> None:
    """Store the events of pictures that the last visits of a plan did not see.

    `visit_id` is its last visit, which ended at `ended`.
    """
    stale = url_readings.become_stale(conn, visit_id, STALE_VISITS)
    found = [
        NewEvent(ended, "picture-stale", one.url, since=one.since, image_before=one.image_id)
        for one in stale
    ]
    events.add_events(conn, visit_id, found)


def _take(
    conn: Connection,
    visit_id: int,
    compared: Sequence[Compared],
    signals: Signals,
    *,
    is_first: bool,
) -> None:
    latest = [(one, latest_after(one)) for one in compared if one.before is not None]
    changed = [(one.reading, now) for one, now in latest if now != one.before]
    url_readings.change(conn, visit_id, changed)
    found = [e for one in compared for e in events_between(one, signals, is_first=is_first)]
    events.add_events(conn, visit_id, found)


def _reserving(reading: UrlReading) -> int:
    return reserving(s for piece in reading.evidence for s in read(piece).signals)


def _signals(conn: Connection, compared: Sequence[Compared], *, is_first: bool) -> Signals:
    """Return the signals of the evidence in which marks may have changed, by its id."""
    ids: set[int] = set()
    for one in compared:
        before = one.before
        if before is None:
            ids.update(one.now.evidence if one.reading.about == "site" and not is_first else ())
        elif before.evidence != one.now.evidence:
            ids.update(before.evidence, one.now.evidence)
    return history.read_evidence(conn, ids, _read)[0] if ids else {}


def _read(row: EvidenceRow) -> tuple[Signal, ...]:
    return read(row.evidence()).signals

"""Sites that are due, for tests of who visits them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psycopg

from crawler.record import database as recorder
from crawler.record.database import Recorder
from crawler.record.schedules import DueVisit, add_all
from registry.db import schedules
from registry.db.schedules import Schedule, Terms
from registry.db.session import Session

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def terms(name: str, path: str = "", **changed: Any) -> Terms:
    values: dict[str, Any] = {"every": 7 * DAY} | changed
    return Terms("gallery", f"https://{name}.example/{path}", f"{name}.example", **values)


def due(conn: psycopg.Connection, *wanted: Terms, hours: float = 100) -> list[int]:
    """Add schedules that are due, the first for `hours`, each other for a minute less."""
    ids = [schedule.id for _, schedule in add_all(wanted)]
    for number, schedule_id in enumerate(ids):
        since = timedelta(hours=hours) - number * MINUTE
        conn.execute(
            "UPDATE schedule SET next_due_at = clock_timestamp() - %s WHERE id = %s",
            [since, schedule_id],
        )
    return ids


def closed_night(conn: psycopg.Connection) -> str:
    """Return hours that begin two to three hours from now."""
    hour = schedules.now(conn).hour
    return f"{(hour + 3) % 24}-{(hour + 5) % 24}"


def schedule(conn: psycopg.Connection, schedule_id: int) -> Schedule:
    return schedules.list_schedules(conn, ids=[schedule_id])[0]


def names(claimed: Sequence[DueVisit]) -> list[str]:
    return [visit.host.removesuffix(".example") for visit in claimed]


def begun(visit: DueVisit) -> Recorder:
    """Begin a claimed visit in a session of its own, which is not closed."""
    record = recorder.begin(Session(), visit.plan, visit.claim, "test")
    record.patience = (0, 0)
    return record


def states(conn: psycopg.Connection) -> list[str]:
    return [state for (state,) in conn.execute("SELECT state FROM visit ORDER BY id")]

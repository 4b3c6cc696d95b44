"""What an operator wants to know of the scheduled sites, and of the workers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from registry.db.held import suspects
from registry.db.known_rows import Extent
from registry.db.sql import load
from registry.db.values import unpack
from registry.db.visits import SILENCE

SQL = load("status")
# The time over which numbers are compared, and events are counted.
TREND = timedelta(days=30)
RECENT = timedelta(days=7)
# Longest time of a query for `numbers`, which may be asked every few seconds.
MOST_TIME = "2s"


@dataclass(frozen=True, slots=True)
class SiteState:
    """One schedule with its visits; what none of them said is None.

    The last visit is the one that began last; `pages_at`, `counts`, `seconds` and `totals` are
    those of the last one to pages that ended, `totals_before` of the first such one in the time
    of the trend.
    """

    id: int
    spider: str
    start_url: str
    host: str
    options: Mapping[str, Any]
    next_due_at: datetime
    pages_due_at: datetime
    paused_at: datetime | None
    visit_id: int | None
    state: str | None
    extent: Extent | None
    started_at: datetime | None
    finished_at: datetime | None
    suspicions: Mapping[str, str] | None
    worker: str | None
    pages_at: datetime | None
    counts: Mapping[str, int] | None
    seconds: float | None
    totals: Mapping[str, int] | None
    totals_before: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class WorkerAlive:
    """A worker: most visits that it makes at a time, and those now; `seen_at` is its last sign."""

    name: str
    started_at: datetime
    seen_at: datetime
    concurrency: int
    visits: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """How all schedules and workers are, in numbers.

    `due` schedules are due and not being visited, the first of them since `behind` seconds.
    `visits` are in progress. `suspect` sites had a visit that found too little, which no later
    one has judged.
    """

    schedules: int
    paused: int
    due: int
    behind: float
    visits: int
    workers: int
    suspect: int


def site_states(conn: psycopg.Connection, ids: Sequence[int] | None = None) -> list[SiteState]:
    """Return the states of all scheduled sites, or of some schedules."""
    values = {"trend": TREND, "ids": None if ids is None else list(ids)}
    with conn.cursor(row_factory=class_row(SiteState)) as cursor:
        rows = cursor.execute(SQL["site_states"], values).fetchall()
    return [replace(row, start_url=unpack(row.start_url)) for row in rows]


def numbers(conn: psycopg.Connection) -> Numbers:
    """Return the numbers of all workers. Raises DatabaseUnavailable if a query takes too long."""
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute(SQL["limit_time"], {"limit": MOST_TIME})
        row = cursor.execute(SQL["numbers"], {"silence": SILENCE}).fetchone()
        assert row is not None
        plans = {(one.host, one.start_url, one.spider) for one in suspects(conn)}
    return Numbers(**row, suspect=len(plans))


def sign(conn: psycopg.Connection, name: str, *, concurrency: int, visits: int) -> None:
    """Record that a worker is alive, and how many visits it makes."""
    values = {"name": name, "concurrency": concurrency, "visits": visits}
    conn.execute(SQL["sign_of_worker"], values)


def forget_worker(conn: psycopg.Connection, name: str) -> None:
    """Forget a worker that ends, and those that gave no sign for a day."""
    conn.execute(SQL["forget_worker"], {"name": name})


def workers_alive(conn: psycopg.Connection) -> list[WorkerAlive]:
    """Return the workers that gave a sign of late, by name."""
    with conn.cursor(row_factory=class_row(WorkerAlive)) as cursor:
        return cursor.execute(SQL["workers_alive"], {"silence": SILENCE}).fetchall()


def recent_events(conn: psycopg.Connection, hosts: Collection[str] | None = None) -> dict[str, int]:
    """Return the number of events of each kind in the last days, of all hosts or of these."""
    values = {"since": RECENT, "hosts": None if hosts is None else list(hosts)}
    return dict(conn.execute(SQL["events_since"], values).fetchall())

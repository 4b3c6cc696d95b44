"""Schedules: which sites are visited again, how often, and when next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from registry.db.known_rows import Extent
from registry.db.sql import load
from registry.db.values import pack, unpack

SQL = load("schedules")
# Any number of 63 bits that no other lock of this program has (`registry.db.visits`).
SCHEDULES_LOCK = 0x7363686564756C65
# Ids of PostgreSQL's bigint have at most this many digits; a longer number is no id.
_ID_DIGITS = 18

Action = Literal["pause", "resume", "remove", "run_now"]
_ACTIONS: dict[Action, str] = {
    "pause": SQL["pause_schedules"],
    "resume": SQL["resume_schedules"],
    "remove": SQL["remove_schedules"],
    "run_now": SQL["run_schedules_now"],
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a schedule says: the visit to make, how often, and with which options.

    Either `every` or `cron` is given; `least` and `most` only together, with `every`.
    `site_files` is the interval of the site files, None for the default.
    """

    spider: str
    start_url: str
    host: str
    every: timedelta | None = None
    least: timedelta | None = None
    most: timedelta | None = None
    cron: str | None = None
    night: str | None = None
    timezone: str = "UTC"
    site_files: timedelta | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VisitMade:
    """A visit of a schedule; `finished_at` and `counts` are None until it ends."""

    id: int
    state: str
    extent: Extent
    started_at: datetime
    finished_at: datetime | None
    counts: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule in the database, with its last visit.

    `visits`, `changed` and `days` are the estimate of its rate of change
    (`crawler.schedule.rates`). A visit that asks for pages is due at `pages_due_at`, for those
    that `extent` names; in between, only the site files are asked for.
    """

    id: int
    terms: Terms
    visits: float
    changed: float
    days: float
    added_at: datetime
    next_due_at: datetime
    pages_due_at: datetime
    extent: Extent
    is_urgent: bool
    paused_at: datetime | None
    last_visit: VisitMade | None

    @property
    def next_extent(self) -> Extent:
        """Return what the next visit asks for."""
        return self.extent if self.pages_due_at <= self.next_due_at else "site-files"


def now(conn: psycopg.Connection) -> datetime:
    """Return the database's time, the only clock of the schedules."""
    row = conn.execute(SQL["now"]).fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def lock(conn: psycopg.Connection) -> None:
    """Let no other transaction add schedules until this one ends."""
    conn.execute(SQL["lock_schedules"], {"key": SCHEDULES_LOCK})


def schedules_of(conn: psycopg.Connection, plans: Sequence[tuple[str, str]]) -> list[Schedule]:
    """Return the schedules of these plans, each a spider and a start URL."""
    values = {"spiders": [s for s, _ in plans], "start_urls": [pack(url) for _, url in plans]}
    return _with_ids(conn, [row[0] for row in conn.execute(SQL["schedules_of_plans"], values)])


def list_schedules(
    conn: psycopg.Connection,
    *,
    ids: Sequence[int] | None = None,
    paused: bool = False,
    due: bool = False,
) -> list[Schedule]:
    """Return schedules by id: all, or those of `ids`, those that are paused or due now."""
    values = {"ids": None if ids is None else list(ids), "paused": paused, "due": due}
    with conn.cursor(row_factory=dict_row) as cursor:
        return [_schedule(row) for row in cursor.execute(SQL["list_schedules"], values)]


def named(conn: psycopg.Connection, name: str) -> list[int]:
    """Return the ids of the schedules with this id, start URL, host or spider."""
    is_id = name.isascii() and name.isdigit() and len(name) <= _ID_DIGITS
    values = {"number": int(name) if is_id else None, "name": pack(name)}
    return [row[0] for row in conn.execute(SQL["named_schedules"], values)]


def add(conn: psycopg.Connection, added: Sequence[tuple[Terms, datetime]]) -> None:
    """Add schedules, each with the time when its first visit is due."""
    with conn.cursor() as cursor:
        cursor.executemany(SQL["add_schedule"], [_values(terms, due) for terms, due in added])


def change(conn: psycopg.Connection, changed: Sequence[tuple[int, Terms, datetime]]) -> None:
    """Change schedules: their terms, and the time when their next visit is due."""
    rows = [_values(terms, due) | {"id": number} for number, terms, due in changed]
    with conn.cursor() as cursor:
        cursor.executemany(SQL["change_schedule"], rows)


def apply(
    conn: psycopg.Connection,
    action: Action,
    ids: Sequence[int],
) -> list[int]:
    """Pause, resume or remove schedules, or let them be due now; return the ids of the changed.

    Paused schedules are not due, and stay paused with `run_now`.
    """
    return sorted(row[0] for row in conn.execute(_ACTIONS[action], {"ids": list(ids)}))


def due(conn: psycopg.Connection, *, urgent: bool, limit: int) -> list[Schedule]:
    """Return at most `limit` due schedules of hosts without a visit in progress, and lock them.

    Those that are due for the longest time are first; those that another transaction has
    locked are left out. `urgent` ones are due at once, also outside of their nights.
    """
    rows = conn.execute(SQL["due_schedules"], {"urgent": urgent, "limit": limit}).fetchall()
    found = {schedule.id: schedule for schedule in _with_ids(conn, [row[0] for row in rows])}
    return [found[row[0]] for row in rows]


def locked(conn: psycopg.Connection, *, spider: str, start_url: str) -> Schedule | None:
    """Return the schedule of a plan and lock it; None if there is none."""
    plan = {"spider": spider, "start_url": pack(start_url)}
    row = conn.execute(SQL["lock_schedule"], plan).fetchone()
    return _with_ids(conn, [row[0]])[0] if row else None


def settle(
    conn: psycopg.Connection,
    schedule_id: int,
    *,
    next_due_at: datetime,
    pages_due_at: datetime,
    extent: Extent,
) -> None:
    """Say when the next visit is due, and when the next that asks for pages, and for which."""
    due = {"next_due_at": next_due_at, "pages_due_at": pages_due_at}
    conn.execute(SQL["settle_schedule"], due | {"id": schedule_id, "extent": extent})


def delay(conn: psycopg.Connection, schedule_id: int, next_due_at: datetime) -> None:
    """Let the next visit be due at another time; a schedule that is urgent stays so."""
    conn.execute(SQL["delay_schedule"], {"id": schedule_id, "next_due_at": next_due_at})


def estimate(
    conn: psycopg.Connection, schedule_id: int, visits: float, changed: float, days: float
) -> None:
    """Store the estimate of a site's rate of change."""
    values = {"id": schedule_id, "visits": visits, "changed": changed, "days": days}
    conn.execute(SQL["estimate_changes"], values)


def last_visits(conn: psycopg.Connection, schedule_id: int, limit: int) -> list[VisitMade]:
    """Return the newest visits of a schedule's site, newest first."""
    values = {"id": schedule_id, "limit": limit}
    return [VisitMade(*row) for row in conn.execute(SQL["visits_of_schedule"], values)]


def _with_ids(conn: psycopg.Connection, ids: Sequence[int]) -> list[Schedule]:
    return list_schedules(conn, ids=ids) if ids else []


def _values(terms: Terms, due: datetime) -> dict[str, Any]:
    packed = {"start_url": pack(terms.start_url), "options": Jsonb(dict(terms.options))}
    return asdict(terms) | packed | {"pages_due_at": due}


def _schedule(row: dict[str, Any]) -> Schedule:
    last = None
    if row["visit_id"] is not None:
        names = ("visit_id", "state", "visit_extent", "started_at", "finished_at", "counts")
        last = VisitMade(*(row[name] for name in names))
    terms = {name: row[name] for name in Terms.__dataclass_fields__}
    state = {
        name: row[name]
        for name in Schedule.__dataclass_fields__
        if name not in {"terms", "last_visit"}
    }
    terms["start_url"] = unpack(terms["start_url"])
    return Schedule(**state, terms=Terms(**terms), last_visit=last)

"""Visits: their start and end, who holds them, and their journals.

All functions need a connection of `registry.db.connect.connect` (autocommit). A visit is
held by the session of its owner, and each write names its token: once another process has
taken the visit, the owner before cannot write, even if it only slept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import psycopg
from psycopg.types.json import Jsonb

from registry.db.sql import load
from registry.db.values import pack
from registry.errors import RegistryError

SQL = load("visits")
# Any number of 31 bits; it only has to be the same in every version of this program.
VISIT_LOCKS = 0x76697369
# Seconds since its start after which a killed visit is not resumed.
RESUMABLE_SECONDS = 86_400
# Longest pause of a visit's owner inside a transaction; the server then ends its session.
IDLE = "15s"
# A visit is `running` until it ends in one of these, or is found `killed`.
State = Literal["finished", "interrupted", "failed"]


class VisitLost(RegistryError):
    """Another process has taken the visit."""

    exit_code = 3
    hint = "nothing was lost: the other process continues it"


@dataclass(frozen=True, slots=True)
class Taken:
    """A killed visit that this process continues.

    `seconds` is the time that it took before, `journal` its packed results in order.
    """

    visit_id: int
    token: int
    seconds: float
    journal: tuple[bytes, ...]


def start_visit(
    conn: psycopg.Connection,
    *,
    spider: str,
    start_url: str,
    host: str,
    user_agent: str,
    started_at: datetime,
) -> int:
    """Record that a visit has begun and return its id; its token is 1.

    It counts as running while the session of `conn` exists: the session holds a lock of
    the server that is freed with it, however it ends.
    """
    values = {
        "spider": spider,
        "start_url": pack(start_url),
        "host": host,
        "user_agent": user_agent,
        "started_at": started_at,
    }
    with conn.transaction():
        row = conn.execute(SQL["start_visit"], values).fetchone()
        assert row is not None  # INSERT ... RETURNING
        # Before anybody else can see the visit.
        hold_visit(conn, row[0])
        drop_journals(conn, row[0])
    return int(row[0])


def take_unfinished(
    conn: psycopg.Connection, *, spider: str, start_url: str, host: str
) -> Taken | None:
    """Take the newest killed visit of this plan, with its journal; None if there is none."""
    plan = {"spider": spider, "start_url": pack(start_url), "host": host}
    with conn.transaction():
        row = conn.execute(
            SQL["unfinished_visit"], plan | {"seconds": RESUMABLE_SECONDS}
        ).fetchone()
        taken = row and conn.execute(SQL["take_visit"], {"visit_id": row[0]}).fetchone()
        if not row or not taken:
            return None
        hold_visit(conn, row[0])
        parts = conn.execute(SQL["read_journal"], {"visit_id": row[0]}).fetchall()
    token, seconds = taken
    return Taken(row[0], token, seconds, tuple(part for (part,) in parts))


def hold_visit(conn: psycopg.Connection, visit_id: int) -> bool:
    """Hold a visit with this session; return False if another session still holds it."""
    row = conn.execute(SQL["hold_visit"], {"key": _lock_key(visit_id), "idle": IDLE}).fetchone()
    return bool(row and row[0])


def confirm(conn: psycopg.Connection, visit_id: int, token: int, seconds: float) -> None:
    """Begin a write of the visit's owner, inside its transaction. Raises VisitLost.

    `seconds` is the time that the visit has taken.
    """
    values = {"visit_id": visit_id, "token": token, "seconds": seconds}
    if conn.execute(SQL["confirm_visit"], values).fetchone() is None:
        raise VisitLost(f"visit {visit_id} was taken by another process")


def add_journal(conn: psycopg.Connection, visit_id: int, part: int, results: bytes) -> bool:
    """Add a part of a visit's journal; return False if it is there already."""
    values = {"visit_id": visit_id, "part": part, "results": results}
    return conn.execute(SQL["add_journal"], values).fetchone() is not None


def mark_killed(conn: psycopg.Connection) -> list[int]:
    """Mark running visits without a session as `killed`, and return their ids.

    The session of `conn` must not hold a visit itself, which would be marked, too.
    """
    marked = []
    for (visit_id,) in conn.execute(SQL["running_visits"]).fetchall():
        with conn.transaction():
            row = conn.execute(SQL["is_abandoned"], {"key": _lock_key(visit_id)}).fetchone()
            if row and row[0]:
                conn.execute(SQL["mark_killed"], {"visit_id": visit_id})
                marked.append(visit_id)
    return marked


def _lock_key(visit_id: int) -> int:
    """Return the key of a visit's lock, which no other lock of this program has."""
    return VISIT_LOCKS << 32 | visit_id & 0xFFFF_FFFF


def last_visit(
    conn: psycopg.Connection, *, spider: str, start_url: str, host: str
) -> datetime | None:
    """Return when the last such visit was finished, None where there was none."""
    values = {"spider": spider, "start_url": pack(start_url), "host": host}
    row = conn.execute(SQL["last_visit"], values).fetchone()
    return row[0] if row else None


def finish_visit(
    conn: psycopg.Connection,
    visit_id: int,
    *,
    state: State,
    finished_at: datetime,
    counts: Mapping[str, int],
) -> None:
    """Record how and when a visit ended, with its counts; drop its journal."""
    values = {
        "visit_id": visit_id,
        "state": state,
        "finished_at": finished_at,
        "counts": Jsonb(dict(counts)),
    }
    conn.execute(SQL["finish_visit"], values)
    drop_journals(conn, visit_id)


def drop_journals(conn: psycopg.Connection, visit_id: int) -> None:
    """Drop the journal of a visit, and of killed ones of the same plan before it."""
    conn.execute(SQL["drop_journals"], {"visit_id": visit_id})

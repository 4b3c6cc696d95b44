"""Visits: who has them, their start and end, and their journals.

All functions need a connection of `registry.db.connect.connect` (autocommit). A host has at
most one visit in progress. A process claims a visit, which gives it the visit's token, and
begins it, after which its session holds the visit. Each write names the token: once another
process has claimed the visit, the owner before cannot write, even if it only slept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

import psycopg
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from registry.db.known_rows import Extent
from registry.db.sql import load
from registry.db.values import pack
from registry.errors import RegistryError

SQL = load("visits")
# Any number of 31 bits; it only has to be the same in every version of this program.
VISIT_LOCKS = 0x76697369
# Seconds since its start after which a killed visit is not resumed.
RESUMABLE_SECONDS = 86_400
# Seconds without a sign of its owner after which a visit counts as killed.
SILENCE = 60.0
# Seconds that the visit of a worker may be without a session: it begins another after a
# restart of the server.
PATIENCE = 20.0
# Longest pause of a visit's owner inside a transaction; the server then ends its session.
IDLE = "15s"
# Visits of a plan that are kept in any case: so many to pages, and to site files alone.
KEPT = 50
# Any number of 63 bits that no other lock of this program has.
FORGETTING_LOCK = 0x666F7267657474
# Longest time of the query that forgets visits; it reads what may name them once.
MOST_FORGETTING = "10min"
# How a visit ends; before, it is `claimed`, `running`, found `killed`, or `given_back`.
State = Literal["finished", "suspect", "interrupted", "failed"]


class VisitLost(RegistryError):
    """Another process has taken the visit."""

    exit_code = 3
    hint = "nothing was lost: the other process continues it"


class HostBusy(RegistryError):
    """The host has a visit in progress."""

    exit_code = 3
    hint = "wait for its end; a visit whose process is gone is found within a minute"


class Claim(NamedTuple):
    """A visit that one process may begin; `crashes` counts the processes that it ended."""

    visit_id: int
    token: int
    crashes: int = 0


class Span(NamedTuple):
    """The time of a visit that ended."""

    started_at: datetime
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """A visit that this process has begun, or continues.

    `seconds` is the time that it took before, `journal` its packed results in order.
    """

    seconds: float
    extent: Extent
    started_at: datetime
    journal: tuple[bytes, ...]


def limit_idle(conn: psycopg.Connection) -> None:
    """Let the transaction fail if its owner pauses: others wait for the rows that it locked."""
    conn.execute(SQL["limit_idle"], {"idle": IDLE})


def claim(
    conn: psycopg.Connection,
    *,
    spider: str,
    start_url: str,
    host: str,
    extent: Extent = "full",
    worker: str | None = None,
) -> Claim | None:
    """Claim the newest visit of this plan and extent if it is unfinished, else a new one.

    None if the host has a visit in progress; `busy` says which. `worker` is the name of the
    worker that claims it.
    """
    plan: dict[str, object] = {"spider": spider, "start_url": pack(start_url), "host": host}
    plan |= {"worker": worker, "extent": extent}
    try:
        with conn.transaction():
            row = conn.execute(
                SQL["unfinished_visit"], plan | {"seconds": RESUMABLE_SECONDS}
            ).fetchone()
            if row is not None:
                values = {"visit_id": row[0], "worker": worker}
                row = conn.execute(SQL["claim_unfinished"], values).fetchone()
            if row is None:
                row = conn.execute(SQL["claim_visit"], plan).fetchone()
                if row is not None:
                    drop_journals(conn, row[0])
    except UniqueViolation:
        return None
    return Claim(*row) if row else None


def busy(conn: psycopg.Connection, host: str) -> HostBusy:
    """Return the error for a host that has a visit in progress."""
    row = conn.execute(SQL["visit_in_progress"], {"host": host}).fetchone()
    which = ""
    if row is not None:
        visit_id, started_at, worker = row
        by = f" by worker {worker}" if worker else ""
        which = f" (visit {visit_id}{by}, since {started_at:%Y-%m-%d %H:%M} UTC)"
    return HostBusy(f"{host} is being visited{which}")


def begin(conn: psycopg.Connection, claimed: Claim, user_agent: str) -> Begun:
    """Begin or continue a claimed visit, which the session of `conn` then holds.

    Raises VisitLost if it is not this claim's any more.
    """
    visit_id, token, _ = claimed
    values = {"visit_id": visit_id, "token": token, "user_agent": user_agent}
    with conn.transaction():
        row = conn.execute(SQL["begin_visit"], values).fetchone()
        if row is None:
            raise _lost(visit_id)
        # Before anybody else can see that it is running.
        hold_visit(conn, visit_id, token)
        parts = conn.execute(SQL["read_journal"], {"visit_id": visit_id}).fetchall()
    seconds, extent, started_at = row
    return Begun(seconds, extent, started_at, tuple(part for (part,) in parts))


def hold_visit(conn: psycopg.Connection, visit_id: int, token: int) -> bool:
    """Hold a visit with this session; return False if a lost one of its owner still holds it."""
    values = {"key": _lock_key(visit_id, token), "idle": IDLE}
    row = conn.execute(SQL["hold_visit"], values).fetchone()
    return bool(row and row[0])


def let_go(conn: psycopg.Connection, visit_id: int, token: int) -> None:
    """Hold a visit no more; if it has not ended, it is found killed."""
    conn.execute(SQL["let_go_visit"], {"key": _lock_key(visit_id, token)})


def confirm(conn: psycopg.Connection, visit_id: int, token: int, seconds: float) -> None:
    """Begin a write of the visit's owner, inside its transaction. Raises VisitLost.

    `seconds` is the time that the visit has taken.
    """
    values = {"visit_id": visit_id, "token": token, "seconds": seconds}
    try:
        row = conn.execute(SQL["confirm_visit"], values).fetchone()
    except UniqueViolation:
        # It was found killed, and another visit of its host has begun since.
        row = None
    if row is None:
        raise _lost(visit_id)


def add_journal(conn: psycopg.Connection, visit_id: int, part: int, results: bytes) -> bool:
    """Add a part of a visit's journal; return False if it is there already."""
    values = {"visit_id": visit_id, "part": part, "results": results}
    return conn.execute(SQL["add_journal"], values).fetchone() is not None


def mark_killed(conn: psycopg.Connection, spared: Sequence[int] = ()) -> list[int]:
    """Mark visits in progress whose owner is gone or silent as `killed`; return their ids.

    `spared` are ids of visits that are alive.
    """
    values = {
        "silence": SILENCE,
        "patience": PATIENCE,
        "locks": VISIT_LOCKS,
        "spared": list(spared),
    }
    abandoned = conn.execute(SQL["abandoned_visits"], values).fetchall()
    if not abandoned:
        return []
    named = {"visits": [row[0] for row in abandoned], "tokens": [row[1] for row in abandoned]}
    return sorted(row[0] for row in conn.execute(SQL["mark_killed"], named).fetchall())


def give_back(conn: psycopg.Connection, visit_id: int, token: int) -> None:
    """Record that a visit goes on later, in another process."""
    conn.execute(SQL["give_back_visit"], {"visit_id": visit_id, "token": token})


def seize(conn: psycopg.Connection, claimed: Claim) -> bool:
    """Lock a visit of this claim that has not ended; return whether there is one."""
    values = {"visit_id": claimed.visit_id, "token": claimed.token}
    return conn.execute(SQL["seize_visit"], values).fetchone() is not None


def extent_of(conn: psycopg.Connection, visit_id: int) -> Extent:
    """Return what a visit asks for."""
    row = conn.execute(SQL["extent_of_visit"], {"visit_id": visit_id}).fetchone()
    assert row is not None  # the visit exists
    extent: Extent = row[0]
    return extent


def has_ended(conn: psycopg.Connection, visit_id: int, token: int) -> bool:
    """Return whether this owner has ended or given back the visit."""
    row = conn.execute(SQL["has_ended"], {"visit_id": visit_id, "token": token}).fetchone()
    return bool(row and row[0])


def mark_crashed(conn: psycopg.Connection, claims: Sequence[Claim]) -> dict[int, int]:
    """Mark visits whose process crashed as killed; return the number of crashes of each."""
    values = {"visits": [c.visit_id for c in claims], "tokens": [c.token for c in claims]}
    return dict(conn.execute(SQL["visits_crashed"], values).fetchall())


def _lock_key(visit_id: int, token: int) -> int:
    """Return the key of the lock of a visit's owner; `mark_killed` has the same in SQL.

    If two visits share one, millions of visits apart, a dead one is found by its silence.
    """
    return VISIT_LOCKS << 32 | (visit_id << 8 | token & 0xFF) & 0xFFFF_FFFF


def _lost(visit_id: int) -> VisitLost:
    return VisitLost(f"visit {visit_id} was taken by another process")


def suspicions_of(conn: psycopg.Connection, visit_id: int) -> Mapping[str, str]:
    """Return what the monitors say of a visit that ended, by their names."""
    row = conn.execute(SQL["suspicions_of_visit"], {"visit_id": visit_id}).fetchone()
    said: Mapping[str, str] = (row and row[0]) or {}
    return said


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
    counts: Mapping[str, int],
) -> Span:
    """Record how a visit ended, with its counts, and drop its journal; return its time."""
    values = {"visit_id": visit_id, "state": state, "counts": Jsonb(dict(counts))}
    row = conn.execute(SQL["finish_visit"], values).fetchone()
    assert row is not None  # the visit exists
    drop_journals(conn, visit_id)
    return Span(*row)


def drop_journals(conn: psycopg.Connection, visit_id: int) -> None:
    """Drop the journal of a visit, and of unfinished ones of the same plan before it."""
    conn.execute(SQL["drop_journals"], {"visit_id": visit_id})


def forget_old(conn: psycopg.Connection, kept: int = KEPT) -> int:
    """Delete old visits of each plan that nothing names; return their number.

    The last `kept` visits to pages stay, as many to site files alone, and all that have found
    something new, were the last to see something, or are suspect. Deletes nothing if another
    process does.
    """
    values = {"key": FORGETTING_LOCK, "limit": MOST_FORGETTING}
    with conn.transaction():
        row = conn.execute(SQL["lock_forgetting"], values).fetchone()
        if not row or not row[0]:
            return 0
        return conn.execute(SQL["forget_visits"], {"kept": kept}).rowcount

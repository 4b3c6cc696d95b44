"""Judges a visit when it ends: whether what it takes back counts, in the transaction of its end.

What a visit adds counts at once. What it takes back, a removed mark or a picture that is gone,
is held until the monitors have compared the visit with the site's own history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection

from crawler.monitors import falls_from_json, is_lasting, suspicions
from crawler.record.readings import record_stale, release
from registry.db import held, known_pages
from registry.db.held import Suspect
from registry.errors import UsageError


class Judged(NamedTuple):
    """What the monitors say of a visit, by their names; empty if it counts.

    `tries` is the number of suspect visits in a row, this one among them.
    """

    suspicions: Mapping[str, str]
    tries: int = 0


def judge(conn: Connection, visit_id: int) -> Judged:
    """Judge a visit that has finished: accept it, or record it as suspect."""
    found = held.falls(conn, visit_id)
    held.set_falls(conn, visit_id, found)
    history = [falls_from_json(stored) for stored in held.earlier_falls(conn, visit_id)]
    said = suspicions(falls_from_json(found), history)
    held.drop_earlier(conn, visit_id)
    before = held.earlier_suspicions(conn, visit_id) if said else []
    if said and not is_lasting(said, before):
        held.suspect(conn, visit_id, said)
        return Judged(said, len(before) + 1)
    return Judged({})


def settle_finished(conn: Connection, visit_id: int, ended: datetime) -> None:
    """Let what a finished visit takes back count, and compare the next one with what it found."""
    release(conn, visit_id)
    held.accept_pages(conn, visit_id)
    record_stale(conn, visit_id, ended)
    known_pages.forget(conn, visit_id)


def accept(conn: Connection, named: Sequence[str]) -> list[Suspect]:
    """Accept the suspect visits that are named by id, start URL or host; all of them or none.

    Return them. Raises UsageError for a name that names none.
    """
    with conn.transaction():
        known = held.suspects(conn)
        wanted: dict[int, Suspect] = {}
        for name in named:
            found = [one for one in known if name in (str(one.id), one.start_url, one.host)]
            if not found:
                raise UsageError(
                    f"{name}: no suspect visit", "`crawler suspect list` shows the suspect visits"
                )
            wanted |= {one.id: one for one in found}
        for visit_id in sorted(wanted):
            ended = held.finish(conn, visit_id)
            if ended is not None:
                settle_finished(conn, visit_id, ended)
                held.set_totals(conn, visit_id)
    return list(wanted.values())

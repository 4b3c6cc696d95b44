"""Judges a visit when it ends: whether what it takes back counts, in the transaction of its end.

What a visit adds counts at once. What it takes back, a removed mark or a picture that is gone,
is held until the monitors have compared the visit with the site's own history.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from psycopg import Connection

from crawler.monitors import falls_from_json, is_lasting, suspicions
from crawler.record.readings import release
from registry.db import held
from registry.db.known_rows import Extent


class Judged(NamedTuple):
    """What the monitors say of a visit, by their names; empty if it counts.

    `tries` is the number of suspect visits in a row, this one among them.
    """

    suspicions: Mapping[str, str]
    tries: int = 0


def judge(conn: Connection, visit_id: int, extent: Extent) -> Judged:
    """Judge a visit that has finished: accept it, or record it as suspect."""
    found = held.falls(conn, visit_id)
    held.set_falls(conn, visit_id, found)
    history = [falls_from_json(stored) for stored in held.earlier_falls(conn, visit_id)]
    said = suspicions(falls_from_json(found), history)
    if extent != "site-files":
        held.drop_earlier(conn, visit_id)
    before = held.earlier_suspicions(conn, visit_id) if said else []
    if said and not is_lasting(said, before):
        held.suspect(conn, visit_id, said)
        return Judged(said, len(before) + 1)
    accept(conn, visit_id)
    return Judged({})


def accept(conn: Connection, visit_id: int) -> None:
    """Let what a visit takes back count, and compare the next one with what it found."""
    release(conn, visit_id)
    held.accept_pages(conn, visit_id)

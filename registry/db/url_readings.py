"""The latest reading of each page, image and site file, with which the next one is compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import LiteralString

import psycopg

from registry.db.event_rows import Compared, Latest
from registry.db.sql import load
from registry.db.values import evidence_digest, reading_key, unpack
from registry.model import UrlReading

SQL = load("url_readings")


@dataclass(frozen=True, slots=True)
class Had:
    """Of the URLs of readings: how many had marks before, and how many images had a picture."""

    marks: int = 0
    pictures: int = 0


@dataclass(frozen=True, slots=True)
class StalePicture:
    """An image whose picture was not seen in the last visits."""

    url: str
    since: datetime
    image_id: int


def compare(
    conn: psycopg.Connection, visit_id: int, readings: Sequence[UrlReading], marks: Sequence[int]
) -> tuple[list[Compared], Had]:
    """Return the readings that are new or differ from those before, which stay locked.

    New ones are stored; of several of one URL the last counts. `marks` are the numbers of marks
    in each that reserve a use. Evidence and pictures must be stored. Inside the caller's
    transaction.
    """
    by_key = {reading_key(reading): reading for reading in readings}
    counted = {reading_key(reading): n for reading, n in zip(readings, marks, strict=True)}
    if not by_key:
        return [], Had()
    stored = zip(by_key, _stored_form(conn, list(by_key.values())), strict=True)
    now = {key: replace(one, marks=counted[key]) for key, one in stored}
    conn.execute(SQL["stage_readings"])
    with conn.cursor() as cursor, cursor.copy(SQL["copy_readings"]) as copy:
        for key, one in now.items():
            about, evidence = by_key[key].about, list(one.evidence)
            copy.write_row((key, about, one.since, evidence, one.image_id, one.refusal, one.marks))
    had = conn.execute(SQL["had_before"]).fetchone()
    added = [key for (key,) in conn.execute(SQL["add_readings"], {"visit_id": visit_id})]
    compared = [Compared(by_key[key], now[key], None) for key in added]
    for key, since, evidence, *rest in conn.execute(SQL["differing_readings"]):
        before = Latest(since, tuple(evidence), *rest)
        compared.append(Compared(by_key[key], now[key], before))
    return compared, Had(*had or ())


def change(
    conn: psycopg.Connection, visit_id: int, changed: Iterable[tuple[UrlReading, Latest]]
) -> None:
    """Store other latest readings; the rows of `compare` are locked."""
    rows = [
        {
            "key": reading_key(reading),
            "visit_id": visit_id,
            "about": reading.about,
            "marks": latest.marks,
            "since": latest.since,
            "evidence": list(latest.evidence),
            "image_id": latest.image_id,
            "refusal": latest.refusal,
            "is_stale": latest.is_stale,
        }
        for reading, latest in changed
    ]
    with conn.cursor() as cursor:
        cursor.executemany(SQL["change_reading"], rows)


def become_stale(conn: psycopg.Connection, visit_id: int, visits: int) -> list[StalePicture]:
    """Mark pictures as stale that the last complete visits of a plan did not see.

    `visit_id` is its last visit, which has ended; `visits` the number of visits. A picture that
    was last seen by another plan's visit is left to that plan. Returns the newly stale ones.
    """
    rows = conn.execute(SQL["become_stale"], {"visit_id": visit_id, "visits": visits})
    return [StalePicture(unpack(url), since, image_id) for url, since, image_id in rows]


def _stored_form(conn: psycopg.Connection, readings: Sequence[UrlReading]) -> list[Latest]:
    digests = [[evidence_digest(piece) for piece in reading.evidence] for reading in readings]
    wanted = {digest for of_one in digests for digest in of_one}
    evidence = _ids(conn, SQL["evidence_ids"], wanted)
    pictures = {bytes.fromhex(r.picture.sha256) for r in readings if r.picture}
    images = _ids(conn, SQL["image_ids"], pictures)
    return [
        Latest(
            reading.read_at,
            tuple(evidence[digest] for digest in of_one),
            images[bytes.fromhex(reading.picture.sha256)] if reading.picture else None,
            reading.refusal,
        )
        for reading, of_one in zip(readings, digests, strict=True)
    ]


def _ids(conn: psycopg.Connection, query: LiteralString, digests: set[bytes]) -> dict[bytes, int]:
    if not digests:
        return {}
    return dict(conn.execute(query, {"digests": list(digests)}).fetchall())

"""The latest reading of each page, image and site file, with which the next one is compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import psycopg
from psycopg.types.json import Json

from registry.db.event_rows import Compared, Latest
from registry.db.records import Stored
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
    conn: psycopg.Connection,
    visit_id: int,
    readings: Sequence[UrlReading],
    marks: Sequence[int],
    stored: Stored,
) -> tuple[list[Compared], Had]:
    """Return the readings that are new or differ from those before, which stay locked.

    New ones are stored; of several of one URL the last counts. `marks` are the numbers of marks
    in each that reserve a use. `stored` names their evidence and pictures. Inside the caller's
    transaction.
    """
    by_key = {reading_key(reading): reading for reading in readings}
    counted = {reading_key(reading): n for reading, n in zip(readings, marks, strict=True)}
    if not by_key:
        return [], Had()
    now = {key: _latest(reading, counted[key], stored) for key, reading in by_key.items()}
    before = _before(conn, SQL["readings_before"], list(now))
    added = _added(conn, visit_id, {key: by_key[key] for key in now if key not in before}, now)
    compared = [Compared(by_key[key], now[key], None) for key in now if key in added]
    # A key in neither was added by another session since.
    maybe = [k for k in now if k not in added and (k not in before or _differs(now[k], before[k]))]
    locked = _before(conn, SQL["lock_readings"], maybe) if maybe else {}
    compared += [
        Compared(by_key[key], now[key], one)
        for key, one in locked.items()
        if _differs(now[key], one)
    ]
    return compared, _had(by_key, before | locked)


def _before(
    conn: psycopg.Connection, query: LiteralString, keys: list[bytes]
) -> dict[bytes, Latest]:
    rows = conn.execute(query, {"keys": keys})
    return {key: Latest(since, tuple(evidence), *rest) for key, since, evidence, *rest in rows}


def _added(
    conn: psycopg.Connection,
    visit_id: int,
    missing: Mapping[bytes, UrlReading],
    now: Mapping[bytes, Latest],
) -> set[bytes]:
    """Store the readings that are missing; return the keys of those that still were."""
    if not missing:
        return set()
    rows = [
        {
            "key": rf"\x{key.hex()}",
            "about": reading.about,
            "since": now[key].since.isoformat(),
            "evidence": now[key].evidence,
            "image_id": now[key].image_id,
            "refusal": now[key].refusal,
            "marks": now[key].marks,
        }
        for key, reading in missing.items()
    ]
    values = {"visit_id": visit_id, "rows": Json(rows)}
    return {key for (key,) in conn.execute(SQL["add_readings"], values)}


def _differs(now: Latest, before: Latest) -> bool:
    is_known = not before.is_stale and before.marks is not None
    return not is_known or (now.evidence, now.image_id, now.refusal) != (
        before.evidence,
        before.image_id,
        before.refusal,
    )


def _had(readings: Mapping[bytes, UrlReading], before: Mapping[bytes, Latest]) -> Had:
    marks = sum((one.marks or 0) > 0 for one in before.values())
    images = (one for key, one in before.items() if readings[key].about == "image")
    return Had(marks, sum(one.image_id is not None for one in images))


def _latest(reading: UrlReading, marks: int, stored: Stored) -> Latest:
    picture = reading.picture
    return Latest(
        reading.read_at,
        tuple(stored.evidence[evidence_digest(piece)] for piece in reading.evidence),
        stored.images[bytes.fromhex(picture.sha256)] if picture else None,
        reading.refusal,
        marks=marks,
    )


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
    if rows:
        with conn.cursor() as cursor:
            cursor.executemany(SQL["change_reading"], rows)


def become_stale(conn: psycopg.Connection, visit_id: int, visits: int) -> list[StalePicture]:
    """Mark pictures as stale that the last complete visits of a plan did not see.

    `visit_id` is its last visit, which has ended; `visits` the number of visits. A picture that
    was last seen by another plan's visit is left to that plan. Returns the newly stale ones.
    """
    rows = conn.execute(SQL["become_stale"], {"visit_id": visit_id, "visits": visits})
    return [StalePicture(unpack(url), since, image_id) for url, since, image_id in rows]

"""Counts of the recorded data. Signals are read from the evidence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from registry.db.rows import evidence_from_row
from registry.db.sql import load
from registry.model import TRAINING_USES, Signal
from registry.signals import read

SQL = load("stats")
AGES = {"1 day": 1, "7 days": 7, "30 days": 30, "90 days": 90, "365 days": 365}
FETCH_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Totals:
    """Total numbers."""

    visits: int
    sites: int
    observations: int
    images: int
    unfit_images: int
    evidence: int
    site_rules: int
    claims: int


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts; the lists hold one dictionary a row, in the order they are shown.

    `sites`: site, visits, last_visit, pages, images, marked, refused.
    `signals`: signal, evidence, images, sites (ever seen with it).
    `refusals`: reason, times. `claims`: source, meaning, use,
    claims, withdrawn (the number of withdrawn ones).
    `freshness`: numbers of sites by the age of their last visit, `older` for the rest.
    """

    totals: Totals
    sites: list[dict[str, Any]]
    signals: list[dict[str, Any]]
    refusals: list[dict[str, Any]]
    claims: list[dict[str, Any]]
    freshness: dict[str, int]

    def is_empty(self) -> bool:
        """Return whether nothing is recorded."""
        return not any(asdict(self.totals).values())


def stats(conn: psycopg.Connection, now: datetime) -> Stats:
    """Return the counts of one moment; ages are relative to `now`."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with conn.cursor(row_factory=class_row(Totals)) as cursor:
            totals = cursor.execute(SQL["totals"]).fetchone()
        assert totals is not None
        _stage_signals(conn)
        sites = _with_marked(_rows(conn, "by_site"), _rows(conn, "marked_images"))
        return Stats(
            totals=totals,
            sites=sites,
            signals=_rows(conn, "by_signal"),
            refusals=_rows(conn, "refusals"),
            claims=_rows(conn, "claims_by_source"),
            freshness=_freshness([site["last_visit"] for site in sites], now),
        )


def _rows(conn: psycopg.Connection, name: str) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(SQL[name]).fetchall()


def _stage_signals(conn: psycopg.Connection) -> None:
    """Read all evidence once, and write its signals to a temporary table."""
    conn.execute(SQL["stage_signals"])
    with conn.cursor("stats_evidence") as evidence, conn.cursor() as cursor:
        evidence.execute(SQL["evidence_seen"])
        while rows := evidence.fetchmany(FETCH_ROWS):
            with cursor.copy(SQL["copy_signals"]) as copy:
                for identity, *columns in rows:
                    for signal in read(evidence_from_row(*columns)).signals:
                        copy.write_row((identity, signal.name, _reserves(signal)))


def _reserves(signal: Signal) -> bool:
    return any(signal.meaning(use) in ("reserved", "conditional") for use in TRAINING_USES)


def _with_marked(sites: list[dict[str, Any]], marked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    counts = {row["site"]: row["marked"] for row in marked}
    return [site | {"marked": counts.get(site["site"], 0)} for site in sites]


def _freshness(visits: list[datetime], now: datetime) -> dict[str, int]:
    """Count each visit under the smallest of AGES that covers it."""
    counts = dict.fromkeys([*AGES, "older"], 0)
    for visited in visits:
        ages = (age for age, days in AGES.items() if now - visited <= timedelta(days=days))
        counts[next(ages, "older")] += 1
    return counts

"""What tests of the installed `crawler` command share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from demo.days import pass_days
from demo.server import SampleSite
from registry.db.connect import connect_to

Run = Callable[..., subprocess.CompletedProcess[str]]
CRAWLER = Path(sys.executable).with_name("crawler")


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    with connect_to(database_url) as conn:
        return conn.execute(query).fetchall()  # type: ignore[call-overload]


def observed(database_url: str, visit: int = 1) -> list[dict[str, Any]]:
    """Return what a visit observed first, or again as the visit before."""
    query = f"""SELECT image_url, page_url, fetched_url, relation, status, refusal, image_id,
            unfit, evidence, readings FROM observation
            LEFT JOIN observation_again AS again ON observation_id = observation.id
            LEFT JOIN image ON image.id = image_id
        WHERE {visit} IN (observation.visit_id, again.visit_id) ORDER BY observation.id"""
    with connect_to(database_url) as conn, conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()  # type: ignore[call-overload]


def visits_after(
    days: float, site: SampleSite, run: Run, database_url: str
) -> list[tuple[str, set[str]]]:
    """Let days pass, make the visits that are due; return what each was to ask for, and did."""
    with connect_to(database_url) as conn:
        pass_days(conn, days)
        (last,) = conn.execute("SELECT max(id) FROM visit").fetchone() or (None,)
    site.requests.clear()
    ended = run("crawler", "worker", "--once", database=database_url)
    assert ended.returncode in (0, 1), ended.stderr
    made = rows(database_url, f"SELECT extent, state FROM visit WHERE id > {last or 0} ORDER BY id")
    assert {state for _, state in made} <= {"finished"}, ended.stderr
    # Every visit begins with a robots.txt.
    asked: list[set[str]] = []
    for request in site.requests:
        if request.path == "/robots.txt":
            asked.append(set())
        asked[-1].add(request.path)
    return list(zip([extent for extent, _ in made], asked, strict=True))

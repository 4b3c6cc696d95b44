"""Visits for tests of what is recorded in them."""

from __future__ import annotations

from datetime import datetime

import psycopg

from registry.db import visits


def begun_visit(
    conn: psycopg.Connection,
    host: str = "art.example",
    *,
    spider: str = "gallery",
    start_url: str = "",
    started_at: datetime | None = None,
) -> int:
    """Begin a visit, held by the session of `conn`; return its id. One before it ends."""
    conn.execute("UPDATE visit SET state = 'finished' WHERE host = %s", [host])
    url = start_url or f"https://{host}/"
    claim = visits.claim(conn, spider=spider, start_url=url, host=host)
    assert claim is not None
    visits.begin(conn, claim, "test")
    if started_at is not None:
        values = [started_at, claim.visit_id]
        conn.execute("UPDATE visit SET started_at = %s WHERE id = %s", values)
    return claim.visit_id

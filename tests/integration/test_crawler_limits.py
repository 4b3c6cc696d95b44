"""Long host names in the database, and values that a server refuses for their size."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import psycopg
import pytest
from begun import begun_visit

from registry.db import records
from registry.db.connect import translated
from registry.model import SiteFile

NOW = datetime(2026, 5, 4, tzinfo=UTC)


def test_a_rule_of_a_host_of_any_length_is_kept(conn: psycopg.Connection) -> None:
    host = secrets.token_hex(5000)
    visit = begun_visit(conn, "a")
    rule = SiteFile(NOW, host, f"http://{host}/robots.txt", "robots-txt", refusal="connection")
    records.write(conn, visit, [], [rule])
    assert conn.execute("SELECT host FROM site_rule").fetchall() == [(host,)]


def test_a_value_too_long_is_no_outage(conn: psycopg.Connection) -> None:
    conn.execute("CREATE TEMP TABLE t (x text PRIMARY KEY)")
    with pytest.raises(psycopg.errors.ProgramLimitExceeded), translated("the database"):
        conn.execute("INSERT INTO t VALUES (%s)", (secrets.token_hex(9000),))

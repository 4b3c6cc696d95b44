"""What visits leave that find nothing new: no rows of their own, and in the end no visit."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any, LiteralString

import psycopg
import pytest
from begun import begun_visit
from fake_children import fake_child

from bench.growth_sites import Site, visited
from crawler.record.schedules import add_all
from crawler.worker import children
from crawler.worker.work import Worker
from registry.db import visits
from registry.db.export import position
from registry.db.session import Session

GROWING = ("observation", "evidence", "image", "fingerprint", "url_reading", "known_page")
COUNTED = ("observation_again", "site_rule", "site_rule_again", "schedule")
SITE = Site("art.example", 40, 2)


@pytest.fixture(autouse=True)
def here(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)


def visit(*answers: Any) -> None:
    """Visit the site once for each kind of answers."""
    session = Session()
    for each in answers:
        assert visited(session, SITE, each, 200) == SITE.pages * SITE.pictures
    session.close()


def sizes(conn: psycopg.Connection) -> dict[str, tuple[int, int]]:
    """Return the bytes of the tables with their indexes, after a VACUUM, and their rows."""
    found = {}
    for name in (*GROWING, *COUNTED):
        conn.execute(f"VACUUM {name}")  # type: ignore[arg-type]
        query: Any = f"SELECT pg_total_relation_size('{name}'), count(*) FROM {name}"
        size, rows = conn.execute(query).fetchone() or (0, 0)
        found[name] = (size, rows)
    return found


def number(conn: psycopg.Connection, query: LiteralString) -> int:
    row = conn.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_visits_that_find_nothing_new_leave_tables_as_large_as_they_were(
    conn: psycopg.Connection,
) -> None:
    add_all([SITE.terms])
    visit("bodies", "304", "bodies")
    before = sizes(conn)
    visit("304", "bodies", "304")
    assert sizes(conn) == before
    assert number(conn, "SELECT min(readings) FROM observation_again") == 5
    assert number(conn, "SELECT count(*) FROM visit_journal") == 0
    assert number(conn, "SELECT count(*) FROM event") == 0


def test_known_pages_are_updated_in_place(conn: psycopg.Connection) -> None:
    visit("bodies", "304", "bodies")
    query: LiteralString = """
        SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'known_page'"""
    # At the end of the first visit, and in each of the others.
    pages = SITE.pages + 1
    for _ in range(100):
        if (counted := conn.execute(query).fetchone()) == (3 * pages, 3 * pages):
            return
        time.sleep(0.05)  # a session that ends writes its counts soon after
    pytest.fail(f"updates, and those in place: {counted}")


def test_old_visits_that_nothing_names_are_forgotten(conn: psycopg.Connection) -> None:
    visit("bodies", *["304"] * 5)
    assert visits.forget_old(conn, kept=2) == 3
    # The first, which stored the observations; the last ones.
    assert [row[0] for row in conn.execute("SELECT id FROM visit ORDER BY id")] == [1, 5, 6]
    assert visits.forget_old(conn, kept=2) == 0
    visit("304")
    assert visits.forget_old(conn, kept=2) == 1


@pytest.mark.parametrize("table", ["observation_again", "site_rule_again"])
def test_a_visit_that_was_the_last_to_see_something_is_kept(
    table: LiteralString, conn: psycopg.Connection
) -> None:
    visit("bodies", "304", "304", "304")
    named = table.removesuffix("_again")
    conn.execute(f"UPDATE {table} SET visit_id = 2 WHERE {named}_id = 1")  # type: ignore[arg-type]
    assert visits.forget_old(conn, kept=0) == 1
    assert [row[0] for row in conn.execute("SELECT id FROM visit ORDER BY id")] == [1, 2, 4]
    visit("304")
    assert visits.forget_old(conn, kept=0) == 2


@pytest.mark.parametrize("state", ["suspect", "running", "claimed"])
def test_a_visit_that_may_still_count_is_kept(state: str, conn: psycopg.Connection) -> None:
    begun_visit(conn)
    conn.execute("UPDATE visit SET state = %s", [state])
    assert visits.forget_old(conn, kept=0) == 0
    conn.execute("UPDATE visit SET state = 'failed'")
    assert visits.forget_old(conn, kept=0) == 1


def test_visits_to_site_files_do_not_displace_those_to_pages(conn: psycopg.Connection) -> None:
    for extent in ("full", "site-files", "site-files", "due"):
        begun_visit(conn)
        conn.execute("UPDATE visit SET extent = %s WHERE state = 'running'", [extent])
    conn.execute("UPDATE visit SET state = 'finished'")
    assert visits.forget_old(conn, kept=2) == 0
    assert visits.forget_old(conn, kept=1) == 2
    assert [row[0] for row in conn.execute("SELECT id FROM visit ORDER BY id")] == [3, 4]


def test_one_process_forgets_at_a_time(conn: psycopg.Connection, database_url: str) -> None:
    begun_visit(conn)
    conn.execute("UPDATE visit SET state = 'finished'")
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [visits.FORGETTING_LOCK])
        assert visits.forget_old(conn, kept=0) == 0
    assert visits.forget_old(conn, kept=0) == 1


def test_the_position_tells_a_finished_visit_from_a_forgotten_one(
    conn: psycopg.Connection,
) -> None:
    visit("bodies", "304", "304")
    begun_visit(conn)
    conn.execute("UPDATE visit SET state = 'suspect' WHERE id = 4")
    before = position(conn)
    conn.execute("UPDATE visit SET state = 'finished' WHERE id = 4")
    assert visits.forget_old(conn, kept=2) == 1
    assert position(conn) != before


def add_old(conn: psycopg.Connection, number: int) -> None:
    conn.execute(
        "INSERT INTO visit (spider, start_url, host, user_agent, started_at, state)"
        " SELECT 'gallery', 'https://a.example/', 'a.example', '', now(), 'finished'"
        " FROM generate_series(1, %s)",
        [number],
    )


def worker(*, once: bool) -> Worker:
    return Worker(1, once=once, say=lambda text: None, report=lambda ended: None)


def test_a_worker_forgets_old_visits(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "command", fake_child)
    add_old(conn, visits.KEPT + 7)
    asyncio.run(worker(once=True).run())
    assert number(conn, "SELECT count(*) FROM visit") == visits.KEPT


def test_a_worker_that_forgets_stops_at_once(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "command", fake_child)
    add_old(conn, visits.KEPT + 7)

    async def stopped() -> None:
        """Let the query wait for a row, and stop the worker then."""
        running = asyncio.ensure_future(worker(once=False).run())
        waits: LiteralString = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not await asyncio.to_thread(number, conn, waits):
            await asyncio.sleep(0.02)
        signal.raise_signal(signal.SIGTERM)
        await running

    with conn.transaction():
        conn.execute("SELECT FROM visit FOR UPDATE")
        began = time.monotonic()
        asyncio.run(stopped())
        # It would wait 30 seconds for the row.
        assert time.monotonic() - began < 20

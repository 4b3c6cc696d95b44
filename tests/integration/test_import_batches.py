"""Batches of claims on two sessions: one after the other, beside other imports and crawls."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import repeat

import psycopg
import pytest
from psycopg import errors

from registry.db import claim_batches
from registry.db.claim_batches import CLAIMS_LOCK, Batches, CopyRows, ImportCounts
from registry.db.claim_copy import copy_rows
from registry.db.claims import SQL, import_claims, import_pictures, withdraw_source
from registry.db.connect import connect_to
from registry.db.records import add_pictures
from registry.errors import DatabaseUnavailable
from registry.model import Claim, Picture

PICTURE = Picture(
    "ab" * 32, "cd" * 16, 64, 48, "png", 999, {"phash64": {"full": "8f0e1d2c3b4a5968"}}
)


def some(number: int, start: int = 0) -> list[Claim]:
    return [Claim("list", url=f"https://art.example/{n}") for n in range(start, start + number)]


def total(conn: psycopg.Connection, table: str = "claim") -> int:
    (count,) = conn.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    return int(count)


@pytest.fixture
def other(database_url: str) -> Iterator[psycopg.Connection]:
    with connect_to(database_url) as conn:
        yield conn


@pytest.fixture
def _hundreds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.db.claims.SIZES", (100, 200))
    monkeypatch.setattr("registry.db.claims.MOST_SINGLE", 50)


@pytest.mark.usefixtures("_hundreds")
def test_two_sessions_take_turns(conn: psycopg.Connection, other: psycopg.Connection) -> None:
    counts: list[ImportCounts] = []
    opened: list[psycopg.Connection] = []

    def another() -> psycopg.Connection:
        opened.append(other)
        return other

    done = import_claims(conn, some(1_000), on_batch=counts.append, another=another)
    assert done == sum(counts, ImportCounts()) == ImportCounts(1_000, 1_000, 0)
    assert [count.read for count in counts] == [100, 200, 200, 200, 200, 100]
    assert opened == [other]
    # Once more, with some withdrawn and some twice.
    assert withdraw_source(conn, "list", None) == 1_000
    done = import_claims(conn, some(1_000) * 2, another=lambda: other)
    assert done == ImportCounts(2_000, 0, 1_000, 1_000)


def test_a_second_session_is_opened_for_a_second_batch_only(conn: psycopg.Connection) -> None:
    def another() -> psycopg.Connection:
        raise AssertionError

    assert import_claims(conn, some(50), another=another).added == 50


def test_one_session_is_enough(conn: psycopg.Connection) -> None:
    def another() -> psycopg.Connection:
        raise DatabaseUnavailable("too many clients already")

    assert import_claims(conn, some(50), 10, another=another).added == 50


def test_a_batch_ends_when_it_has_many_bytes(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_batches, "MOST_BYTES", 1_000)
    counts: list[ImportCounts] = []
    monkeypatch.setattr("registry.db.claims.MOST_SINGLE", 10)
    import_claims(conn, some(50), on_batch=counts.append)
    assert [count.read for count in counts] == [10] * 5


def test_large_parts_wait_alone(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_batches, "LARGE_PART", 10)
    monkeypatch.setattr("registry.db.claims.MOST_SINGLE", 10)
    assert import_claims(conn, some(200)) == ImportCounts(200, 200, 0)


@pytest.mark.usefixtures("_hundreds")
def test_a_lost_session_costs_its_batch_only(conn: psycopg.Connection, database_url: str) -> None:
    counts: list[ImportCounts] = []

    def claims() -> Iterator[Claim]:
        for number, claim in enumerate(some(1_000)):
            if number == 400:
                conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            yield claim

    with ExitStack() as sessions:
        one, two = (
            sessions.enter_context(psycopg.connect(database_url, autocommit=True)) for _ in "12"
        )
        with pytest.raises(psycopg.OperationalError):
            import_claims(one, claims(), on_batch=counts.append, another=lambda: two)
    stored = sum(counts, ImportCounts()).added
    assert 100 <= stored == total(conn) < 500
    again = import_claims(conn, some(1_000))
    assert again == ImportCounts(1_000, 1_000 - stored, stored)


def wait_for_a_lock(conn: psycopg.Connection, kind: str = "advisory") -> None:
    """Wait until a session of this database waits for a lock."""
    until = time.monotonic() + 60
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = %s"
    while conn.execute(query, (kind,)).fetchone() == (0,):
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def held(database_url: str) -> Iterator[psycopg.Connection]:
    """A session that inserts claims, and has not committed."""
    with connect_to(database_url) as inserting:
        inserting.execute("SELECT pg_advisory_lock(%s)", (CLAIMS_LOCK,))
        yield inserting


@pytest.mark.usefixtures("_hundreds")
def test_an_interrupted_import_ends_although_it_waits(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    held: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claim_batches, "GRACE_SECONDS", 0.1)

    def claims() -> Iterator[Claim]:
        yield from some(100)
        wait_for_a_lock(held)
        yield from some(50, 100)
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        import_claims(conn, claims(), another=lambda: other)
    assert time.monotonic() - started < 30
    assert total(held) == 0
    # Both sessions are free again.
    held.execute("SELECT pg_advisory_unlock(%s)", (CLAIMS_LOCK,))
    assert import_claims(conn, some(100) * 2, another=lambda: other).added == 100


def test_waiting_for_another_import_is_said(
    conn: psycopg.Connection,
    held: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(claim_batches, "SILENT_SECONDS", 0.01)
    waited: list[bool] = []

    def on_wait() -> None:
        if "waiting for another import" in caplog.text and not waited:
            waited.append(True)
            held.execute("SELECT pg_advisory_unlock(%s)", (CLAIMS_LOCK,))

    assert import_claims(conn, some(10), on_wait=on_wait).added == 10
    assert waited
    assert conn.execute("SHOW lock_timeout").fetchone() == ("30s",)


def test_a_crawl_does_not_wait_for_an_import(
    conn: psycopg.Connection, other: psycopg.Connection, held: psycopg.Connection
) -> None:
    """An import of pictures that waits for a list holds no picture that a crawler may find."""
    claim = Claim("paintings", sha256=PICTURE.sha256)
    pictures = threading.Thread(target=import_pictures, args=(other, [(PICTURE, claim)]))
    pictures.start()
    try:
        wait_for_a_lock(conn)
        conn.execute("SET lock_timeout = '100ms'")
        add_pictures(conn, [PICTURE])
        assert total(conn, "image") == 1
    finally:
        held.execute("SELECT pg_advisory_unlock(%s)", (CLAIMS_LOCK,))
        pictures.join()
    assert total(conn) == 1


def test_a_program_that_does_not_know_the_lock_costs_no_claim(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    added: list[int] = []
    thread = threading.Thread(target=lambda: added.append(import_claims(conn, some(30)).added))
    with other.transaction():
        other.execute(SQL["stage_claims"])
        with other.cursor() as cursor, cursor.copy(SQL["copy_claims"]) as copy:
            copy.write(claim_batches.HEADER + copy_rows(some(20, 10)) + claim_batches.TRAILER)
        assert other.execute(SQL["insert_claims"]).rowcount == 20
        thread.start()
        with psycopg.connect(other.info.dsn, autocommit=True) as watching:
            wait_for_a_lock(watching, "transactionid")
    thread.join()
    assert added == [10]
    assert total(conn) == 30


def test_an_insert_that_has_begun_may_end(conn: psycopg.Connection) -> None:
    counts: list[ImportCounts] = []

    def claims() -> Iterator[Claim]:
        yield from some(15)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_claims(conn, claims(), 10, counts.append)
    assert counts == [ImportCounts(10, 10, 0)]


def test_a_signal_in_a_wait_does_not_hide_the_insert(
    conn: psycopg.Connection, held: psycopg.Connection
) -> None:
    counts: list[ImportCounts] = []

    def interrupt() -> None:
        wait_for_a_lock(held)
        os.kill(os.getpid(), signal.SIGINT)
        held.execute("SELECT pg_advisory_unlock(%s), pg_sleep(0.3)", (CLAIMS_LOCK,))

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        import_claims(conn, some(100), on_batch=counts.append)
    thread.join()
    assert counts == [ImportCounts(100, 100, 0)]
    assert total(held) == 100


def test_a_failed_statement_is_raised(conn: psycopg.Connection) -> None:
    with Batches(conn, None, repeat(10), print, lambda: None) as batches:
        batches.add(CopyRows(10, b"no rows"))
        with pytest.raises(errors.BadCopyFileFormat):
            batches.finish()
    assert import_claims(conn, some(5)).added == 5

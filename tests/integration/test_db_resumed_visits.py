"""Visits that another process takes over: one owner at a time, each batch stored once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from crawler.record.database import Recorder, start
from crawler.record.schedules import PlanRow
from crawler.record.values import Batch
from registry.db import visits
from registry.db.session import Session
from registry.db.visits import HostBusy, VisitLost
from registry.errors import DatabaseUnavailable
from registry.model import Observation

NOW = datetime.now(UTC)
PLAN = PlanRow(spider="gallery", start_url="https://art.example/", host="art.example")
Begin = Callable[..., Recorder]


@pytest.fixture
def begin(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Begin a visit of PLAN, or continue the killed one."""
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)
    recorders: list[Recorder] = []

    def begin_visit(**changed: str) -> Recorder:
        recorders.append(start(Session(), PLAN | changed, "full", "t"))  # type: ignore[arg-type]
        return recorders[-1]

    yield begin_visit
    for recorder in recorders:
        recorder.session.close()


def gone(conn: psycopg.Connection, recorder: Recorder) -> None:
    """Let the owner of a visit disappear, and wait until the server has noticed."""
    recorder.session.close()
    others = (
        "SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database"
        " WHERE locktype = 'advisory' AND pid <> pg_backend_pid() AND datname = current_database()"
    )
    while conn.execute(others).fetchone() is not None:
        time.sleep(0.02)


def cut_sessions(conn: psycopg.Connection) -> None:
    conn.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def seen(name: str) -> Observation:
    return Observation(NOW, f"https://art.example/{name}.jpg", status=404, refusal="http-404")


def images(conn: psycopg.Connection) -> list[str]:
    rows = conn.execute("SELECT image_url FROM observation ORDER BY id")
    return [url.rpartition("/")[2] for (url,) in rows]


def test_a_killed_visit_is_taken_with_its_journal(conn: psycopg.Connection, begin: Begin) -> None:
    first = begin()
    assert not first.is_resumed
    first.write(Batch(b"one", [seen("a")]))
    first.write(Batch(b"two", [seen("b")]))
    gone(conn, first)
    second = begin()
    assert second.is_resumed
    assert (second.visit_id, second.token) == (first.visit_id, 2)
    assert second.begun.journal == (b"one", b"two")
    assert 0 < second.begun.seconds < 60
    second.write(Batch(b"three"))
    gone(conn, second)
    third = begin()
    assert third.begun.journal == (b"one", b"two", b"three")
    third.finish("finished", {}, [seen("c")])
    assert images(conn) == ["a.jpg", "b.jpg", "c.jpg"]
    assert conn.execute("SELECT state, token FROM visit").fetchall() == [("finished", 3)]
    assert conn.execute("SELECT count(*) FROM visit_journal").fetchone() == (0,)
    assert not begin().is_resumed


def test_the_owner_before_writes_no_more(conn: psycopg.Connection, begin: Begin) -> None:
    ghost = begin()
    ghost.write(Batch(b"one", [seen("a")]))
    cut_sessions(conn)
    owner = begin()
    assert owner.is_resumed
    for _ in range(2):
        with pytest.raises(VisitLost, match="another process"):
            ghost.write(Batch(b"two", [seen("ghost")]))
    with pytest.raises(VisitLost):
        ghost.finish("finished", {"pages": 9}, [seen("ghost")])
    with pytest.raises(VisitLost):
        ghost.drop_journal()
    owner.write(Batch(b"two", [seen("b")]))
    owner.finish("finished", {"pages": 2})
    with pytest.raises(VisitLost):
        ghost.finish("finished", {"pages": 9})
    assert images(conn) == ["a.jpg", "b.jpg"]
    assert conn.execute("SELECT state, counts FROM visit").fetchall() == [
        ("finished", {"pages": 2})
    ]


@pytest.mark.parametrize("changed", [{}, {"start_url": "https://art.example/b"}])
def test_a_host_has_one_visit_at_a_time(changed: dict[str, str], begin: Begin) -> None:
    first = begin()
    first.write(Batch(b"one"))
    with pytest.raises(HostBusy, match=r"art\.example is being visited \(visit \d+, since "):
        begin(**changed)
    assert begin(host="b.example").visit_id != first.visit_id
    first.write(Batch(b"two"))
    first.finish("finished", {})
    assert not begin(**changed).is_resumed


def test_a_visit_found_killed_is_lost_once_its_host_has_another(
    conn: psycopg.Connection, begin: Begin
) -> None:
    first = begin()
    first.write(Batch(b"one"))
    cut_sessions(conn)
    other = begin(start_url="https://art.example/b")
    with pytest.raises(VisitLost):
        first.sign()
    other.finish("finished", {})
    first.sign()


def test_a_silent_owner_loses_its_visit(conn: psycopg.Connection, begin: Begin) -> None:
    silent = begin()
    silent.write(Batch(b"one"))
    past = timedelta(seconds=visits.SILENCE + 1)
    conn.execute("UPDATE visit SET seen_at = clock_timestamp() - %s", [past])
    owner = begin()
    assert (owner.visit_id, owner.token) == (silent.visit_id, 2)
    with pytest.raises(VisitLost):
        silent.sign()
    owner.sign()
    # The lock of the owner is another than that of the silent one.
    silent.let_go()
    assert visits.mark_killed(conn) == []


def test_a_visit_given_back_is_continued(conn: psycopg.Connection, begin: Begin) -> None:
    first = begin()
    first.write(Batch(b"one"))
    first.give_back()
    first.give_back()
    assert conn.execute("SELECT state FROM visit").fetchone() == ("given_back",)
    assert visits.mark_killed(conn) == []
    second = begin()
    assert (second.token, second.begun.journal) == (2, (b"one",))
    with pytest.raises(VisitLost):
        first.give_back()


@pytest.mark.parametrize(
    "changed", [{"spider": "other"}, {"start_url": "https://art.example/b"}, {"host": "b.example"}]
)
def test_another_plan_does_not_take_it(
    changed: dict[str, str], conn: psycopg.Connection, begin: Begin
) -> None:
    first = begin()
    first.write(Batch(b"one"))
    gone(conn, first)
    other = begin(**changed)
    assert not other.is_resumed
    other.finish("finished", {})
    assert begin().is_resumed


def test_an_old_visit_is_not_taken(conn: psycopg.Connection, begin: Begin) -> None:
    old = begin()
    old.write(Batch(b"one"))
    gone(conn, old)
    past = timedelta(seconds=visits.RESUMABLE_SECONDS + 60)
    conn.execute("UPDATE visit SET started_at = started_at - %s", [past])
    new = begin()
    assert new.visit_id != old.visit_id
    # Its journal is of no use any more.
    assert conn.execute("SELECT count(*) FROM visit_journal").fetchone() == (0,)


def test_a_batch_whose_confirmation_was_lost_is_stored_once(
    conn: psycopg.Connection, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = begin()
    recorder.patience = (0, 0)
    original = visits.add_journal
    failures = [True, True]

    def lost_after_commit(*arguments: object) -> bool:
        added = original(*arguments)  # type: ignore[arg-type]
        if failures and failures.pop():
            # Committed, but the client does not know.
            arguments[0].execute("COMMIT; BEGIN")  # type: ignore[attr-defined]
            raise DatabaseUnavailable("gone")
        return added

    recorder.write(Batch(b"one", [seen("a")]))
    with monkeypatch.context() as patched:
        patched.setattr(visits, "add_journal", lost_after_commit)
        recorder.write(Batch(b"two"))
    recorder.write(Batch(b"three", [seen("b")]))
    rows = conn.execute("SELECT part, results FROM visit_journal ORDER BY part").fetchall()
    assert rows == [(0, b"one"), (1, b"two"), (2, b"three")]
    assert images(conn) == ["a.jpg", "b.jpg"]


def test_a_stopped_owner_does_not_keep_its_locks(
    conn: psycopg.Connection, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "IDLE", "200ms")
    stopped = begin()
    stopped.patience = (0,)
    with stopped.session.connection() as own, pytest.raises(DatabaseUnavailable):  # noqa: PT012
        own.execute("BEGIN")
        visits.confirm(own, stopped.visit_id, 1, 0)
        conn.execute("SET lock_timeout = '10s'")
        # Waits until the server has ended the session that holds the row.
        conn.execute("SELECT FROM visit FOR UPDATE")
        with stopped.session.connection():
            own.execute("SELECT 1")
    # It takes its visit again, with another session.
    stopped.write(Batch(b"one", [seen("a")]))
    assert images(conn) == ["a.jpg"]


def test_a_worker_has_a_while_to_begin_another_session(
    conn: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)
    claimed = visits.claim(conn, **PLAN, worker="w:1")
    assert claimed is not None
    session = Session()
    with session.connection() as own:
        visits.begin(own, claimed, "t")
        visits.let_go(own, *claimed[:2])
    assert visits.mark_killed(conn) == []
    past = timedelta(seconds=visits.PATIENCE + 1)
    conn.execute("UPDATE visit SET seen_at = clock_timestamp() - %s", [past])
    assert visits.mark_killed(conn, spared=[claimed.visit_id]) == []
    with session.connection() as own:
        visits.hold_visit(own, *claimed[:2])
    assert visits.mark_killed(conn) == []
    session.close()
    while not visits.mark_killed(conn):
        time.sleep(0.02)

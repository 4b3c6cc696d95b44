"""The end of a scheduled visit: written once, by its owner; and when its site is due again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from due_sites import DAY, begun, due, schedule, states, terms

from crawler.record import database as recorder
from crawler.record.schedules import PlanRow, claim_due, settle
from crawler.record.values import Batch
from registry.db import schedules, visits
from registry.db.session import Session
from registry.db.visits import VisitLost
from registry.errors import DatabaseUnavailable


@pytest.fixture(autouse=True)
def here(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)


@pytest.mark.parametrize(
    ("changed", "state", "least", "most"),
    [
        ({}, "finished", 6.65, 7.35),
        ({}, "failed", 0.95, 1.05),
        ({"every": DAY / 4}, "failed", 0.23, 0.27),
        ({"every": None, "cron": "0 3 1 1 *", "timezone": "UTC"}, "failed", None, None),
        ({"every": None, "cron": "0 3 1 1 *", "timezone": "UTC"}, "finished", None, None),
        ({"every": 7 * DAY, "least": 3 * DAY, "most": 30 * DAY}, "finished", 6.65, 7.35),
    ],
)
def test_when_a_site_is_due_after_its_visit(
    changed: dict[str, Any],
    state: visits.State,
    least: float | None,
    most: float | None,
    conn: psycopg.Connection,
) -> None:
    (schedule_id,) = due(conn, terms("a", **changed))
    schedules.apply(conn, "run_now", [schedule_id])
    (visit,) = claim_due(conn, "w", 1)
    begun(visit).finish(state, {"pages": 2})
    found = schedule(conn, schedule_id)
    assert not found.is_urgent
    assert found.last_visit is not None
    assert found.last_visit.state == state
    ended = found.last_visit.finished_at
    assert ended is not None
    if least is None or most is None:
        assert found.pages_due_at == datetime(ended.year + 1, 1, 1, 3, tzinfo=UTC)
    else:
        assert least * DAY <= found.pages_due_at - ended <= most * DAY
    assert claim_due(conn, "w", 9) == []


def test_a_site_whose_visit_was_interrupted_stays_due(conn: psycopg.Connection) -> None:
    (schedule_id,) = due(conn, terms("a"))
    before = schedule(conn, schedule_id).next_due_at
    (visit,) = claim_due(conn, "w", 1)
    begun(visit).finish("interrupted", {})
    assert schedule(conn, schedule_id).next_due_at == before
    (again,) = claim_due(conn, "w", 1)
    assert again.claim.visit_id != visit.claim.visit_id


def test_a_visit_by_a_command_counts_for_the_schedule(conn: psycopg.Connection) -> None:
    (schedule_id,) = due(conn, terms("a"))
    plan = PlanRow(spider="gallery", start_url="https://a.example/", host="a.example")
    session = Session()
    recorder.start(session, plan, "full", "test").finish("finished", {})
    session.close()
    assert schedule(conn, schedule_id).pages_due_at > schedules.now(conn) + 6 * DAY


def test_a_visit_asked_for_during_a_visit_follows_it(conn: psycopg.Connection) -> None:
    (schedule_id,) = due(conn, terms("a"))
    schedules.apply(conn, "run_now", [schedule_id])
    (visit,) = claim_due(conn, "w", 1)
    record = begun(visit)
    schedules.apply(conn, "run_now", [schedule_id])
    record.finish("finished", {})
    (again,) = claim_due(conn, "w", 1)
    begun(again).finish("finished", {})
    assert claim_due(conn, "w", 1) == []


def test_another_schedule_of_the_host_stays_due(conn: psycopg.Connection) -> None:
    ids = due(conn, terms("a", "1"), terms("a", "2"))
    (visit,) = claim_due(conn, "w", 9)
    begun(visit).finish("finished", {})
    assert [s.id for s in schedules.list_schedules(conn, due=True)] == ids[1:]


def test_a_schedule_removed_or_paused_in_mid_visit(conn: psycopg.Connection) -> None:
    ids = due(conn, terms("removed"), terms("paused"))
    records = [begun(visit) for visit in claim_due(conn, "w", 9)]
    schedules.apply(conn, "remove", ids[:1])
    schedules.apply(conn, "pause", ids[1:])
    for record in records:
        record.finish("finished", {})
    assert states(conn) == ["finished", "finished"]
    (paused,) = schedules.list_schedules(conn)
    assert paused.paused_at is not None
    assert paused.pages_due_at > schedules.now(conn) + 6 * DAY
    schedules.apply(conn, "resume", ids[1:])
    assert claim_due(conn, "w", 9) == []


class Lost:
    """A function of the database whose transaction is committed, but the answer lost."""

    def __init__(self, original: Any, times: int) -> None:
        self._original = original
        self._times = times

    def __call__(self, conn: psycopg.Connection, *arguments: Any, **named: Any) -> Any:
        result = self._original(conn, *arguments, **named)
        if self._times:
            self._times -= 1
            conn.execute("COMMIT; BEGIN")
            raise DatabaseUnavailable("gone")
        return result


@pytest.mark.parametrize("state", ["finished", "failed", "interrupted"])
def test_an_end_written_twice_counts_once(
    state: visits.State, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    (schedule_id,) = due(conn, terms("a"))
    (visit,) = claim_due(conn, "w", 1)
    record = begun(visit)
    monkeypatch.setattr("crawler.record.database.settle", Lost(settle, 2))
    record.finish(state, {"pages": 1})
    assert conn.execute("SELECT state, counts FROM visit").fetchall() == [(state, {"pages": 1})]
    # The host may have its next visit before the answer is known to be lost.
    conn.execute(
        "UPDATE schedule SET next_due_at = clock_timestamp(), pages_due_at = clock_timestamp()"
    )
    (after,) = claim_due(conn, "v", 1)
    begun(after)
    due_at = schedule(conn, schedule_id).next_due_at
    record.finish(state, {"pages": 2})
    assert states(conn) == [state, "running"]
    assert schedule(conn, schedule_id).next_due_at == due_at


def test_a_visit_given_back_twice_is_given_back_once(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    due(conn, terms("a"))
    (visit,) = claim_due(conn, "w", 1)
    record = begun(visit)
    with monkeypatch.context() as patched:
        patched.setattr(visits, "give_back", Lost(visits.give_back, 1))
        record.give_back()
    assert states(conn) == ["given_back"]


def test_who_has_ended_a_visit(conn: psycopg.Connection) -> None:
    due(conn, terms("a"))
    (visit,) = claim_due(conn, "w", 1)
    visit_id = visit.claim.visit_id
    record = begun(visit)
    assert not visits.has_ended(conn, visit_id, 1)
    record.write(Batch(b"one"))
    visits.mark_crashed(conn, [visit.claim])
    assert not visits.has_ended(conn, visit_id, 1)
    (again,) = claim_due(conn, "w", 1)
    begun(again).finish("finished", {})
    assert visits.has_ended(conn, visit_id, 2)
    assert not visits.has_ended(conn, visit_id, 1)
    with pytest.raises(VisitLost):
        record.finish("finished", {})


def test_a_visit_that_cannot_be_made_fails(conn: psycopg.Connection) -> None:
    (schedule_id,) = due(conn, terms("a"))
    (visit,) = claim_due(conn, "w", 1)
    session = Session()
    recorder.fail(session, visit.plan, visit.claim)
    assert states(conn) == ["failed"]
    next_due_at = schedule(conn, schedule_id).pages_due_at
    assert 0.9 * DAY < next_due_at - schedules.now(conn) < 1.1 * DAY
    recorder.fail(session, visit.plan, visit.claim)
    session.close()
    assert schedule(conn, schedule_id).pages_due_at == next_due_at


def test_only_its_owner_lets_a_visit_fail(conn: psycopg.Connection) -> None:
    (schedule_id,) = due(conn, terms("a"))
    (old,) = claim_due(conn, "w", 1)
    visits.mark_crashed(conn, [old.claim])
    (new,) = claim_due(conn, "v", 1)
    before, session = schedule(conn, schedule_id).next_due_at, Session()
    recorder.fail(session, old.plan, old.claim)
    assert states(conn) == ["claimed"]
    assert schedule(conn, schedule_id).next_due_at == before
    # The owner may: of a visit whose process it has seen crash.
    visits.mark_crashed(conn, [new.claim])
    recorder.fail(session, new.plan, new.claim)
    session.close()
    assert states(conn) == ["failed"]
    assert conn.execute("SELECT crashes FROM visit").fetchone() == (2,)


def test_a_visit_that_ends_four_processes_fails(conn: psycopg.Connection) -> None:
    ids = due(conn, terms("a"), terms("b"))
    session = Session()
    for crashes in (1, 2, 3, 4):
        aboard = claim_due(conn, "w", 9)
        if crashes == 1:
            aboard += [replace(aboard[0], claim=aboard[0].claim._replace(token=9))]
        else:
            # That of `b` comes to its end.
            aboard = [visit for visit in aboard if visit.host == "a.example"]
        failed = recorder.crash(session, [(visit.plan, visit.claim) for visit in aboard])
        assert failed == ([aboard[0].claim.visit_id] if crashes == 4 else [])
    session.close()
    rows = conn.execute("SELECT state, token, crashes FROM visit ORDER BY id").fetchall()
    assert rows == [("failed", 4, 4), ("claimed", 2, 1)]
    next_due_at = schedule(conn, ids[0]).pages_due_at
    assert 0.9 * DAY < next_due_at - schedules.now(conn) < 1.1 * DAY
    # The next visit is a new one.
    conn.execute(
        "UPDATE schedule SET next_due_at = clock_timestamp(), pages_due_at = clock_timestamp()"
    )
    (new,) = claim_due(conn, "w", 9)
    assert (new.claim.token, new.claim.crashes) == (1, 0)


def test_crashes_of_no_visits_are_none(conn: psycopg.Connection) -> None:
    session = Session()
    assert recorder.crash(session, []) == []
    session.close()

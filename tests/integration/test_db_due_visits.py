"""Due visits: which are claimed, by whom, and when a site is due again after its visit."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from crawler.record import database as recorder
from crawler.record.database import PlanRow, Recorder
from crawler.record.schedules import DueVisit, add_all, claim_due
from registry.db import schedules, visits
from registry.db.connect import connect_to
from registry.db.schedules import Schedule, Terms
from registry.db.session import Session
from registry.db.visits import Claim, VisitLost
from registry.errors import DatabaseUnavailable

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def here(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)


def terms(name: str, path: str = "", **changed: Any) -> Terms:
    values: dict[str, Any] = {"every": 7 * DAY} | changed
    return Terms("gallery", f"https://{name}.example/{path}", f"{name}.example", **values)


def due(conn: psycopg.Connection, *wanted: Terms, hours: float = 100) -> list[int]:
    """Add schedules that are due, the first for `hours`, each other for a minute less."""
    ids = [schedule.id for _, schedule in add_all(wanted)]
    for number, schedule_id in enumerate(ids):
        since = timedelta(hours=hours) - number * MINUTE
        conn.execute(
            "UPDATE schedule SET next_due_at = clock_timestamp() - %s WHERE id = %s",
            [since, schedule_id],
        )
    return ids


def closed_night(conn: psycopg.Connection) -> str:
    """Return hours that begin two to three hours from now."""
    hour = schedules.now(conn).hour
    return f"{(hour + 3) % 24}-{(hour + 5) % 24}"


def schedule(conn: psycopg.Connection, schedule_id: int) -> Schedule:
    return schedules.list_schedules(conn, ids=[schedule_id])[0]


def names(claimed: Sequence[DueVisit]) -> list[str]:
    return [visit.host.removesuffix(".example") for visit in claimed]


def plan_of(visit: DueVisit) -> PlanRow:
    return PlanRow(spider=visit.spider, start_url=visit.start_url, host=visit.host)


def begun(visit: DueVisit) -> Recorder:
    """Begin a claimed visit in a session of its own, which is not closed."""
    record = recorder.begin(Session(), plan_of(visit), visit.claim, "test")
    record.patience = (0, 0)
    return record


def states(conn: psycopg.Connection) -> list[str]:
    return [state for (state,) in conn.execute("SELECT state FROM visit ORDER BY id")]


def test_urgent_ones_are_first_then_the_longest_due(conn: psycopg.Connection) -> None:
    ids = due(conn, *(terms(name) for name in "cabd"), terms("f"), terms("e"))
    schedules.apply(conn, "run_now", ids[-1:])
    assert names(claim_due(conn, "w", 3)) == ["e", "c", "a"]
    assert names(claim_due(conn, "w", 2)) == ["b", "d"]
    assert names(claim_due(conn, "w", 9)) == ["f"]
    assert claim_due(conn, "w", 9) == []


def test_a_due_visit_is_that_of_its_schedule(conn: psycopg.Connection) -> None:
    due(conn, terms("a", "gallery?\0", options={"max_pages": 3, "delay": 0.5}))
    (visit,) = claim_due(conn, "host:7", 1)
    assert visit == DueVisit(
        visit.claim,
        "gallery",
        "https://a.example/gallery?\0",
        "a.example",
        {"max_pages": 3, "delay": 0.5},
    )
    assert (visit.claim.token, visit.claim.crashes) == (1, 0)
    rows = conn.execute("SELECT id, state, token, worker FROM visit").fetchall()
    assert rows == [(visit.claim.visit_id, "claimed", 1, "host:7")]
    text = str(visits.busy(conn, "a.example"))
    assert text.startswith(
        f"a.example is being visited (visit {rows[0][0]} by worker host:7, since "
    )


@pytest.mark.parametrize("limit", [0, -1])
def test_nothing_is_claimed_without_room(limit: int, conn: psycopg.Connection) -> None:
    due(conn, terms("a"))
    assert claim_due(conn, "w", limit) == []


def test_paused_and_future_ones_are_not_due(conn: psycopg.Connection) -> None:
    ids = due(conn, terms("paused"), terms("future"), terms("urgent"), terms("a"))
    schedules.apply(conn, "run_now", ids[2:3])
    schedules.apply(conn, "pause", [ids[0], ids[2]])
    schedules.put_off(conn, ids[1], schedules.now(conn) + MINUTE)
    assert names(claim_due(conn, "w", 9)) == ["a"]
    schedules.apply(conn, "resume", ids)
    assert names(claim_due(conn, "w", 9)) == ["urgent", "paused"]


def test_a_host_has_one_visit_at_a_time(conn: psycopg.Connection) -> None:
    due(conn, terms("a", "1"), terms("a", "2"), terms("b"), terms("a", "3"))
    first = claim_due(conn, "w", 9)
    assert [visit.start_url for visit in first] == ["https://a.example/1", "https://b.example/"]
    assert claim_due(conn, "v", 9) == []
    record = begun(first[0])
    assert claim_due(conn, "v", 9) == []
    record.finish("finished", {})
    assert [visit.start_url for visit in claim_due(conn, "v", 9)] == ["https://a.example/2"]


def test_a_host_visited_by_a_command_is_left_out(conn: psycopg.Connection) -> None:
    due(conn, terms("a"), terms("b"))
    session = Session()
    plan = PlanRow(spider="other", start_url="https://a.example/x", host="a.example")
    record = recorder.start(session, plan, "test")
    assert names(claim_due(conn, "w", 9)) == ["b"]
    record.finish("finished", {})
    session.close()
    assert names(claim_due(conn, "w", 9)) == ["a"]


def test_a_visit_whose_night_is_over_is_put_off(conn: psycopg.Connection) -> None:
    night = closed_night(conn)
    ids = due(conn, terms("a", night=night), terms("b", night=night), terms("c"))
    schedules.apply(conn, "run_now", ids[1:2])
    now = schedules.now(conn)
    assert names(claim_due(conn, "w", 9)) == ["b", "c"]
    put_off = schedule(conn, ids[0]).next_due_at
    assert now + timedelta(hours=2) < put_off <= now + timedelta(hours=3)
    assert (put_off.hour, put_off.minute) == (int(night.split("-")[0]), 0)
    assert schedule(conn, ids[1]).next_due_at <= now + MINUTE


def test_put_off_schedules_do_not_use_up_the_limit(conn: psycopg.Connection) -> None:
    night = closed_night(conn)
    due(conn, *(terms(f"night{n}", night=night) for n in range(20)))
    due(conn, terms("a"), terms("b"), terms("c"), hours=1)
    assert names(claim_due(conn, "w", 2)) == ["a", "b"]
    assert [s.terms.host for s in schedules.list_schedules(conn, due=True)] == [
        "a.example",
        "b.example",
        "c.example",
    ]


def test_an_open_night_is_no_hindrance(conn: psycopg.Connection) -> None:
    hour = schedules.now(conn).hour
    due(conn, terms("a", night=f"{(hour - 1) % 24}-{(hour + 2) % 24}"))
    assert names(claim_due(conn, "w", 1)) == ["a"]


def test_crashed_visits_are_continued(conn: psycopg.Connection) -> None:
    due(conn, terms("a"), terms("b"))
    a, b = claim_due(conn, "w", 9)
    record = begun(a)
    record.write([], [], b"one")
    # That of `a` was written; that of `b` was not even begun.
    assert visits.mark_crashed(conn, [a.claim, b.claim]) == {
        a.claim.visit_id: 1,
        b.claim.visit_id: 1,
    }
    assert states(conn) == ["killed", "killed"]
    again = claim_due(conn, "v", 9)
    assert [visit.claim for visit in again] == [
        Claim(a.claim.visit_id, 2, 1),
        Claim(b.claim.visit_id, 2, 1),
    ]
    with pytest.raises(VisitLost):
        record.write([], [], b"two")
    with pytest.raises(VisitLost):
        begun(b)
    resumed = begun(again[0])
    assert (resumed.is_resumed, resumed.journal) == (True, (b"one",))
    # A report that comes late is of another owner.
    assert visits.mark_crashed(conn, [a.claim]) == {}
    assert states(conn) == ["running", "claimed"]
    assert visits.mark_crashed(conn, [visit.claim for visit in again]) == {
        a.claim.visit_id: 2,
        b.claim.visit_id: 2,
    }


def test_visits_given_back_are_continued(conn: psycopg.Connection) -> None:
    due(conn, terms("a"), terms("b"))
    a, b = claim_due(conn, "w", 9)
    record = begun(a)
    record.write([], [], b"one")
    record.give_back()
    visits.give_back(conn, b.claim.visit_id, b.claim.token)
    assert states(conn) == ["given_back", "given_back"]
    assert visits.mark_crashed(conn, [a.claim]) == {}
    again = claim_due(conn, "v", 9)
    assert again[0].claim == Claim(a.claim.visit_id, 2, 0)
    # Without results, there is nothing to continue.
    assert again[1].claim.visit_id != b.claim.visit_id
    assert begun(again[0]).journal == (b"one",)
    assert list(conn.execute("SELECT worker FROM visit ORDER BY id")) == [
        ("v",),
        ("w",),
        ("v",),
    ]


def test_a_visit_is_given_back_by_its_owner_only(conn: psycopg.Connection) -> None:
    due(conn, terms("a"))
    (visit,) = claim_due(conn, "w", 1)
    visits.give_back(conn, visit.claim.visit_id, 2)
    assert states(conn) == ["claimed"]
    begun(visit).finish("finished", {})
    visits.give_back(conn, visit.claim.visit_id, 1)
    assert states(conn) == ["finished"]


def test_a_silent_claim_is_found(conn: psycopg.Connection) -> None:
    due(conn, terms("a"))
    (visit,) = claim_due(conn, "w", 1)
    assert visits.mark_killed(conn) == []
    past = timedelta(seconds=visits.SILENCE + 1)
    conn.execute("UPDATE visit SET seen_at = clock_timestamp() - %s", [past])
    assert visits.mark_killed(conn) == [visit.claim.visit_id]
    with pytest.raises(VisitLost):
        begun(visit)
    assert names(claim_due(conn, "w", 1)) == ["a"]


def claim_in_threads(url: str, limit: int) -> tuple[list[DueVisit], list[BaseException]]:
    """Claim what is due from four connections at once, until nothing is."""
    claimed: list[DueVisit] = []
    failures: list[BaseException] = []
    barrier = threading.Barrier(4)

    def claim() -> None:
        try:
            with connect_to(url) as own:
                barrier.wait(30)
                while found := claim_due(own, "w", limit):
                    claimed.extend(found)
        except BaseException as error:  # noqa: BLE001 (shown by the test)
            failures.append(error)

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return claimed, failures


@pytest.mark.parametrize("limit", [1, 7])
def test_each_is_claimed_by_one_of_many(
    limit: int, conn: psycopg.Connection, database_url: str
) -> None:
    due(conn, *(terms(f"s{n}") for n in range(100)))
    claimed, failures = claim_in_threads(database_url, limit)
    assert failures == []
    assert sorted(names(claimed)) == sorted(f"s{n}" for n in range(100))
    assert len({visit.claim.visit_id for visit in claimed}) == 100
    assert states(conn) == ["claimed"] * 100


def test_many_claim_one_visit_of_a_host(conn: psycopg.Connection, database_url: str) -> None:
    """Also if two of them find two schedules each of the same two hosts, in another order."""
    order = [
        terms(f"s{pair + host}", path)
        for pair in range(0, 40, 2)
        for host, path in [(0, "a"), (1, "a"), (1, "b"), (0, "b")]
    ]
    due(conn, *order)
    claimed, failures = claim_in_threads(database_url, 2)
    assert failures == []
    assert Counter(names(claimed)) == Counter(f"s{n}" for n in range(40))


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
        assert found.next_due_at == datetime(ended.year + 1, 1, 1, 3, tzinfo=UTC)
    else:
        assert least * DAY <= found.next_due_at - ended <= most * DAY
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
    recorder.start(session, plan, "test").finish("finished", {})
    session.close()
    assert schedule(conn, schedule_id).next_due_at > schedules.now(conn) + 6 * DAY


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
    assert paused.next_due_at > schedules.now(conn) + 6 * DAY
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
    monkeypatch.setattr(recorder, "settle", Lost(recorder.settle, 2))
    record.finish(state, {"pages": 1})
    assert conn.execute("SELECT state, counts FROM visit").fetchall() == [(state, {"pages": 1})]
    # The host may have its next visit before the answer is known to be lost.
    conn.execute("UPDATE schedule SET next_due_at = clock_timestamp()")
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
    record.write([], [], b"one")
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
    recorder.fail(session, plan_of(visit), visit.claim)
    assert states(conn) == ["failed"]
    next_due_at = schedule(conn, schedule_id).next_due_at
    assert 0.9 * DAY < next_due_at - schedules.now(conn) < 1.1 * DAY
    recorder.fail(session, plan_of(visit), visit.claim)
    session.close()
    assert schedule(conn, schedule_id).next_due_at == next_due_at


def test_only_its_owner_lets_a_visit_fail(conn: psycopg.Connection) -> None:
    (schedule_id,) = due(conn, terms("a"))
    (old,) = claim_due(conn, "w", 1)
    visits.mark_crashed(conn, [old.claim])
    (new,) = claim_due(conn, "v", 1)
    before, session = schedule(conn, schedule_id).next_due_at, Session()
    recorder.fail(session, plan_of(old), old.claim)
    assert states(conn) == ["claimed"]
    assert schedule(conn, schedule_id).next_due_at == before
    # The owner may: of a visit whose process it has seen crash.
    visits.mark_crashed(conn, [new.claim])
    recorder.fail(session, plan_of(new), new.claim)
    session.close()
    assert states(conn) == ["failed"]
    assert conn.execute("SELECT crashes FROM visit").fetchone() == (2,)

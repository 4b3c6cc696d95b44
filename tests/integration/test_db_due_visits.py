"""Due visits: which are claimed, in which order, and by whom."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import timedelta

import psycopg
import pytest
from due_sites import MINUTE, begun, closed_night, due, names, schedule, states, terms

from crawler.record import database as recorder
from crawler.record.schedules import REFUSED_FOR, DueVisit, PlanRow, claim_due
from crawler.record.values import Batch
from registry.db import hosts, schedules, visits
from registry.db.connect import connect_to
from registry.db.session import Session
from registry.db.visits import Claim, VisitLost
from registry.errors import DatabaseUnavailable


@pytest.fixture(autouse=True)
def here(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)


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
    schedules.delay(conn, ids[1], schedules.now(conn) + MINUTE)
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


def test_schedules_that_another_has_locked_are_left_out(
    conn: psycopg.Connection, database_url: str
) -> None:
    ids = due(conn, terms("a"), terms("b"))
    conn.execute("SET lock_timeout = '5s'")
    with connect_to(database_url) as other, other.transaction():
        schedules.apply(other, "remove", ids[:1])
        assert names(claim_due(conn, "w", 9)) == ["b"]
    assert claim_due(conn, "w", 9) == []


def test_a_host_visited_by_a_command_is_left_out(conn: psycopg.Connection) -> None:
    due(conn, terms("a"), terms("b"))
    session = Session()
    plan = PlanRow(spider="other", start_url="https://a.example/x", host="a.example")
    record = recorder.start(session, plan, "full", "test")
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


def test_hosts_that_are_never_visited_are_left_out(conn: psycopg.Connection) -> None:
    ids = due(conn, terms("a"), terms("www.b"), terms("c"))
    schedules.apply(conn, "run_now", ids[:1])
    for name in ("a.example", "b.example"):
        hosts.refuse(conn, name, reason="asked", added_by="operator")
    assert names(claim_due(conn, "w", 9)) == ["c"]
    later = schedules.now(conn) + REFUSED_FOR
    for number in ids[:2]:
        assert later - MINUTE < schedule(conn, number).next_due_at <= later
    assert schedule(conn, ids[0]).is_urgent


def test_hosts_that_asked_for_a_pause_are_visited_after_it(conn: psycopg.Connection) -> None:
    ids = due(conn, terms("a"), terms("b"), terms("img1"), terms("img2"))
    until = schedules.now(conn) + 5 * MINUTE
    hosts_at = {"a.example": until, "b.example": until - 4.5 * MINUTE, "img1.example": until}
    for name, at in hosts_at.items():
        conn.execute("INSERT INTO host (name, next_at) VALUES (%s, %s)", [name, at])
    # The second's pause is short; a number in a registered name is not that of a server.
    assert names(claim_due(conn, "w", 9)) == ["b", "img2"]
    assert [schedule(conn, number).next_due_at for number in (ids[0], ids[2])] == [until, until]


def test_a_paused_worker_keeps_no_schedules_locked(
    conn: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    due(conn, terms("a"))
    monkeypatch.setattr(visits, "IDLE", "100ms")
    monkeypatch.setattr("crawler.record.schedules._claimed", lambda *_: time.sleep(0.5))
    with pytest.raises(DatabaseUnavailable, match="idle"), connect_to(database_url) as paused:
        claim_due(paused, "w", 9)
    monkeypatch.undo()
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)
    assert names(claim_due(conn, "v", 9)) == ["a"]


def test_crashed_visits_are_continued(conn: psycopg.Connection) -> None:
    due(conn, terms("a"), terms("b"))
    a, b = claim_due(conn, "w", 9)
    record = begun(a)
    record.write(Batch(b"one"))
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
        record.write(Batch(b"two"))
    with pytest.raises(VisitLost):
        begun(b)
    resumed = begun(again[0])
    assert (resumed.is_resumed, resumed.begun.journal) == (True, (b"one",))
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
    record.write(Batch(b"one"))
    record.give_back()
    visits.give_back(conn, b.claim.visit_id, b.claim.token)
    assert states(conn) == ["given_back", "given_back"]
    assert visits.mark_crashed(conn, [a.claim]) == {}
    again = claim_due(conn, "v", 9)
    assert [visit.claim for visit in again] == [
        Claim(a.claim.visit_id, 2, 0),
        Claim(b.claim.visit_id, 2, 0),
    ]
    assert begun(again[0]).begun.journal == (b"one",)
    assert list(conn.execute("SELECT worker FROM visit ORDER BY id")) == [("v",)] * 2


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

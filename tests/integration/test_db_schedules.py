"""Schedules in the database: all or none of them, their last visits, one at a time."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from begun import begun_visit

from crawler.record.schedules import add_all
from registry.db import schedules, visits
from registry.db.schedules import Schedule, Terms
from registry.errors import UsageError

DAY = timedelta(days=1)


def terms(name: str, **changed: Any) -> Terms:
    values: dict[str, Any] = {"every": 7 * DAY, "least": DAY, "most": 90 * DAY} | changed
    return Terms("gallery", f"https://{name}.example/", f"{name}.example", **values)


@pytest.fixture(autouse=True)
def here(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)


def test_a_schedule_is_read_as_it_was_added(conn: psycopg.Connection) -> None:
    wanted = [
        terms("a", options={"max_pages": 3, "delay": 0.5}, night="22-06", timezone="Asia/Tokyo"),
        terms("b", every=None, least=None, most=None, cron="0 3 * * 1"),
        replace(terms("c"), start_url="https://c.example/\ud800\0"),
    ]
    now = schedules.now(conn)
    results = add_all(wanted)
    assert [what for what, _ in results] == ["added"] * 3
    assert [schedule.terms for _, schedule in results] == wanted
    assert [schedule.terms for schedule in schedules.list_schedules(conn)] == wanted
    assert timedelta() <= results[2][1].next_due_at - now < timedelta(minutes=1)
    assert results[1][1].next_due_at.weekday() == 0


def test_adding_again_changes_what_differs(conn: psycopg.Connection) -> None:
    first = add_all([terms("a"), terms("b")])
    schedules.apply(conn, "pause", [first[0][1].id])
    again = add_all([terms("b"), terms("c"), terms("a", options={"max_pages": 1})])
    assert [what for what, _ in again] == ["unchanged", "added", "changed"]
    assert again[2][1].id == first[0][1].id
    assert again[2][1].paused_at is not None


def test_a_changed_rule_counts_from_the_last_visit(conn: psycopg.Connection) -> None:
    (_, added), *_ = add_all([terms("a")])
    visit(conn, added, "finished")
    (_, longer), *_ = add_all([terms("a", every=30 * DAY, least=None, most=None)])
    assert longer.last_visit is not None
    assert longer.last_visit.finished_at is not None
    assert longer.next_due_at - longer.last_visit.finished_at == 30 * DAY


def test_terms_that_are_none_add_nothing(conn: psycopg.Connection) -> None:
    with pytest.raises(UsageError):
        add_all([terms("a"), terms("b", cron="never", every=None, least=None, most=None)])
    assert schedules.list_schedules(conn) == []


def test_sites_added_twice_at_once_are_added_once(conn: psycopg.Connection) -> None:
    wanted, found = [terms(f"s{n}") for n in range(200)], list[str]()
    threads = [
        threading.Thread(target=lambda: found.extend(what for what, _ in add_all(wanted)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["added"] * 200 + ["unchanged"] * 600
    assert len(schedules.list_schedules(conn)) == 200


def visit(conn: psycopg.Connection, schedule: Schedule, state: visits.State) -> int:
    number = begun_visit(conn, schedule.terms.host, start_url=schedule.terms.start_url)
    counts = {"pages": 3}
    visits.finish_visit(conn, number, state=state, counts=counts)
    return number


def test_a_schedule_names_its_last_visit(conn: psycopg.Connection) -> None:
    (_, a), (_, b) = add_all([terms("a"), terms("b")])
    assert a.last_visit is None
    numbers = [visit(conn, a, "finished"), visit(conn, a, "failed")]
    listed = schedules.list_schedules(conn)
    assert listed[0].last_visit is not None
    assert (listed[0].last_visit.id, listed[0].last_visit.state) == (numbers[1], "failed")
    assert listed[1].last_visit is None
    assert [one.id for one in schedules.last_visits(conn, a.id, 10)] == numbers[::-1]
    assert schedules.last_visits(conn, b.id, 10) == []


def test_pause_resume_run_now_and_remove(conn: psycopg.Connection) -> None:
    ids = [one.id for _, one in add_all([terms("a", night="3-4"), terms("b"), terms("c")])]
    assert schedules.apply(conn, "pause", ids[:2]) == ids[:2]
    assert schedules.apply(conn, "pause", ids) == ids[2:]
    assert schedules.apply(conn, "run_now", ids) == []
    assert [one.id for one in schedules.list_schedules(conn, paused=True)] == ids
    assert schedules.list_schedules(conn, due=True) == []
    assert schedules.apply(conn, "resume", ids[:1]) == ids[:1]
    assert schedules.apply(conn, "run_now", ids) == ids[:1]
    due = schedules.list_schedules(conn, due=True)
    assert [(one.id, one.is_urgent) for one in due] == [(ids[0], True)]
    assert schedules.apply(conn, "remove", [*ids, 999]) == ids


def test_names_of_schedules(conn: psycopg.Connection) -> None:
    ids = [one.id for _, one in add_all([terms("a"), terms("b")])]
    assert schedules.named(conn, str(ids[1])) == [ids[1]]
    assert schedules.named(conn, "a.example") == [ids[0]]
    assert schedules.named(conn, "https://b.example/") == [ids[1]]
    assert schedules.named(conn, "gallery") == ids
    for nothing in ("9" * 18, "9" * 30, "٣", "", "\0", "none"):
        assert schedules.named(conn, nothing) == []

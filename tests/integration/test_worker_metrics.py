"""The metrics of a worker: their names, the counts of its children, the numbers of the database."""

from __future__ import annotations

import asyncio
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic
from typing import get_args
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psycopg
import pytest
from fake_children import Clock, due, fake_child, run, watched
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as families

from crawler.owners.server import served_beside
from crawler.record.schedules import add_all, claim_due
from crawler.worker import children, metrics
from crawler.worker.metrics import Latest, application, asked_of
from crawler.worker.totals import ENDS, Totals
from crawler.worker.work import Worker
from registry.db import schedules, status
from registry.db.event_rows import EVENT_KINDS
from registry.db.known_rows import Extent
from registry.db.schedules import Terms
from registry.db.session import Session
from registry.db.status import Numbers, numbers
from registry.errors import DatabaseUnavailable, ServiceUnavailable

SOME = Numbers(schedules=9, paused=1, due=3, behind=60.5, visits=2, workers=4, suspect=1)
DATABASE = {
    "optout_schedule_behind_seconds": 60.5,
    "optout_schedules_due": 3.0,
    "optout_schedules": 9.0,
    "optout_schedules_paused": 1.0,
    "optout_sites_suspect": 1.0,
    "optout_database_visits_in_progress": 2.0,
    "optout_workers_alive": 4.0,
}


class FakeWorker:
    """A worker as far as metrics know it."""

    def __init__(self) -> None:
        self.totals = Totals()
        self.aboard, self.children = 3, 2


def away() -> Numbers:
    raise DatabaseUnavailable("the database is away")


@contextmanager
def served(
    worker: FakeWorker, ask: Callable[[], Numbers], clock: Callable[[], float] = monotonic
) -> Iterator[str]:
    """Serve a worker's metrics; yield their URL."""
    page = application(worker, Latest(ask, clock))  # type: ignore[arg-type]
    with served_beside(page, "127.0.0.1", 0, "--metrics") as port:
        yield f"http://127.0.0.1:{port}/metrics"


def text_of(url: str, accept: str = "") -> str:
    with urlopen(Request(url, headers={"Accept": accept}), timeout=30) as answer:
        text: str = answer.read().decode()
        return text


def plain(url: str) -> dict[str, float]:
    """Return the samples without labels."""
    found = families(text_of(url))
    return {s.name: s.value for family in found for s in family.samples if not s.labels}


def test_names_follow_the_rules_and_labels_are_bounded() -> None:
    worker = FakeWorker()
    worker.totals.add({"requests.2xx": 2, "requests.new": 1, "events.odd": 1, "unknown": 1})
    worker.totals.end("odd", "odd", 1.0)
    with served(worker, lambda: SOME) as url:
        found = {family.name: family for family in families(text_of(url))}
    labels: dict[str, set[str]] = {}
    for family in found.values():
        assert re.fullmatch(r"optout_[a-z]+(_[a-z]+)*", family.name)
        assert family.documentation.endswith(".")
        # Base units, and `_total` for counters alone: the parser takes it off.
        assert not re.search(r"(minutes|hours|days|kilo|_ms|_total)", family.name)
        assert all(s.name.endswith("_total") for s in family.samples if family.type == "counter")
        for sample in family.samples:
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    assert labels.pop("le")
    assert labels == {
        "state": set(ENDS),
        "extent": set(get_args(Extent)),
        "kind": set(EVENT_KINDS),
        "class": {"2xx", "3xx", "not_modified", "4xx", "5xx", "other", "failed", "refused"},
    }


def test_all_series_are_there_from_the_start_and_in_open_metrics() -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    with served(FakeWorker(), lambda: SOME) as url:
        found = {
            family.name: family.samples
            for family in openmetrics.text_string_to_metric_families(text_of(url, accept))
        }
        assert plain(url).items() >= DATABASE.items()
    assert len(found["optout_visits"]) == len(ENDS) * len(get_args(Extent))
    assert len(found["optout_events"]) == len(EVENT_KINDS)
    assert {s.value for name in ("optout_visits", "optout_events") for s in found[name]} == {0.0}


def test_durations_are_a_histogram() -> None:
    worker = FakeWorker()
    for seconds in (5.0, 40.0, 50.0, 90_000.0):
        worker.totals.end("finished", "due", seconds)
    with served(worker, lambda: SOME) as url:
        name = "optout_visit_duration_seconds"
        samples = next(f.samples for f in families(text_of(url)) if f.name == name)
        seen = plain(url)
    buckets = {s.labels["le"]: s.value for s in samples if "le" in s.labels}
    assert buckets["10.0"] == buckets["30.0"] == 1
    assert buckets["60.0"] == buckets["14400.0"] == 3
    assert buckets["+Inf"] == seen[f"{name}_count"] == 4
    assert seen[f"{name}_sum"] == 90_095


def test_without_a_database_the_other_metrics_are_served() -> None:
    worker = FakeWorker()
    worker.totals.add({"pages": 7})
    with served(worker, away) as url:
        seen = plain(url)
    assert seen["optout_database_up"] == 0
    assert (seen["optout_pages_total"], seen["optout_visits_in_progress"]) == (7, 3)
    assert seen.keys() & DATABASE.keys() == set()


def test_the_database_is_asked_every_ten_seconds_at_most() -> None:
    clock, asked = Clock(), list[float]()

    def ask() -> Numbers:
        asked.append(clock())
        return SOME if len(asked) != 2 else away()

    with served(FakeWorker(), ask, clock) as url:
        up = []
        for clock.seconds in (100.0, 105.0, 109.9, 110.0, 115.0, 120.0, 121.0):
            up.append(plain(url)["optout_database_up"])
    assert asked == [100.0, 110.0, 120.0]
    assert up == [1, 1, 1, 0, 0, 1, 1]


def test_a_database_that_hangs_delays_no_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "PATIENCE", 0.05)
    clock, answers, asked = Clock(), threading.Event(), list[float]()

    def ask() -> Numbers:
        asked.append(clock())
        assert answers.wait(30)
        return SOME

    latest = Latest(ask, clock)
    assert latest.numbers() is None
    clock.seconds += 100
    assert latest.numbers() is None
    # One look at a time.
    assert asked == [0.0]
    answers.set()
    monkeypatch.setattr(metrics, "PATIENCE", 30)
    latest.numbers()
    assert latest.numbers() == SOME


def test_only_metrics_are_served() -> None:
    with served(FakeWorker(), away) as url:
        for path in ("/", "/metrics/", "/favicon.ico"):
            with pytest.raises(HTTPError) as error:
                urlopen(url.replace("/metrics", path), timeout=30)
            with error.value:
                assert error.value.code == 404


def test_a_port_that_is_taken_is_named() -> None:
    with served(FakeWorker(), away) as url:
        port = int(url.split(":")[2].partition("/")[0])
        page = application(FakeWorker(), Latest(away))  # type: ignore[arg-type]
        with (
            pytest.raises(ServiceUnavailable) as error,
            served_beside(page, "127.0.0.1", port, "--metrics"),
        ):
            pass
    assert error.value.message == f"127.0.0.1:{port}: Address already in use"
    assert error.value.hint == "give another address to --metrics"


COUNTS = """
for text in sys.stdin:
    visit = begun(text)
    if visit is not None:
        send("alive", counts={"pages": visit, "requests.2xx": 10})
        send("alive")
for visit, host in visits:
    send("alive", counts={"pages": 100})
    done(visit, host, "given_back")
"""


def test_what_children_count_is_added_up() -> None:
    async def check() -> None:
        totals = Totals()
        async with watched(COUNTS) as seen:
            seen.children._counted = totals.add
            await seen.make(due(1), due(2), due(3))
            await seen.until(lambda: totals.counts == {"pages": 6, "requests.2xx": 30})
            await seen.children.stop(30)
            assert totals.counts == {"pages": 306, "requests.2xx": 30}

    run(check)


CRASHES = """
for text in sys.stdin:
    begun(text)
    if any(host.startswith("bad") for visit, host in visits):
        os._exit(1)
"""


def test_ends_and_crashes_are_counted(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)
    monkeypatch.setattr(children, "command", lambda: fake_child(CRASHES))
    hosts = ("bad.example", "quick.example")
    add_all([Terms("gallery", f"https://{h}/", h, every=timedelta(days=1)) for h in hosts])
    worker = Worker(1, once=False, say=lambda text: None, report=lambda ended: None)

    async def work() -> None:
        async with asyncio.timeout(30):
            working = asyncio.ensure_future(worker.run())
            while worker.totals.visits.total() < 2:
                await asyncio.sleep(0.01)
            signal.raise_signal(signal.SIGTERM)
            await working

    asyncio.run(work())
    assert worker.totals.crashes == 4
    assert worker.totals.visits == {("failed", "full"): 1, ("finished", "full"): 1}
    assert worker.totals.durations == {10.0: 1}


@pytest.fixture
def sites(database_url: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Schedule five sites, of which two are due since an hour; return their ids."""
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)
    terms = [
        Terms("gallery", f"https://{name}.example/", f"{name}.example", every=timedelta(days=1))
        for name in "abcde"
    ]
    return [schedule.id for _, schedule in add_all(terms)]


def test_numbers_of_the_database(sites: list[int], conn: psycopg.Connection) -> None:
    move = "UPDATE schedule SET next_due_at = clock_timestamp() + %s WHERE id = ANY (%s)"
    conn.execute(move, [timedelta(hours=1), sites])
    assert numbers(conn) == Numbers(5, 0, 0, 0.0, 0, 0, 0)
    conn.execute(move, [timedelta(hours=-1), sites[:1]])
    conn.execute(move, [timedelta(hours=-2), sites[1:2]])
    conn.execute(move, [timedelta(hours=-3), sites[2:3]])
    schedules.apply(conn, "pause", sites[2:3])
    seen = numbers(conn)
    assert (seen.schedules, seen.paused, seen.due) == (5, 1, 2)
    assert 7200 <= seen.behind < 7300

    # A visit in progress is not late, although it is due until it ends.
    status.sign(conn, "studio:1", concurrency=4, visits=0)
    status.sign(conn, "studio:2", concurrency=4, visits=1)
    (visit,) = claim_due(conn, "studio:2", 1)
    assert visit.host == "b.example"
    seen = numbers(conn)
    assert (seen.due, seen.visits, seen.workers) == (1, 1, 2)
    assert 3600 <= seen.behind < 3700
    conn.execute("UPDATE worker SET seen_at = seen_at - interval '2 min' WHERE name = 'studio:1'")
    assert numbers(conn).workers == 1

    end = "UPDATE visit SET state = 'suspect', finished_at = now(), suspicions = '{}' WHERE id = %s"
    conn.execute(end, [visit.claim.visit_id])
    seen = numbers(conn)
    assert (seen.suspect, seen.visits) == (1, 0)


def test_a_connection_that_is_lost_is_replaced(sites: list[int], conn: psycopg.Connection) -> None:
    clock, up = Clock(), list[float]()
    end = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    with served(FakeWorker(), asked_of(Session()), clock) as url:
        for _ in range(3):
            clock.seconds += 100
            up.append(plain(url)["optout_database_up"])
            if len(up) == 1:
                conn.execute(end)
    assert up == [1, 0, 1]


def test_a_database_that_is_not_there_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    with served(FakeWorker(), asked_of(Session())) as url:
        assert plain(url)["optout_database_up"] == 0


def test_a_table_that_is_locked_counts_as_away(
    sites: list[int], conn: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "MOST_TIME", "50ms")
    with psycopg.connect(database_url) as other, served(FakeWorker(), asked_of(Session())) as url:
        other.execute("LOCK TABLE schedule")
        assert plain(url)["optout_database_up"] == 0
    assert numbers(conn).schedules == len(sites)

"""The pace of hosts over processes, and the hosts that are never visited, on real PostgreSQL."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from typing import Any

import psycopg
import pytest

from registry.db import hosts
from registry.db.connect import connect_to
from registry.db.hosts import Turn

HOST = "cdn.example"
DELAY = 0.03


def take(conn: psycopg.Connection, holder: int, host: str = HOST, **changed: Any) -> Turn:
    values: dict[str, Any] = {"delay": 0.0, "timeout": 5.0} | changed
    return hosts.take_turn(conn, host, holder=holder, **values)


def end(
    conn: psycopg.Connection, holder: int, seconds: float = 0, status: int | None = None
) -> None:
    hosts.end_turn(conn, HOST, holder=holder, seconds=seconds, status=status)


def start_of_turn(conn: psycopg.Connection) -> float:
    """Return when the turn in progress began, in seconds."""
    row = conn.execute("SELECT extract(epoch FROM next_at)::float8 FROM host").fetchone()
    assert row is not None
    return float(row[0]) - DELAY


def test_one_request_at_a_time_and_a_delay_apart(database_url: str) -> None:
    turns: list[tuple[float, float, int]] = []
    granted: list[float] = []

    def request(holder: int) -> None:
        with connect_to(database_url) as conn:
            for _ in range(6):
                while not (turn := take(conn, holder, delay=DELAY)).taken:
                    time.sleep(turn.wait)
                granted.append(start_of_turn(conn))
                time.sleep(turn.wait)
                began = time.monotonic()
                time.sleep(0.002)
                turns.append((began, time.monotonic(), holder))
                end(conn, holder)

    threads = [threading.Thread(target=request, args=[number]) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    turns.sort()
    assert Counter(holder for _, _, holder in turns) == dict.fromkeys(range(5), 6)
    for before, after in itertools.pairwise(turns):
        assert before[1] <= after[0]
    # By the database's clock: on a busy machine a thread may wake late.
    assert all(b - a >= DELAY - 1e-4 for a, b in itertools.pairwise(sorted(granted)))
    # No two turns in a row while others wait.
    again = sum(a[2] == b[2] for a, b in itertools.pairwise(turns[:20]))
    assert again <= 2


def test_hosts_do_not_wait_for_each_other(conn: psycopg.Connection) -> None:
    assert take(conn, 1, delay=60) == Turn(0, taken=True)
    assert take(conn, 2, "other.example", delay=60) == Turn(0, taken=True)
    waits = take(conn, 2)
    assert not waits.taken
    assert 55 < waits.wait <= 60


def test_who_asks_in_vain_goes_first(conn: psycopg.Connection) -> None:
    assert take(conn, 1).taken
    assert not take(conn, 2).taken
    end(conn, 1)
    assert not take(conn, 1).taken
    assert take(conn, 2).taken
    end(conn, 2)
    assert take(conn, 2).taken


def test_who_asked_and_went_away_is_not_waited_for(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "POLITE", 0.05)
    assert take(conn, 1).taken
    assert not take(conn, 2).taken
    end(conn, 1)
    time.sleep(0.06)
    assert take(conn, 1).taken


def test_a_turn_ends_with_its_session(conn: psycopg.Connection, database_url: str) -> None:
    with connect_to(database_url) as other:
        assert take(other, 1).taken
        assert not take(conn, 2).taken
    for _ in range(100):
        if (turn := take(conn, 2)).taken:
            break
        time.sleep(0.02)
    assert turn.taken


def test_a_turn_ends_when_its_request_must_be_over(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "LEASE", -1.0)
    assert take(conn, 1, timeout=1.0).taken
    assert take(conn, 2).taken
    # The end of the first does not end the turn of the second.
    monkeypatch.undo()
    end(conn, 2)
    assert take(conn, 3).taken
    end(conn, 1)
    assert not take(conn, 2).taken


def test_a_pause_holds_for_all(conn: psycopg.Connection) -> None:
    assert take(conn, 1).taken
    end(conn, 1, seconds=3600, status=429)
    turn = take(conn, 2)
    assert (turn.taken, turn.status) == (False, 429)
    assert 3590 < turn.wait <= 3600
    assert list(hosts.delayed_hosts(conn, [HOST, "other.example"])) == [HOST]
    # Another end does not shorten it.
    end(conn, 1, seconds=1)
    assert take(conn, 2).status == 429
    assert take(conn, 2).wait > 3590


def test_a_crawl_delay_holds_for_those_who_do_not_know_it(conn: psycopg.Connection) -> None:
    hosts.set_crawl_delay(conn, HOST, 20)
    assert take(conn, 1, delay=1).taken
    end(conn, 1)
    assert 15 < take(conn, 2, delay=1).wait <= 20
    hosts.set_crawl_delay(conn, HOST, 0)
    conn.execute("UPDATE host SET next_at = clock_timestamp()")
    assert take(conn, 2, delay=1).taken
    end(conn, 2)
    assert take(conn, 1, delay=1).wait <= 1


@pytest.mark.parametrize(
    ("refused", "host", "is_refused"),
    [
        ("a.example", "a.example", True),
        ("a.example", "img.cdn.a.example", True),
        ("img.a.example", "a.example", False),
        ("a.example", "ba.example", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("0.0.1", "10.0.0.1", False),
    ],
)
def test_a_refused_host_has_no_turn(
    refused: str, host: str, is_refused: bool, conn: psycopg.Connection
) -> None:
    assert hosts.refuse(conn, refused, reason="its owner asked", added_by="operator")
    assert not hosts.refuse(conn, refused, reason="again", added_by="operator")
    turn = take(conn, 1, host)
    assert turn.refused == ("its owner asked" if is_refused else None)
    assert turn.taken is not is_refused
    assert hosts.allow(conn, [refused, "b.example"]) == [refused]
    assert take(conn, 1, host).refused is None

"""Hosts keep their pace over all processes, by the clock of the server that is asked."""

from __future__ import annotations

import itertools
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from crawling import CRAWLER, Run, observed, rows

from crawler.record.schedules import add_all
from demo.server import SampleSite
from registry.db import hosts
from registry.db.schedules import Terms

DELAY = 0.25


@contextmanager
def crawls(database_url: str, *sites: SampleSite, delay: float = DELAY) -> Iterator[list[Any]]:
    """Run a visit of each site at the same time, and wait for their ends."""
    visits = [
        subprocess.Popen(
            [CRAWLER, "run", f"{site.url}/start.html", "--delay", str(delay), "--max-depth", "0"],
            env={**os.environ, "REGISTRY_DATABASE_URL": database_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for site in sites
    ]
    try:
        yield visits
    finally:
        for visit in visits:
            visit.kill()
            visit.communicate()


def gallery(site: SampleSite, images: int) -> None:
    picture = b"not a picture"
    site.replace("/start.html", b"".join(b"<img src=/%d.jpg>" % n for n in range(images)))
    for number in range(images):
        site.replace(f"/{number}.jpg", picture)


@pytest.fixture
def other() -> Iterator[SampleSite]:
    with SampleSite() as served:
        yield served


def test_two_visits_of_one_host_share_its_pace(
    site: SampleSite, other: SampleSite, database_url: str
) -> None:
    for one in (site, other):
        gallery(one, 4)
    in_progress, most = [0], []
    lock = threading.Lock()
    for one in (site, other):
        answer = one.answer

        def slow(host: str, target: str, answer: Any = answer) -> Any:
            with lock:
                in_progress[0] += 1
                most.append(in_progress[0])
            time.sleep(0.02)
            with lock:
                in_progress[0] -= 1
            return answer(host, target)

        one.answer = slow  # type: ignore[method-assign]
    with crawls(database_url, site, other) as visits:
        outputs = [visit.communicate(timeout=60)[0] for visit in visits]
    assert all(", 0 images" in text or "images           0" in text for text in outputs), outputs
    times = sorted(r.at for one in (site, other) for r in one.requests if r.host == "127.0.0.1")
    assert len(times) >= 2 * 6
    assert min(b - a for a, b in itertools.pairwise(times)) >= 0.8 * DELAY
    assert max(most) == 1
    # Both went on, none waited for the end of the other.
    spans = [[r.at for r in one.requests] for one in (site, other)]
    assert max(map(min, spans)) < min(map(max, spans))


def test_a_pause_holds_for_the_visits_of_others(
    site: SampleSite, other: SampleSite, crawl: Run, database_url: str
) -> None:
    gallery(site, 3)
    site.replace("/0.jpg", b"", status=503, headers=(("Retry-After", "900"),))
    assert crawl(f"{site.url}/start.html", "--max-depth", 0).returncode == 4
    done = crawl(f"{other.url}/start.html")
    assert done.returncode == 4
    assert "the host responded with status 503" in done.stderr
    assert other.requests == []
    # A robots.txt that was not requested is not recorded.
    recorded = "SELECT count(*), max(status) FROM site_rule JOIN visit ON visit_id = visit.id"
    assert rows(database_url, f"{recorded} WHERE url LIKE '%:{other.port}/%'") == [(0, None)]


def test_a_host_can_be_refused_in_mid_visit(
    site: SampleSite, database_url: str, conn: psycopg.Connection
) -> None:
    gallery(site, 40)
    with crawls(database_url, site, delay=0.1) as (visit,):
        while len(site.requests) < 6:
            assert visit.poll() is None
            time.sleep(0.02)
        hosts.refuse(conn, "127.0.0.1", reason="its owner asked", added_by="operator")
        before = len(site.requests)
        output = visit.communicate(timeout=60)[0]
    assert len(site.requests) <= before + 1
    assert output.count("127.0.0.1 is never visited: its owner asked") == 1
    assert rows(database_url, "SELECT state FROM visit") == [("interrupted",)]
    refusals = [o["refusal"] for o in observed(database_url)]
    assert refusals.count("refused-host") == 40 - sum(r.path.endswith("jpg") for r in site.requests)


def test_a_worker_leaves_refused_hosts_alone(
    site: SampleSite, run: Any, database_url: str, conn: psycopg.Connection, monkeypatch: Any
) -> None:
    from datetime import timedelta

    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)
    host = site.netloc("site")
    add_all([Terms("gallery", f"{site.url}/", host, every=timedelta(days=7))])
    hosts.refuse(conn, "127.0.0.1", reason="its owner asked", added_by="operator")
    done = run("crawler", "worker", "--once", database=database_url)
    assert (done.returncode, "nothing is due" in done.stderr) == (1, True)
    assert site.requests == []
    assert conn.execute("SELECT count(*) FROM visit").fetchone() == (0,)

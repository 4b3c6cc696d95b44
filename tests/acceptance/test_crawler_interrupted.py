"""Visits that are interrupted, and a database that is lost in mid-visit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from crawling import CRAWLER, observed, rows

from crawler.visit.frontier import Step
from crawler.visit.results import unpack
from demo.server import SampleSite

# Tries a database again for less than a second.
IMPATIENT = """
from functools import partial
from crawler.record import database
database.Recorder = partial(database.Recorder, patience=(0.2, 0.4))
from crawler.cli import main
main()
"""


@pytest.fixture
def started(site: SampleSite, database_url: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A slow visit that has fetched images when it is handed over."""
    processes: list[subprocess.Popen[str]] = []

    def start(wanted: int = 20, program: str = "") -> subprocess.Popen[str]:
        site.delay = 0.05
        command = [sys.executable, "-c", program] if program else [CRAWLER]
        process = subprocess.Popen(
            [*command, "run", site.url + "/", "--delay", "0", "--json"],
            env={**os.environ, "REGISTRY_DATABASE_URL": database_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        while len(site.requests) < wanted and process.poll() is None:
            time.sleep(0.02)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_visit_keeps_what_it_saw(
    number: signal.Signals,
    started: Callable[..., subprocess.Popen[str]],
    site: SampleSite,
    database_url: str,
) -> None:
    process = started()
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "Traceback" not in stderr
    assert "stopping" in stderr
    found = observed(database_url)
    assert json.loads(stdout)["observations"] == len(found)
    assert all(o["image_id"] or o["refusal"] for o in found)
    fetched = {r.path for r in site.requests if r.path.endswith((".jpg", ".png", ".webp", ".gif"))}
    kept = {o["fetched_url"] for o in found if o["image_id"]}
    assert {"/" + url.split("/", 3)[3] for url in kept} == fetched
    assert rows(database_url, "SELECT state FROM visit") == [("interrupted",)]


def test_the_second_signal_ends_at_once(
    started: Callable[..., subprocess.Popen[str]], site: SampleSite
) -> None:
    process = started()
    site.delay = 4
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "stopping" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=5)
    site.delay = 0
    assert process.returncode == 130
    assert "Traceback" not in stderr


def rename(admin: psycopg.Connection, name: str) -> None:
    """Take a database away from the visit that uses it."""
    # The visit connects again at once.
    admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")  # type: ignore[call-overload]
    admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name]
    )
    admin.execute(f"ALTER DATABASE {name} RENAME TO {name}_away")  # type: ignore[call-overload]
    admin.execute(f"ALTER DATABASE {name}_away ALLOW_CONNECTIONS true")  # type: ignore[call-overload]


WHAT = """SELECT image_url, page_url, fetched_url, relation, status, refusal,
    encode(sha256, 'hex'), ARRAY(SELECT encode(digest, 'hex') FROM unnest(evidence) AS e (id)
    JOIN evidence USING (id) ORDER BY 1)
    FROM observation LEFT JOIN image ON image.id = image_id
    LEFT JOIN observation_again AS again ON observation_id = observation.id
    WHERE {} IN (observation.visit_id, again.visit_id) ORDER BY 1, 2"""
FILES = """SELECT url, kind, status, refusal, evidence_id FROM site_rule
    LEFT JOIN site_rule_again AS again ON site_rule_id = site_rule.id
    WHERE {} IN (site_rule.visit_id, again.visit_id) ORDER BY 1"""


def ended_requests(database_url: str) -> set[tuple[str | None, str]]:
    """Return the host and path of a running visit's requests whose results were written."""
    parts = rows(database_url, "SELECT results FROM visit_journal")
    requests = [result.request for (part,) in parts for result in unpack(part)]
    urls = [r.link.url if isinstance(r, Step) else r.url for r in requests if r is not None]
    return {(urlsplit(url).hostname, urlsplit(url).path) for url in urls}


def test_a_killed_visit_is_resumed_and_repeats_only_what_was_in_progress(
    started: Callable[..., subprocess.Popen[str]],
    crawl: Callable[..., subprocess.CompletedProcess[str]],
    site: SampleSite,
    database_url: str,
) -> None:
    for wanted in (8, 20, 30, 45):
        done = ended_requests(database_url)
        begun = len(site.requests)
        process = started(begun + wanted)
        # Pictures wait for the picture processes that start with the visit: at first nothing ends.
        while wanted > 8 and len(ended_requests(database_url)) <= len(done):
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.02)
        process.kill()
        process.wait()
        assert not done & {(r.host, r.path) for r in site.requests[begun:]}
    site.delay = 0
    assert rows(database_url, "SELECT count(*) FROM visit") == [(1,)]
    done = ended_requests(database_url)
    begun = len(site.requests)
    resumed = crawl(site.url + "/", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert "(visit 1, resumed)" in resumed.stderr
    assert not done & {(r.host, r.path) for r in site.requests[begun:]}
    assert rows(database_url, "SELECT id, state, token FROM visit") == [(1, "finished", 5)]
    assert rows(database_url, "SELECT count(*) FROM visit_journal") == [(0,)]

    site.requests.clear()
    undisturbed = crawl(site.url + "/", "--json")
    assert undisturbed.returncode == 0
    assert rows(database_url, "SELECT max(id) FROM visit") == [(2,)]
    first, second = (json.loads(r.stdout)["visits"][0]["counts"] for r in (resumed, undisturbed))
    for counts in (first, second):
        # The second visit asks with conditions.
        counts.pop("unchanged")
        # The last page of an endless series depends on the order of the responses.
        counts.pop("pages")
    assert first == second
    stored = rows(database_url, WHAT.format(1))
    assert [row[:6] for row in stored] == [
        (*row[:4], 200 if row[4] == 304 else row[4], row[5])
        for row in rows(database_url, WHAT.format(2))
    ]
    assert set(rows(database_url, FILES.format(1))) == set(rows(database_url, FILES.format(2)))


def test_a_stopped_visit_that_another_took_over_writes_no_more(
    started: Callable[..., subprocess.Popen[str]],
    crawl: Callable[..., subprocess.CompletedProcess[str]],
    site: SampleSite,
    database_url: str,
) -> None:
    ghost = started(30)
    ghost.send_signal(signal.SIGSTOP)
    site.delay = 0
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert crawl(site.url + "/", "--json").returncode == 0
    written = rows(database_url, "SELECT visit_id, count(*) FROM observation GROUP BY 1")
    ghost.send_signal(signal.SIGCONT)
    _, stderr = ghost.communicate(timeout=60)
    assert ghost.returncode == 3
    assert "error: visit 1 was taken by another process" in stderr
    assert rows(database_url, "SELECT visit_id, count(*) FROM observation GROUP BY 1") == written
    assert rows(database_url, "SELECT id, state, token FROM visit") == [(1, "finished", 2)]


def test_a_host_is_visited_by_one_process_at_a_time(
    started: Callable[..., subprocess.Popen[str]],
    crawl: Callable[..., subprocess.CompletedProcess[str]],
    site: SampleSite,
    database_url: str,
) -> None:
    started().kill()
    running = started(60)
    running.send_signal(signal.SIGSTOP)
    site.delay = 0
    refused = crawl(site.url + "/one.html")
    assert refused.returncode == 3
    assert "is being visited (visit 1, since " in refused.stderr
    assert "Traceback" not in refused.stderr
    running.send_signal(signal.SIGCONT)
    running.communicate(timeout=60)
    # The first was resumed; it was alive and left alone.
    assert rows(database_url, "SELECT state, token FROM visit") == [("finished", 2)]


def test_stats_record_it_too(
    started: Callable[..., subprocess.Popen[str]],
    run: Callable[..., subprocess.CompletedProcess[str]],
    database_url: str,
) -> None:
    with started() as process:
        process.kill()
    assert run("registry", "stats", database=database_url).returncode == 0
    assert rows(database_url, "SELECT state FROM visit") == [("killed",)]


def test_a_database_that_is_lost_ends_the_visit(
    started: Callable[..., subprocess.Popen[str]], database_url: str
) -> None:
    process = started(program=IMPATIENT)
    address, _, query = database_url.partition("?")
    base, name = address.rsplit("/", 1)
    with psycopg.connect(f"{base}/postgres?{query}", autocommit=True) as admin:
        rename(admin, name)
        try:
            stdout, stderr = process.communicate(timeout=60)
        finally:
            admin.execute(f"ALTER DATABASE {name}_away RENAME TO {name}")  # type: ignore[call-overload]
    assert process.returncode == 3
    assert "Traceback" not in stderr
    assert [line for line in stderr.splitlines() if line.startswith("error: ")]
    assert stdout == ""

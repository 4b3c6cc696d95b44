"""`registry history`, as it is installed."""

import json
from pathlib import Path

import psycopg
from begun import begun_visit
from made import day

from registry.db import records, visits
from registry.db.connect import connect_to
from registry.model import Evidence, Observation

URL = "https://art.example/1.jpg"


def record(conn: psycopg.Connection, values: list[str]) -> None:
    visit = begun_visit(conn, start_url=URL, started_at=day(1))
    rows = [
        Observation(
            day(number),
            URL,
            refusal="http-403",
            evidence=(Evidence("headers", "image", URL, (("X-Robots-Tag", value),)),),
        )
        for number, value in enumerate(values, start=1)
    ]
    records.write(conn, visit, rows)
    visits.finish_visit(conn, visit, state="finished", counts={})


def test_a_mark_that_went_is_shown_with_its_dates(run, database_url: str):
    with connect_to(database_url) as conn:
        record(conn, ["noimageai", "noimageai", "x", "noai, \x1b[31m"])
    result = run("registry", "history", URL, database=database_url)
    assert result.returncode == 0, result.stderr
    tag = "X-Robots-Tag:"
    assert result.stdout.splitlines() == [
        f"{URL} (url)",
        f"  {URL}",
        f"    2026-11-01 12:00  mark appeared  noimageai: {tag} noimageai  at {URL}",
        "    2026-11-01 12:00  refused        http-403, 2 readings to 2026-11-02 12:00",
        f"    2026-11-03 12:00  mark removed   noimageai: {tag} noimageai  at {URL}",
        "    2026-11-03 12:00  refused        http-403",
        f"    2026-11-04 12:00  mark appeared  noai: {tag} noai, \\x1b[31m  at {URL}",
        "    2026-11-04 12:00  refused        http-403",
    ]
    answer = json.loads(run("registry", "history", URL, "--json", database=database_url).stdout)
    events = answer["places"][0]["events"]
    assert [event["what"] for event in events[:3]] == ["mark", "refused", "went"]
    assert (events[1]["count"], events[1]["last"]) == (2, day(2).isoformat())
    assert run("registry", "history", "no.example", database=database_url).returncode == 1
    assert run("registry", "history", "nonsense", database=database_url).returncode == 2


def test_thousands_of_changes_are_shown_in_few_lines(run, database_url: str):
    with connect_to(database_url) as conn:
        for _ in range(5):
            record(conn, ["noimageai", "all"] * 14)
    result = run("registry", "history", URL, database=database_url)
    assert "more lines (--json shows all)" in result.stdout
    assert len(result.stdout.splitlines()) < 40


def test_a_machine_without_a_database_says_what_to_do(run, registry_home: Path):
    result = run("registry", "history", URL)
    assert result.returncode == 3
    assert len(result.stderr.splitlines()) == 2
    assert "registry lookup TARGET --snapshot" in result.stderr
    assert not (registry_home / "postgres").exists()

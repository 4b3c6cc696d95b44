"""`crawler schedule`: sites are added, listed, paused and removed; bad input adds nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from crawling import Run

from crawler.record.schedules import claim_due
from registry.db import hosts


@pytest.fixture
def schedule(run: Run, database_url: str) -> Run:
    def scheduled(*arguments: object) -> Any:
        return run("crawler", "schedule", *arguments, database=database_url)

    return scheduled


def listed(schedule: Run, *arguments: object) -> list[dict[str, Any]]:
    ended = schedule("list", *arguments, "--json")
    found: list[dict[str, Any]] = json.loads(ended.stdout)["schedules"]
    assert ended.returncode == (0 if found else 1)
    return found


def test_a_site_is_scheduled(schedule: Run) -> None:
    assert schedule("list").stderr == "nothing is scheduled\n"
    added = schedule("add", "https://gallery.example", "--max-pages", 20, "--most", "30d")
    assert added.stdout == "added     1 https://gallery.example/ every 7d (1d to 30d)\n"
    again = schedule("add", "HTTPS://GALLERY.example:443/", "--max-pages", 20, "--most", "30d")
    assert again.stdout.startswith("unchanged 1 ")
    night = schedule(
        "add",
        "https://b.example/",
        "--every",
        "12h",
        "--night",
        "22-06",
        "--timezone",
        "Asia/Tokyo",
    )
    assert night.stdout == "added     2 https://b.example/ every 12h, at 22-06 Asia/Tokyo\n"
    first, second = listed(schedule)
    assert first["options"] == {"max_pages": 20}
    assert (first["every_seconds"], first["least_seconds"]) == (7 * 86400, 86400)
    assert (second["least_seconds"], second["night"]) == (None, "22-06")
    table = schedule("list").stdout
    assert "2 schedules" in table
    assert "now" in table
    assert "never" in table
    shown = schedule("show", "gallery.example").stdout
    assert "max-pages 20" in shown
    assert "no visit yet" in shown
    assert schedule("pause", "b.example", 1).stdout.count("paused\n") == 2
    assert [one["id"] for one in listed(schedule, "--paused")] == [1, 2]
    assert schedule("run-now", 1).stdout.endswith("is paused: resume it first\n")
    assert schedule("resume", "https://gallery.example").stdout.endswith("resumed\n")
    assert schedule("run-now", 1).stdout.endswith("due now\n")
    assert [one["is_urgent"] for one in listed(schedule, "--due")] == [True]
    refused = schedule("remove", "gallery")
    assert (refused.returncode, len(listed(schedule))) == (2, 2)
    assert refused.stderr.startswith("error: gallery stands for 2 schedules\n")
    assert schedule("remove", "gallery", "--yes").stdout.count("removed\n") == 2
    assert listed(schedule) == []


def test_a_visited_site_shows_its_visits(schedule: Run, crawl: Run, site: Any) -> None:
    schedule("add", site.url)
    crawl(site.url, "--max-pages", 2)
    shown = json.loads(schedule("show", 1, "--json").stdout)["schedules"][0]
    assert [visit["state"] for visit in shown["visits"]] == ["finished"]
    assert shown["visits"][0]["counts"]["pages"] == 2


def test_what_an_action_does_not_change_is_said(schedule: Run, conn: psycopg.Connection) -> None:
    schedule("add", "http://127.0.0.9:8/", "--every", "1d")
    hosts.take_turn(conn, "127.0.0.9", holder=1, delay=0.0, timeout=1.0)
    hosts.end_turn(conn, "127.0.0.9", holder=1, seconds=3600.0, status=429)
    assert "due now; its host asked for a pause until 20" in schedule("run-now", 1).stdout
    conn.execute("UPDATE host SET next_at = now()")
    hosts.refuse(conn, "127.0.0.9", reason="asked", added_by="operator")
    assert "but 127.0.0.9 is not visited while 127.0.0.9" in schedule("run-now", 1).stdout
    assert " refused " in schedule("list").stdout
    hosts.allow(conn, ["127.0.0.9"])
    assert claim_due(conn, "w", 1)
    assert schedule("pause", 1).stdout.endswith("paused; its visit in progress goes on\n")
    assert schedule("resume", 1).stdout.endswith("resumed\n")


def test_sites_of_a_file(schedule: Run, tmp_path: Path) -> None:
    file = tmp_path / "sites.csv"
    rows = [f"https://s{n}.example/,{'' if n % 2 else '3d'},{n + 1}" for n in range(50)]
    file.write_text("\n".join(["Site,every,Max-Pages", *rows, "https://s0.example,3d,1"]))
    added = schedule("add", "--from", file, "--cron", "0 3 * * 1")
    assert added.stdout.endswith("\n50 added\n"), added.stderr
    schedules = listed(schedule)
    assert [one["cron"] for one in schedules[:2]] == [None, "0 3 * * 1"]
    assert schedules[48]["options"] == {"max_pages": 49}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("url,every\nhttps://a.example/,7d\nhttps://b.example/,7x", "line 3: '7x' is not a dur"),
        ("url\nhttps://a.example/\na.example", "line 3: there is no spider a.example"),
        ("url,delay\nhttps://a.example/,0.1", "line 2: --delay 0.1 is too fast"),
        ("url,every\nhttps://a.example/,7d\nhttps://a.example,8d", "line 3: line 2 names"),
        ("url,max_pages\nhttps://a.example/,0", "line 2: 0 is not in the range"),
        ("url,colour\nhttps://a.example/,red", "unknown column 'colour'"),
        ("url,url\nhttps://a.example/,https://b.example/", "one column url"),
        ("every\n7d", "one column url"),
        ("url,cron\nhttps://a.example/,x", "line 2: 'x' is no cron expression"),
        ("url\nhttps://a.example/\nhttps://\xff.example/", "line 3: not UTF-8"),
        ("url,every\n,7d", "line 2: no site"),
        ('url\n"https://a.example/', "not CSV"),
        ("", "one column url"),
        ("url\n", "it names no site"),
    ],
)
def test_a_faulty_file_adds_nothing(schedule: Run, tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "sites.csv"
    file.write_text(text, "latin-1")
    ended = schedule("add", "--from", file)
    assert ended.returncode in {2, 4}
    assert fault in ended.stderr
    assert "Traceback" not in ended.stderr
    assert listed(schedule) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("add",),
        ("add", "https://a.example/", "--cron", "0 3 * * 1", "--every", "7d"),
        ("add", "https://a.example/", "--every", "1s"),
        ("add", "https://a.example/", "--least", "9d", "--most", "8d"),
        ("add", "https://a.example/", "--spider", "none"),
        ("add", "https://a.example/", "--night", "22-22"),
        ("add", "https://a.example/", "--timezone", "Moon"),
        ("add", "https://user:secret@a.example/"),
        ("show", "a.example"),
        ("remove", "0"),
    ],
)
def test_wrong_usage(schedule: Run, arguments: tuple[object, ...]) -> None:
    ended = schedule(*arguments)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") <= 4
    assert "secret" not in ended.stderr
    assert listed(schedule) == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--most", "0d"], "--most is out of range"),
        (["--every", "2d", "--least", "5d"], "--every is not between"),
        (["--cron", "0 0 31 2 *"], "'0 0 31 2 *' never comes"),
        (["--night", "22-06", "--timezone", "localtime"], "'localtime' is no time zone"),
    ],
)
def test_what_is_wrong_is_named(schedule: Run, options: list[str], told: str) -> None:
    ended = schedule("add", "https://a.example/", *options)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert told in ended.stderr.splitlines()[0]


def test_a_url_that_would_not_be_requested(schedule: Run) -> None:
    ended = schedule("add", f"https://a.example/{'a' * 8192}")
    assert ended.returncode == 2
    assert "longer than 8192 characters" in ended.stderr

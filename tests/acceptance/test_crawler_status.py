"""`crawler status`: the scheduled sites and the workers, against what is known of them."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
from typing import Any

from crawling import CRAWLER, Run, rows

from demo.server import SampleSite
from registry.db.connect import connect_to


def status(run: Run, database_url: str, *options: str) -> tuple[int, dict[str, Any]]:
    ended = run("crawler", "status", "--json", *options, database=database_url)
    assert ended.stderr == ""
    return ended.returncode, json.loads(ended.stdout)


def schedule(run: Run, site: SampleSite, database_url: str, host: str = "127.0.0.1") -> None:
    url = site.url.replace("127.0.0.1", host) + "/index.html"
    options = ("--every", "7d", "--delay", 0, "--max-pages", 20)
    added = run("crawler", "schedule", "add", url, *options, database=database_url)
    assert added.returncode == 0, added.stderr


def test_sites_are_shown_with_what_is_known_of_them(
    site: SampleSite, run: Run, database_url: str
) -> None:
    code, shown = status(run, database_url)
    assert (code, shown["sites"], shown["totals"]["sites"]) == (1, [], 0)

    schedule(run, site, database_url)
    code, shown = status(run, database_url)
    (one,) = shown["sites"]
    assert (code, one["state"], one["last_visit"], one["used"]) == (0, "due", None, 0)
    assert shown["totals"]["states"]["due"] == 1
    assert shown["totals"]["behind_seconds"] > 0

    assert run("crawler", "worker", "--once", database=database_url).returncode == 0
    _, shown = status(run, database_url)
    (one,) = shown["sites"]
    assert (one["state"], one["last_visit"], one["behind_seconds"]) == ("waiting", 1, 0)
    ((pages, pictures),) = rows(
        database_url,
        """SELECT (SELECT count(*) FROM known_page WHERE refusal IS NULL AND page_url IS NOT NULL),
                  count(DISTINCT fetched_url) FROM observation WHERE image_id IS NOT NULL""",
    )
    assert (one["known"]["pages"], one["known"]["pictures"]) == (pages, pictures)
    assert one["known"]["marks"] > 3
    assert one["trend"] == {"pages": 0, "pictures": 0, "marks": 0}
    ((counts,),) = rows(database_url, "SELECT counts FROM visit")
    assert one["used"] == counts["pages"] / 20
    assert one["limit"] == "max-pages"
    assert sum(one["refused"].values()) == sum(
        n for name, n in counts.items() if name.startswith(("refused.", "pages_refused."))
    )

    text = run("crawler", "status", database=database_url)
    assert text.returncode == 0
    assert f"{one['known']['pictures']:,} pictures" in text.stdout
    assert "1 waiting" in text.stdout
    assert "workers  none" in text.stdout
    unknown = run("crawler", "status", "other.example", database=database_url)
    assert (unknown.returncode, len(unknown.stderr.splitlines())) == (2, 2)


def test_what_needs_a_look_comes_first(site: SampleSite, run: Run, database_url: str) -> None:
    for host in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
        schedule(run, site, database_url, host)
    site.replace("/index.html", b"closed", status=500)
    run("crawler", "worker", "--once", database=database_url)
    run("crawler", "schedule", "pause", "1", database=database_url)
    _, shown = status(run, database_url)
    assert [one["state"] for one in shown["sites"]][-1] == "paused"
    assert shown["sites"][0]["state"] == "failed"
    assert shown["sites"][-1]["next_due_at"] is None
    text = run("crawler", "status", "2", database=database_url).stdout
    assert "1 site: 1 failed" in text


def test_a_worker_is_alive_until_it_ends(site: SampleSite, run: Run, database_url: str) -> None:
    schedule(run, site, database_url)
    environment = os.environ | {"REGISTRY_DATABASE_URL": database_url}
    environment["CRAWLER_CONTACT"] = "mailto:test@example.org"
    site.delay = 0.5
    worker = subprocess.Popen([CRAWLER, "worker"], env=environment, stderr=subprocess.DEVNULL)
    try:
        shown: dict[str, Any] = {"workers": []}
        for _ in range(100):
            _, shown = status(run, database_url)
            if shown["workers"] and shown["sites"][0]["state"] == "visiting":
                break
            time.sleep(0.1)
        (alive,) = shown["workers"]
        assert f":{worker.pid}:" in alive["name"]
        assert alive["concurrency"] == 4
        assert shown["sites"][0]["worker"] == alive["name"]
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
    assert status(run, database_url)[1]["workers"] == []


def test_watching_shows_it_again_on_a_terminal(
    site: SampleSite, run: Run, database_url: str
) -> None:
    schedule(run, site, database_url)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 6, 24, 0, 0))
    environment = os.environ | {"REGISTRY_DATABASE_URL": database_url, "TERM": "xterm"}
    command = [CRAWLER, "status", "--watch", "--seconds", "0.1"]
    with subprocess.Popen(command, env=environment, stdout=theirs, stderr=theirs) as watching:
        os.close(theirs)
        seen = b""
        while seen.count(b"1 site: 1 due") < 2:
            seen += os.read(ours, 4096)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 130
    os.close(ours)
    assert seen.count(b"\x1b[2J") >= 2
    screen = seen.decode().split("\x1b[2J")[1]
    lines = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", screen).splitlines()
    assert (len(lines), max(map(len, lines))) == (5, 24)
    with connect_to(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM visit").fetchone() == (0,)

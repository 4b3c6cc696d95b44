"""`crawler events` and `registry history HOST`: what changed between visits, against the truth."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crawling import CRAWLER, Run, rows

from demo.server import SampleSite

PICTURES = Path("demo/site/www/pictures")
NOAI = '<meta name="robots" content="noai">'
NOIMAGEAI = '<meta name="robots" content="noimageai">'
Told = set[tuple[str, str, str, str, str]]


class Gallery:
    """A site of two pages that a test changes between visits."""

    def __init__(self, site: SampleSite, crawl: Run) -> None:
        self.site = site
        self.crawl = crawl
        self.heads = {"/one.html": "", "/two.html": NOAI}
        self.shown = {"/one.html": ["a", "b"], "/two.html": ["c", "d"]}
        self.robots("User-agent: *\nAllow: /\n")
        for name, file in {"a": "cat", "b": "bulldog", "c": "capitol", "d": "ducks"}.items():
            self.picture(name, f"{file}.jpg")

    def picture(self, name: str, file: str, **answer: Any) -> None:
        self.site.replace(f"/{name}.jpg", (PICTURES / file).read_bytes(), **answer)

    def robots(self, text: str) -> None:
        self.site.replace("/robots.txt", text.encode())

    def visit(self, *options: object) -> None:
        links = '<a href="/one.html">1</a><a href="/two.html">2</a>'
        for path, head in self.heads.items():
            images = "".join(f'<img src="/{name}.jpg">' for name in self.shown[path])
            self.site.replace(path, f"<head>{head}</head>{links}{images}".encode())
        ended = self.crawl(f"{self.site.url}/one.html", *options)
        assert ended.returncode == 0, ended.stderr


@pytest.fixture
def gallery(site: SampleSite, crawl: Run) -> Gallery:
    return Gallery(site, crawl)


@pytest.fixture
def events(
    run: Callable[..., subprocess.CompletedProcess[str]], database_url: str
) -> Callable[..., subprocess.CompletedProcess[str]]:
    return lambda *options: run("crawler", "events", *options, database=database_url)


def told(output: str, site: SampleSite) -> Told:
    """Return kind, path, marks, and the texts before and after, of events as JSON."""
    found = set()
    for line in output.splitlines():
        event = json.loads(line)
        texts = [(event[name] or {}).get("text") or "" for name in ("before", "after")]
        path = event["url"].removeprefix(site.url)
        found.add((event["kind"], path, ",".join(event["marks"]), *texts))
    return found


def test_what_changed_is_told(
    gallery: Gallery, events: Run, site: SampleSite, database_url: str
) -> None:
    gallery.visit()
    gallery.visit()
    nothing = events()
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (1, "", "no events\n")

    gallery.heads = {"/one.html": NOAI, "/two.html": NOIMAGEAI}
    gallery.picture("a", "djembe.jpg")
    gallery.picture("b", "cat.jpg", status=404)
    gallery.picture("c", "capitol.jpg", headers=(("X-Robots-Tag", "noai"),))
    gallery.picture("e", "cat.jpg")
    gallery.shown["/two.html"].append("e")
    gallery.robots("User-agent: GPTBot\nDisallow: /\n")
    gallery.visit()
    third = events("--json")
    assert third.returncode == 0
    assert told(third.stdout, site) == {
        ("mark-appeared", "/one.html", "noai", "", NOAI),
        ("mark-changed", "/two.html", "noimageai", NOAI, NOIMAGEAI),
        ("mark-appeared", "/c.jpg", "noai", "", "X-Robots-Tag: noai"),
        ("mark-appeared", "/robots.txt", "robots-txt:disallow", "", "Disallow: / (for gptbot)"),
        ("picture-new", "/e.jpg", "noimageai", "", ""),
        ("picture-replaced", "/a.jpg", "noai", "", ""),
        ("picture-gone", "/b.jpg", "", "", ""),
    }

    gallery.heads["/one.html"] = ""
    gallery.picture("b", "bulldog.jpg")
    gallery.robots("User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n")
    gallery.visit()
    last = json.loads(third.stdout.splitlines()[-1])["id"]
    assert told(events("--after", last, "--json").stdout, site) == {
        ("mark-removed", "/one.html", "noai", NOAI, ""),
        (
            *("mark-changed", "/robots.txt", "robots-txt:disallow"),
            *("Disallow: / (for gptbot)", "Disallow: / (for gptbot, ccbot)"),
        ),
        ("picture-back", "/b.jpg", "", "", ""),
    }


def test_of_the_pages_that_show_a_new_picture_one_with_marks_is_told(
    gallery: Gallery, events: Run, site: SampleSite
) -> None:
    gallery.visit()
    gallery.picture("e", "djembe.jpg")
    gallery.picture("c", "bulldog.jpg")
    # The first page is read first, as the list of a blog is, and has no marks.
    for shown in gallery.shown.values():
        shown += ["e"]
    gallery.shown["/one.html"].append("c")
    gallery.visit()
    assert told(events("--json").stdout, site) == {
        ("picture-new", "/e.jpg", "noai", "", ""),
        ("picture-replaced", "/c.jpg", "noai", "", ""),
    }
    assert f"on {site.url}/two.html  marks: noai" in events("--kind", "picture-new").stdout


def test_a_failed_reading_takes_nothing_back(gallery: Gallery, events: Run) -> None:
    gallery.picture("a", "cat.jpg", headers=(("X-Robots-Tag", "noai"),))
    gallery.visit()
    for status in (503, 403, 429):
        gallery.picture("a", "cat.jpg", status=status)
        gallery.site.replace("/robots.txt", b"", status=403)
        gallery.visit()
    assert events().returncode == 1


def test_a_picture_that_is_not_shown_for_three_visits_is_stale(
    gallery: Gallery, events: Run, site: SampleSite
) -> None:
    gallery.visit()
    gallery.shown["/two.html"] = ["d"]
    gallery.visit()
    gallery.visit()
    # One that reads only some of the pages does not count.
    gallery.visit("--max-pages", 1)
    assert events().returncode == 1
    gallery.visit()
    stale = ("picture-stale", "/c.jpg", "", "", "")
    assert told(events("--json").stdout, site) == {stale}
    gallery.visit()
    assert len(events().stdout.splitlines()) == 1
    gallery.shown["/two.html"] = ["c", "d"]
    gallery.visit()
    assert told(events("--json").stdout, site) == {
        stale,
        ("picture-back", "/c.jpg", "noai", "", ""),
    }


def test_pictures_behind_robots_txt_do_not_grow_stale(
    gallery: Gallery, events: Run, site: SampleSite, run: Run, database_url: str
) -> None:
    gallery.visit()
    gallery.robots("User-agent: *\nDisallow: /\n")
    for _ in range(4):
        ended = gallery.crawl(f"{site.url}/one.html")
        assert (ended.returncode, "robots.txt disallows it" in ended.stderr) == (1, True)
    assert {kind for kind, *_ in told(events("--json").stdout, site)} == {"mark-appeared"}
    gallery.robots("User-agent: *\nAllow: /\n")
    gallery.shown["/two.html"] = ["d"]
    for _ in range(3):
        gallery.visit()
    assert told(events("--json", "--kind", "picture-stale").stdout, site) == {
        ("picture-stale", "/c.jpg", "", "", "")
    }


def test_events_as_lines(
    gallery: Gallery, events: Run, run: Callable[..., subprocess.CompletedProcess[str]],
    site: SampleSite, database_url: str,
) -> None:  # fmt: skip
    host = site.netloc("site")
    gallery.visit()
    gallery.heads["/one.html"] = NOAI
    gallery.robots("".join(f"User-agent: Bot{n}\nDisallow: /\n\n" for n in range(9)))
    gallery.visit()
    lines = events().stdout.splitlines()
    assert [line[16:] for line in lines if "one.html" in line] == [
        f"  {host}  mark appeared     noai: {NOAI}  at {site.url}/one.html"
    ]
    by_kind = events(site.url, "--kind", "mark-appeared", "--since", "1h").stdout.splitlines()
    assert by_kind == lines
    assert events(f"{site.url}/one.html").stdout.splitlines() == lines  # where the site starts
    robots = events(f"{site.url}/robots.txt").stdout.splitlines()
    assert robots
    assert robots == [line for line in lines if "robots.txt" in line] != lines
    nothing = (
        [f"{site.url}/two.html"],
        ["other.example"],
        ["--kind", "picture-gone"],
        ["--since", "2100-01-01"],
    )
    assert [events(*options).returncode for options in nothing] == [1, 1, 1, 1]

    shown = run("registry", "history", host, database=database_url).stdout.splitlines()
    assert shown.count("  events") == 1
    assert [line.strip() for line in shown[shown.index("  events") + 1 :]] == [
        line.replace(f"{host}  ", "", 1).strip() for line in lines
    ]
    content = json.loads(run("registry", "history", host, "--json", database=database_url).stdout)
    assert content["events"] == [json.loads(line) for line in events("--json").stdout.splitlines()]


def test_events_are_followed(gallery: Gallery, database_url: str) -> None:
    gallery.visit()
    following = subprocess.Popen(
        [CRAWLER, "events", "--follow", "--json"],
        env={"REGISTRY_DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(1)
        gallery.heads["/one.html"] = NOAI
        gallery.visit()
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["kind"] == "mark-appeared"
        following.send_signal(signal.SIGINT)
        _, stderr = following.communicate(timeout=20)
        assert (following.returncode, "Traceback" in stderr) == (130, False)
    finally:
        following.kill()
        following.communicate()


def test_a_visit_that_finds_a_change_shortens_the_interval(
    gallery: Gallery, run: Callable[..., subprocess.CompletedProcess[str]], database_url: str
) -> None:
    url = f"{gallery.site.url}/one.html"
    add = ("schedule", "add", url, "--every", "7d", "--least", "1m", "--most", "30d")
    assert run("crawler", *add, database=database_url).returncode == 0
    gallery.visit()
    query = "SELECT visits, changed, days FROM schedule"
    assert rows(database_url, query) == [(1, 0.1, 14)]
    gallery.visit()
    ((visits, changed, days),) = rows(database_url, query)
    assert (visits, round(changed, 3)) == (1.9, 0.1)
    assert 12.6 < days < 12.7
    gallery.heads["/one.html"] = NOAI
    gallery.visit()
    assert round(rows(database_url, query)[0][1], 3) == 1.1


def test_following_ends_when_nobody_reads(database_url: str) -> None:
    with subprocess.Popen(
        [CRAWLER, "events", "--follow"],
        env={"REGISTRY_DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
    ) as following:
        assert following.stdout is not None
        following.stdout.close()
        assert following.wait(30) == 141


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--since", "yesterday"], "neither an age nor a date"),
        (["--since", ""], "neither an age nor a date"),
        (["--since", "99999999999999d"], "neither an age nor a date"),
        (["--kind", "marks"], "'marks' is no kind of event"),
        (["not a host"], "not a host is no site"),
        (["--after", "-1"], "--after"),
        (["--after", "9" * 40], "--after"),
    ],
)
def test_wrong_usage_of_events(events: Run, options: list[str], told: str) -> None:
    ended = events(*options)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr

"""The installed `crawler` command against the sample site and a real database."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from crawling import Run, observed, rows

from demo.server import SampleSite
from registry.db.rows import evidence_from_row
from registry.signals import read

TRUTH = json.loads(Path("demo/site/truth.json").read_text("utf-8"))
AGENT = "OptoutRegistry/0.1 (+a test on this machine)"


def true_pictures(site: SampleSite) -> dict[str, dict[str, Any]]:
    text = json.dumps(TRUTH)
    for role in site.hosts:
        text = text.replace("{{" + role + "}}", site.netloc(role))
    truth = json.loads(text)
    crawled = {page["url"] for page in truth["pages"] if page["crawl"]}
    return {p["url"]: p for p in truth["pictures"] if crawled & set(p["pages"])}


def marks(database_url: str, evidence: list[int]) -> set[str]:
    found = rows(
        database_url,
        "SELECT carrier, about, url, lines, text FROM evidence WHERE id IN "
        f"({', '.join(map(str, evidence))})",
    )
    signals = [signal for row in found for signal in read(evidence_from_row(*row)).signals]
    return {
        f"{s.name}@{agent}".rstrip("@")
        for s in signals
        for agent in s.agents or ("",)
        if "reserved" in (s.meaning("train"), s.meaning("train-genai"))
    }


def test_a_visit_finds_what_is_true(site: SampleSite, crawl: Run, database_url: str) -> None:
    ended = crawl(site.url + "/", "--json")
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    said = json.loads(ended.stdout)
    found = observed(database_url)
    truth = true_pictures(site)

    assert {o["image_url"] for o in found} == set(truth)
    for o in found:
        true = truth[o["image_url"]]
        assert o["relation"] == true["relation"], o
        assert o["refusal"] == true["refusal"], o
        assert (o["image_id"] is None) == (true["refusal"] is not None), o
        assert bool(o["unfit"]) == true["unfit"], o
        assert o["page_url"] in true["pages"], o
        if true["size"] == "full" and o["image_id"]:
            assert o["fetched_url"] == o["image_url"]
    carried = {"html", "headers"}
    for url, true in truth.items():
        evidence = [e for o in found if o["image_url"] == url for e in o["evidence"]]
        true_names = {m["name"] for m in true["marks"] if m["carrier"] in carried}
        # The truth leaves out marks that speak to an agent that does not train.
        assert true_names == marks(database_url, evidence) - {"noai@otherbot"}, url

    assert said["observations"] == len(found)
    assert said["refused"] == Counter(o["refusal"] for o in found if o["refusal"])
    assert said["images"] == rows(database_url, "SELECT count(*) FROM image")[0][0]
    assert said["visits"][0]["state"] == "finished"
    asked = Counter((r.host, r.path) for r in site.requests)
    assert max(asked.values()) == 1, asked.most_common(3)
    assert not [r for r in site.requests if r.path.startswith(("/private/", "/members/"))]
    assert {r.user_agent for r in site.requests} == {AGENT}
    assert len([r for r in site.requests if r.path.startswith("/calendar.html")]) < 50
    files = rows(database_url, "SELECT host, kind, refusal FROM site_rule")
    assert sorted(f for f in files if f[1] == "robots-txt") == sorted(
        [
            (site.netloc("site"), "robots-txt", None),
            (site.netloc("cdn"), "robots-txt", "http-404"),
            (site.netloc("other"), "robots-txt", None),
        ]
    )
    # What speaks for a site besides robots.txt is asked for once a host.
    kinds = {kind for host, kind, _ in files if host == site.netloc("site")}
    assert kinds >= {"robots-txt", "tdmrep-json", "ai-txt", "trust-txt"}


def test_a_second_visit_sends_no_picture_again(
    site: SampleSite, crawl: Run, database_url: str
) -> None:
    assert crawl(site.url + "/").returncode == 0
    site.requests.clear()
    ended = crawl(site.url + "/", "--json")
    assert ended.returncode == 0
    statuses = Counter(
        r.status for r in site.requests if r.path.endswith((".jpg", ".png", ".webp", ".gif"))
    )
    first, second = observed(database_url, 1), observed(database_url, 2)
    # What has no picture yet is asked for again in full, and one image of each host.
    assert statuses == {304: json.loads(ended.stdout)["unchanged"], 200: 3 + 3}
    key = ("image_url", "page_url", "fetched_url", "relation", "refusal", "image_id", "evidence")
    assert sorted(str([o[k] for k in key]) for o in first) == sorted(
        str([o[k] for k in key]) for o in second
    )


def test_marks_that_appear_and_go(site: SampleSite, crawl: Run, database_url: str) -> None:
    page = b'<img src="/pictures/cat.jpg">'
    reserved = b'<meta name="robots" content="noai">' + page
    for body in (page, reserved, page):
        site.replace("/one.html", body)
        assert crawl(site.url + "/one.html", "--max-depth", 0).returncode == 0
    seen = [
        marks(database_url, observed(database_url, visit)[0]["evidence"]) for visit in (1, 2, 3)
    ]
    assert seen == [set(), {"noai"}, set()]


def test_a_mark_in_a_304_is_seen(site: SampleSite, crawl: Run, database_url: str) -> None:
    # The first image is asked for without conditions.
    site.replace("/one.html", b'<img src="/pictures/cat.jpg"><img src="/a.jpg">')
    picture = Path("demo/site/www/pictures/cat.jpg").read_bytes()
    for headers in ((), (("X-Robots-Tag", "noai"), ("X-Robots-Tag", "otherbot: noindex"))):
        site.replace("/a.jpg", picture, headers=headers)
        assert crawl(site.url + "/one.html", "--max-depth", 0).returncode == 0
    (second,) = (one for one in observed(database_url, 2) if one["image_url"].endswith("/a.jpg"))
    assert (second["status"], second["image_id"] is not None) == (304, True)
    assert "noai" in marks(database_url, second["evidence"])
    (lines,) = rows(
        database_url, f"SELECT lines FROM evidence WHERE id = {second['evidence'][-1]}"
    )[0]
    assert [value for name, value in lines if name == "X-Robots-Tag"] == [
        "noai",
        "otherbot: noindex",
    ]


def test_a_known_image_that_redirects_now_is_read_anew(
    site: SampleSite, crawl: Run, database_url: str
) -> None:
    site.replace("/one.html", b'<img src="/pictures/cat.jpg"><img src="/a.jpg">')
    site.replace("/a.jpg", Path("demo/site/www/pictures/cat.jpg").read_bytes())
    assert crawl(site.url + "/one.html", "--max-depth", 0).returncode == 0
    moved = (("Location", "/pictures/bulldog.jpg"),)
    site.replace("/a.jpg", b"", status=302, headers=moved)
    for _ in range(2):
        assert crawl(site.url + "/one.html", "--max-depth", 0).returncode == 0
    # The old address's conditions would have made the new one answer 304.
    first, second, third = (
        next(one for one in observed(database_url, visit) if one["image_url"].endswith("/a.jpg"))
        for visit in (1, 2, 3)
    )
    assert (second["status"], second["fetched_url"]) == (200, site.url + "/pictures/bulldog.jpg")
    assert second["image_id"] != first["image_id"]
    assert third["image_id"] == second["image_id"]
    assert site.requests[-1].status == 304


def test_every_fault_is_recorded(site: SampleSite, crawl: Run, database_url: str) -> None:
    ended = crawl(site.url + "/faults.html", "--max-depth", 0)
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr
    found = {o["image_url"].rsplit("/", 1)[-1]: o["refusal"] for o in observed(database_url)}
    assert found == {
        "missing.jpg": "http-404",
        "error.jpg": "http-500",
        "forbidden.jpg": "http-403",
        "gone.jpg": "http-410",
        "moved.jpg": None,
        # Where moved.jpg redirects to.
        "cat.jpg": None,
        "loop-a.jpg": "redirect-loop",
        "short.jpg": "truncated",
        "huge.jpg": "too-large",
        "slow.jpg": "timeout",
        "bomb.png": "too-many-pixels",
    }


def test_the_next_size_is_taken_if_the_largest_is_refused(
    site: SampleSite, crawl: Run, database_url: str
) -> None:
    site.replace(
        "/one.html",
        b'<a href="/private/x.jpg"><img src="/pictures/cat.jpg" srcset="/gone.jpg 900w"></a>',
    )
    assert crawl(site.url + "/one.html", "--max-depth", 0).returncode == 0
    found = {o["image_url"].rsplit("/", 1)[-1]: o for o in observed(database_url)}
    assert {name: o["refusal"] for name, o in found.items()} == {
        "x.jpg": "robots-txt",
        "gone.jpg": "http-404",
        "cat.jpg": None,
    }


def test_limits(site: SampleSite, crawl: Run, database_url: str) -> None:
    ended = crawl(
        site.url + "/gallery/", "--max-pages", 2, "--max-images", 3, "--max-bytes", 5000, "--json"
    )
    said = json.loads(ended.stdout)
    assert said["pages"] == 2
    # Next pages first.
    assert "/gallery/page/2/" in [r.path for r in site.requests]
    assert said["left"]["pages"] > 0
    assert said["refused"]["limit"] > 0
    assert said["refused"]["too-large"] > 0
    assert len([r for r in site.requests if r.path.endswith(".jpg")]) <= 3
    assert all(o["refusal"] or o["image_id"] for o in observed(database_url))


def test_time_limit(site: SampleSite, crawl: Run, database_url: str) -> None:
    site.delay = 0.2
    ended = crawl(site.url + "/", "--max-seconds", 3, "--json")
    assert ended.returncode == 0
    (visit,) = json.loads(ended.stdout)["visits"]
    assert visit["state"] == "finished"
    # On a slow machine the limit may come before any image was requested.
    counts = visit["counts"]
    assert counts["refused"].get("limit", 0) + counts["pages_refused"].get("limit", 0) > 0


@pytest.mark.parametrize("status", [503, 429])
def test_robots_txt_that_cannot_be_had_closes_the_site(
    status: int, site: SampleSite, crawl: Run, database_url: str
) -> None:
    site.replace("/robots.txt", b"User-agent: *\nAllow: /\n", status=status)
    ended = crawl(site.url + "/")
    assert ended.returncode == 4
    assert "so no request is allowed" in ended.stderr
    assert {r.path for r in site.requests} == {"/robots.txt"}
    assert rows(database_url, "SELECT refusal FROM site_rule") == [(f"http-{status}",)]
    assert rows(database_url, "SELECT state FROM visit") == [("failed",)]


@pytest.mark.parametrize(
    "text", [b"User-agent: *\nDisallow: /", b"User-agent: optoutregistry\nDisallow: /gal"]
)
def test_robots_txt_that_closes_the_site_is_recorded(
    text: bytes, site: SampleSite, crawl: Run, database_url: str
) -> None:
    site.replace("/robots.txt", text)
    ended = crawl(site.url + "/gallery/")
    assert ended.returncode == 1
    assert "the host's robots.txt disallows it" in ended.stderr
    assert {r.path for r in site.requests} == {"/robots.txt"}
    assert rows(
        database_url, "SELECT text FROM site_rule JOIN evidence e ON e.id = evidence_id"
    ) == [(text.decode(),)]
    assert rows(database_url, "SELECT state FROM visit") == [("finished",)]


def test_redirects_obey_the_target_s_robots_txt(
    site: SampleSite, crawl: Run, database_url: str
) -> None:
    site.replace("/one.html", b'<img src="/a.jpg"><a href="/b.html">')
    closed = (("Location", f"{site.other_url}/members/retina.jpg"),)
    site.replace("/a.jpg", b"", status=302, headers=closed)
    site.replace("/b.html", b"", status=302, headers=(("Location", f"{site.other_url}/"),))
    ended = crawl(site.url + "/one.html", "--json")
    assert [o["refusal"] for o in observed(database_url)] == ["robots-txt"]
    assert json.loads(ended.stdout)["pages_refused"] == {"other-site": 1}
    assert {r.path for r in site.requests if r.host == site.hosts["other"]} == {"/robots.txt"}


@pytest.mark.parametrize(
    ("path", "message"),
    [("/nothing-here", "responded with status 404"), ("/style.css", "not an HTML page")],
)
def test_a_start_page_that_cannot_be_read(
    path: str, message: str, site: SampleSite, crawl: Run, database_url: str
) -> None:
    ended = crawl(site.url + path)
    assert ended.returncode == 4
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert rows(database_url, "SELECT state FROM visit") == [("failed",)]


def test_a_host_that_does_not_answer(crawl: Run, database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    ended = crawl(f"http://127.0.0.1:{port}/")
    assert ended.returncode == 4
    assert "cannot be reached" in ended.stderr
    assert rows(database_url, "SELECT state FROM visit") == [("failed",)]
    assert rows(database_url, "SELECT refusal FROM site_rule") == [("connection",)]


def test_a_page_without_images(site: SampleSite, crawl: Run, database_url: str) -> None:
    site.replace("/one.html", b"<p>nothing")
    assert crawl(site.url + "/one.html").returncode == 1
    assert rows(database_url, "SELECT state FROM visit") == [("finished",)]


def test_several_visits_in_one_run(site: SampleSite, crawl: Run, database_url: str) -> None:
    ended = crawl(site.url + "/gallery/", f"{site.other_url}/", "--max-pages", 1, "--json")
    assert ended.returncode == 0
    visits = json.loads(ended.stdout)["visits"]
    assert [v["host"] for v in visits] == [site.netloc("site"), site.netloc("other")]
    assert {o["relation"] for o in observed(database_url, 2)} == {"own"}


USAGE = {
    "no contact": (["https://art.example/"], "CRAWLER_CONTACT"),
    "no scheme": (["art.example"], "https://art.example"),
    "other scheme": (["ftp://127.0.0.1/"], "not a web address"),
    "no such spider": (["louvre"], "crawler sites"),
    "a spider that needs a start URL": (["gallery"], "needs a start URL"),
    "no target": ([], "Missing argument"),
    "a negative delay": (["http://127.0.0.1/", "--delay", "-1"], "--delay"),
}


@pytest.mark.parametrize("name", USAGE)
def test_usage(name: str, run: Run) -> None:
    arguments, message = USAGE[name]
    ended = run("crawler", "run", *arguments, database="postgresql://127.0.0.1:1/none")
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_too_fast_for_others(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAWLER_CONTACT", "mailto:me@art.example")
    ended = run(
        "crawler",
        "run",
        "https://art.example/",
        "--delay",
        "0.1",
        database="postgresql://127.0.0.1:1/x",
    )
    assert ended.returncode == 2
    assert "too fast" in ended.stderr


def test_a_contact_that_is_none(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAWLER_CONTACT", "me)\r\nX: y")
    ended = run("crawler", "run", "http://127.0.0.1/", database="postgresql://127.0.0.1:1/x")
    assert ended.returncode == 2


def test_a_database_that_is_down_is_said_first(site: SampleSite, run: Run) -> None:
    ended = run("crawler", "run", site.url + "/", database="postgresql://127.0.0.1:1/none")
    assert ended.returncode == 3
    assert ended.stderr.startswith("error: ")
    assert "Traceback" not in ended.stderr
    assert site.requests == []


def test_a_site_visited_lately_is_left_out(site: SampleSite, crawl: Run, database_url: str) -> None:
    options = ("--max-pages", 1, "--if-older-than", "1h")
    assert crawl(f"{site.url}/", *options).returncode == 0
    asked = len(site.requests)
    again = crawl(f"{site.url}/", *options)
    assert again.returncode == 0
    assert "skipped" in again.stderr
    assert len(site.requests) == asked
    assert rows(database_url, "SELECT count(*) FROM visit") == [(1,)]
    # Another start is another visit, and a long past one is due again.
    assert crawl(f"{site.url}/about.html", *options).returncode in (0, 1)
    crawl(f"{site.url}/", "--max-pages", 1, "--if-older-than", "0s")
    assert rows(database_url, "SELECT count(*) FROM visit") == [(3,)]


@pytest.mark.parametrize("text", ["", "1", "d", "1y", "-1d", "\u00b2d", "9" * 20 + "d"])
def test_what_is_no_duration(run: Run, text: str) -> None:
    result = run("crawler", "run", "http://127.0.0.1:9/", "--if-older-than", text)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_help_is_quick_and_lists_the_commands(run: Run) -> None:
    ended = run("crawler", "--help")
    assert ended.returncode == 0
    assert "sites" in ended.stdout
    light = subprocess.run(
        [sys.executable, "-c", "import crawler.cli, sys; print('scrapy' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert light.stdout == "False\n"


def test_sites(run: Run) -> None:
    assert "gallery" in run("crawler", "sites").stdout
    assert json.loads(run("crawler", "sites", "--json").stdout)["gallery"]

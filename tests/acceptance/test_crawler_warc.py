"""`--warc`: responses with marks in WARC files, and evidence that names its record there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from crawling import CRAWLER, Run, rows
from image_files import app1, jpeg
from raw_site import answer, raw_site
from warc_files import Record, holds, records_at, records_in

from crawler.cli.run import command as run_command
from crawler.cli.worker import command as worker_command
from demo.server import SampleSite
from registry.db.connect import connect_to
from registry.db.rows import evidence_from_row
from registry.model import Evidence
from registry.signals import read

CAT = Path("demo/site/www/pictures/cat.jpg").read_bytes()
NOAI = "X-Robots-Tag: noai"
# Responses of the sample site with marks.
MARKED = 24
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    'syntax-ns#"><rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:DataMining'
    '="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"/></rdf:RDF></x:xmpmeta>'
)


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def middle(data: bytes) -> bytes:
    """Return 64 bytes of a file that no other file has."""
    return data[len(data) // 2 :][:64]


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in files(folder))


def stored(database_url: str, folder: Path) -> list[tuple[Evidence, list[Record] | None]]:
    """Return all evidence, each with the records of its response, if it names any."""
    query = """SELECT carrier, about, url, lines, text, file, place, size
        FROM evidence LEFT JOIN evidence_record ON evidence_id = id ORDER BY id"""
    found: list[tuple[Evidence, list[Record] | None]] = []
    with connect_to(database_url) as conn:
        for *columns, file, place, length in conn.execute(query):
            records = records_at(folder / file, place, length) if file else None
            found.append((evidence_from_row(*columns), records))
    return found


def checked(database_url: str, folder: Path) -> dict[str, list[Record]]:
    """Return the records of the evidence with marks, by its URL; each must hold its evidence."""
    found: dict[str, list[Record]] = {}
    for evidence, records in stored(database_url, folder):
        if records is None:
            assert not read(evidence).signals, evidence
        else:
            assert read(evidence).signals
            assert holds(records, evidence), evidence
            found[evidence.url] = records
    return found


def test_each_mark_of_a_gallery_is_in_a_record(
    site: SampleSite, crawl: Run, explain: Run, database_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "new/warc"
    done = crawl(site.url + "/", "--warc", folder, "--json")
    assert done.returncode == 0, done.stderr
    (path,) = files(folder)
    found = checked(database_url, folder)
    assert len(found) == MARKED
    assert f"{site.url}/robots.txt" in found
    assert found[f"{site.url}/robots.txt"][0].fields["WARC-IP-Address"] == "127.0.0.1"
    written = b"".join(record.block for record in records_in(path.read_bytes()))
    pictures = [file.read_bytes() for file in Path("demo/site").rglob("*.jpg")]
    assert len(pictures) > 50
    assert not any(len(data) > 200 and middle(data) in written for data in pictures)
    shown = explain(path).stdout
    assert f"{site.url}/works/tiger.html (html)" in shown
    assert "verdict: reserved (policy cautious@2) by noai, noimageai" in shown

    before = size(folder)
    again = crawl(site.url + "/", "--warc", folder)
    assert again.returncode == 0, again.stderr
    assert (files(folder), size(folder)) == ([path], before)


def test_without_the_option_there_are_no_records(
    site: SampleSite, crawl: Run, database_url: str, tmp_path: Path
) -> None:
    assert crawl(site.url + "/", "--max-pages", 3).returncode == 0
    assert rows(database_url, "SELECT count(*) FROM evidence_record") == [(0,)]
    assert crawl(site.url + "/", "--max-pages", 3, "--fresh", "--warc", tmp_path).returncode == 0
    assert len(checked(database_url, tmp_path)) >= 1


def test_a_304_is_no_record_of_an_earlier_response(
    crawl: Run, database_url: str, tmp_path: Path
) -> None:
    page = b'<!doctype html><meta name="robots" content="noai"><img src="/a.jpg">'
    fields = (NOAI, 'ETag: "1"')
    with raw_site() as site:
        site.answers = {
            "/": answer(page, "Content-Type: text/html", *fields),
            "/a.jpg": answer(CAT, "Content-Type: image/jpeg", *fields),
        }
        responses = dict(site.answers)
        crawl(site.url + "/")
        unchanged = answer(b"", *fields, status="304 Not Modified")
        site.answers |= {"/": unchanged, "/a.jpg": unchanged}
        assert crawl(site.url + "/", "--warc", tmp_path).returncode == 0
        assert (site.asked.count("/"), files(tmp_path)) == (2, [])
        site.answers |= responses
        crawl(site.url + "/", "--warc", tmp_path, "--fresh")
        assert len(checked(database_url, tmp_path)) == 2


def test_a_picture_is_in_no_file(crawl: Run, database_url: str, tmp_path: Path) -> None:
    picture = CAT[:2] + jpeg(app1(XMP.encode()))[2:-2] + CAT[2:]
    page = b'<!doctype html><img src="/a.jpg"><img src="/big.jpg"><img src="/b.jpg"><p>secret</p>'
    with raw_site() as site:
        site.answers = {
            "/": answer(page, "Content-Type: text/html"),
            "/a.jpg": answer(picture, "Content-Type: image/jpeg", "Set-Cookie: secret=1"),
            "/b.jpg": answer(CAT, "Content-Type: image/jpeg"),
            "/big.jpg": answer(CAT, "Content-Type: image/jpeg", NOAI, length=99_000_000),
        }
        assert crawl(site.url + "/", "--warc", tmp_path).returncode == 0
        found = checked(database_url, tmp_path)
        assert set(found) == {f"{site.url}/a.jpg", f"{site.url}/big.jpg"}
        response, _, part = found[f"{site.url}/a.jpg"]
        assert (part.fields["Optout-Carrier"], part.block) == ("xmp", XMP.encode())
        response, request = found[f"{site.url}/big.jpg"]
    assert (response.body, response.fields["WARC-Truncated"]) == (b"", "unspecified")
    assert response.response.lines[:3] == (
        ("Content-Length", "99000000"),
        ("Content-Type", "image/jpeg"),
        ("X-Robots-Tag", "noai"),
    )
    assert request.block.startswith(b"GET /big.jpg HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"User-Agent: OptoutRegistry/" in request.block
    (path,) = files(tmp_path)
    for record in records_in(path.read_bytes()):
        assert middle(CAT) not in record.block
        assert b"secret" not in record.block


@pytest.mark.parametrize("path", ["/", "/a.jpg"], ids=["page", "picture"])
def test_header_lines_that_a_304_changed_are_in_its_record(
    path: str, crawl: Run, database_url: str, tmp_path: Path
) -> None:
    # The start page and the first picture are asked for without conditions.
    images = b'<img src="/first.jpg"><img src="/a.jpg">'
    page = b'<!doctype html><meta name="robots" content="noai">' + images
    with raw_site() as site:
        site.answers = {
            "/": answer(page, "Content-Type: text/html", NOAI, 'ETag: "1"'),
            "/first.jpg": answer(CAT, "Content-Type: image/jpeg"),
            "/a.jpg": answer(CAT, "Content-Type: image/jpeg", NOAI, 'ETag: "1"'),
        }
        crawl(site.url + "/", "--warc", tmp_path)
        before = size(tmp_path)
        unchanged = b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nConnection: close\r\n\r\n'
        site.answers |= {"/": unchanged, "/a.jpg": unchanged}
        crawl(site.url + "/", "--warc", tmp_path)
        assert size(tmp_path) == before
        site.answers[path] = unchanged.replace(b"ETag", b"X-Robots-Tag: noai, noindex\r\nETag")
        crawl(site.url + "/", "--warc", tmp_path)
        assert (site.asked.count("/"), site.asked.count("/a.jpg")) == (3, 3)
    found = [records for _, records in stored(database_url, tmp_path) if records]
    assert [records[0].response.status for records in found] == [200, 200, 200, 304]
    response, request = found[-1]
    assert response.fields["WARC-Target-URI"] == site.url + path
    assert ("X-Robots-Tag", "noai, noindex") in response.response.lines
    assert (b'If-None-Match: "1"\r\n' in request.block) == (path == "/a.jpg")
    assert response.body == b""
    assert "WARC-Truncated" not in response.fields


def test_a_robots_txt_that_is_elsewhere_names_both_urls(
    crawl: Run, database_url: str, tmp_path: Path
) -> None:
    rules = b"User-agent: GPTBot\nDisallow: /\n"
    with raw_site() as site:
        site.answers = {
            "/": answer(b"<!doctype html>", "Content-Type: text/html"),
            "/robots.txt": answer(b"", "Location: /rules.txt", status="302 Found"),
            "/rules.txt": answer(rules, "Content-Type: text/plain"),
        }
        crawl(site.url + "/", "--warc", tmp_path)
        ((url, (response, request)),) = checked(database_url, tmp_path).items()
        assert url == response.fields["Optout-URL"] == f"{site.url}/robots.txt"
        assert response.fields["WARC-Target-URI"] == f"{site.url}/rules.txt"
        assert request.block.startswith(b"GET /rules.txt ")
        assert (response.body, "WARC-Truncated" in response.fields) == (rules, False)


def test_a_killed_visit_is_continued_in_another_file(
    site: SampleSite, crawl: Run, database_url: str, tmp_path: Path
) -> None:
    site.delay = 0.05
    visit = subprocess.Popen(
        [str(CRAWLER), "run", site.url + "/", "--delay", "0"],
        env={**os.environ, "REGISTRY_DATABASE_URL": database_url, "REGISTRY_WARC": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while len(site.requests) < 60 and visit.poll() is None:
        time.sleep(0.02)
    visit.kill()
    visit.wait()
    (first,) = files(tmp_path)
    with first.open("ab") as torn:
        # What a process leaves that is killed as it writes.
        torn.write(first.read_bytes()[:200])
    done = crawl(site.url + "/", "--warc", tmp_path)
    assert "resumed" in done.stderr
    assert len(checked(database_url, tmp_path)) == MARKED
    assert len(files(tmp_path)) == 2


# A worker of which each child makes one visit.
WORKER = """
from functools import partial
from crawler.worker import children, work
work.ChildLimits = partial(children.ChildLimits, visits=1)
from crawler.cli import main
main()
"""


def test_two_children_of_a_worker_write_files_of_their_own(
    run: Run, database_url: str, tmp_path: Path
) -> None:
    with SampleSite() as one, SampleSite() as two:
        urls = (one.url + "/", two.url + "/")
        options = ("--every", "7d", "--delay", 0, "--max-pages", 20)
        added = run("crawler", "schedule", "add", *urls, *options, database=database_url)
        assert added.returncode == 0, added.stderr
        done = subprocess.run(
            [sys.executable, "-c", WORKER, "worker", "--once", "--warc", "warc"],
            env={**os.environ, "REGISTRY_DATABASE_URL": database_url},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found = checked(database_url, tmp_path / "warc")
        assert {url + "robots.txt" for url in urls} <= set(found)
    assert len(files(tmp_path / "warc")) == 2


def test_a_folder_that_cannot_be_written_is_named_before_the_visit(
    site: SampleSite, crawl: Run, run: Run, database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file/warc"
    for done in (
        crawl(site.url + "/", "--warc", folder),
        run("crawler", "worker", "--once", "--warc", folder, database=database_url),
    ):
        assert done.returncode == 4
        assert done.stderr.splitlines() == [
            f"error: {folder} cannot be written: Not a directory",
            "hint: free space there, or name another folder with --warc",
        ]
    assert site.requests == []
    assert rows(database_url, "SELECT count(*) FROM visit") == [(0,)]


@pytest.mark.parametrize(
    ("option", "variable", "folder"),
    [("", "env", "env"), ("cli", "env", "cli"), ("cli", "", "cli"), ("", "", None)],
)
def test_the_option_wins_over_the_variable(
    option: str, variable: str, folder: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_WARC", variable)
    for command, arguments in ((run_command, ["https://art.example/"]), (worker_command, [])):
        given = [*arguments, *(["--warc", option] if option else [])]
        parsed = command.make_context("x", given).params["warc"]
        assert parsed == (Path(folder) if folder else None)


# A process that may write no file longer than 2 KiB, as on a disk that fills.
SMALL = ["sh", "-c", 'ulimit -f 4 && exec "$@"', "sh", str(CRAWLER)]


def small(database_url: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SMALL, *map(str, arguments)],
        env={**os.environ, "REGISTRY_DATABASE_URL": database_url, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_disk_that_fills_ends_the_visit_and_loses_nothing(
    site: SampleSite, crawl: Run, database_url: str, tmp_path: Path
) -> None:
    done = small(database_url, "run", site.url + "/", "--delay", 0, "--warc", tmp_path)
    assert done.returncode == 4
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith(f"error: {tmp_path}/optout-")
    assert error.endswith(".warc.gz cannot be written: File too large")
    assert hint == "hint: free space there, or name another folder with --warc"
    assert "Traceback" not in done.stderr
    kept = len(rows(database_url, "SELECT FROM evidence_record"))
    done = crawl(site.url + "/", "--warc", tmp_path)
    assert "resumed" in done.stderr
    assert len(checked(database_url, tmp_path)) == MARKED > kept
    for path in files(tmp_path):
        records_in(path.read_bytes())


def test_a_full_disk_ends_the_worker_and_another_one_goes_on(
    site: SampleSite, run: Run, database_url: str, tmp_path: Path
) -> None:
    url = site.url + "/"
    run("crawler", "schedule", "add", url, "--delay", 0, database=database_url)
    done = small(database_url, "worker", "--once", "--warc", tmp_path)
    assert done.returncode == 4, done.stderr
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith(f"error: {tmp_path}/optout-")
    assert error.endswith(".warc.gz cannot be written: File too large")
    assert hint == "hint: free space there, or name another folder with --warc"
    assert "Traceback" not in done.stderr
    assert rows(database_url, "SELECT state FROM visit") == [("given_back",)]
    done = run("crawler", "worker", "--once", "--warc", tmp_path, database=database_url)
    assert "(visit 1, resumed)" in done.stderr
    assert rows(database_url, "SELECT state FROM visit") == [("finished",)]
    assert len(checked(database_url, tmp_path)) == MARKED

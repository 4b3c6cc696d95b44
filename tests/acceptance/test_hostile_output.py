"""Other people's text in what commands print: nothing in it reaches the terminal as it is."""

from __future__ import annotations

import json
import logging
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import Made
from PIL import Image

from crawler.report.visible_log import VisibleLog
from demo.server import SampleSite

Run = Callable[..., subprocess.CompletedProcess[str]]
# Colours, a title, letters from right to left, an isolate, nothing to see, C1, and a forged line.
EVIL = "a\x1b[31m\x1b]0;t\x07\u202egnp.\u2066\u200b\x9b\x7f\x08b\nerror: forged\rc\u2028d"
TURNED = "no\u202eia\u2066\u200b"
NAME = EVIL.replace("/", "-")
URL = f"https://art.example/{EVIL}.jpg"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose own name is hostile, with a picture and a page."""
    made = tmp_path / NAME
    made.mkdir()
    Image.effect_noise((64, 64), 90).convert("RGB").save(made / f"{NAME}.png", "PNG")
    (made / "flat.png").write_bytes(b"no picture")
    (made / f"{NAME}.html").write_text(f"<meta name='robots' content='noai, {EVIL}'>\n{EVIL}")
    (made / "bad.html").write_text(f"<meta name=”robots” content=”noai”><meta name='{EVIL}:noai'>")
    (made / "robots.txt").write_text(f"User-agent: {EVIL}\nDisallow: /{EVIL}\n")
    (made / "robots.json").write_text(json.dumps({EVIL: {"function": EVIL, "operator": EVIL}}))
    vector = {
        "id": EVIL,
        "kind": "html",
        "input": EVIL,
        "why": EVIL,
        "expect": {"train": "allowed"},
    }
    (made / f"{NAME}.jsonl").write_text(json.dumps(vector))
    return made


@pytest.fixture
def snapshots(tmp_path: Path) -> list[Path]:
    """Two snapshots that differ by a hostile claim."""
    made = Made()
    made.observe("https://a.example/1.jpg", [made.headers(f"noai, {EVIL}")])
    first = made.snapshot(tmp_path / "snapshots", 1).path
    made.claim(url="https://art.example/1.jpg", source=EVIL, evidence=EVIL, licence_url=URL)
    made.claim(url=URL, source=EVIL, signal=EVIL, evidence=EVIL, page_url=URL)
    made.claim(site="art.example", source=EVIL, evidence=EVIL, meaning="conditional")
    return [first, made.snapshot(tmp_path / "snapshots", 2).path]


def held(done: subprocess.CompletedProcess[str], *, codes: Sequence[int]) -> str:
    """Hold that a command printed nothing that a terminal obeys; return what it printed."""
    printed = done.stdout + done.stderr
    assert done.returncode in codes, printed
    assert printed
    odd = {c for c in printed if not c.isprintable()} - {"\n"}
    assert not odd, ascii(printed)
    assert not any(line.startswith("error: forged") for line in printed.split("\n")), printed
    assert "Traceback" not in printed
    return printed


def test_files_and_marks(run: Run, folder: Path):
    pictures = sorted(folder.glob("*.png"))
    assert "\\x1b[31m" in held(run("registry", "hash", *pictures), codes=[4])
    assert "\\u202e" in held(run("registry", "explain", *folder.glob("*.html")), codes=[0])
    held(run("registry", "explain", *folder.glob("*.html"), "--all-policies"), codes=[0])
    held(run("registry", "explain", folder / "robots.txt"), codes=[0])
    held(run("registry", "explain", folder / "robots.txt", "--agent", "x"), codes=[0])
    held(run("registry", "explain", "--header", f"X-Robots-Tag: noai {EVIL}"), codes=[0])
    held(run("registry", "explain", "--header", f"X-Robot-Tag: noai{EVIL}"), codes=[0])
    held(run("registry", "explain", folder / f"{NAME}.none"), codes=[4])
    held(run("registry", "selftest", folder / f"{NAME}.jsonl"), codes=[1, 4])
    held(run("registry", "agents", "diff", folder / "robots.json"), codes=[1])


@pytest.mark.parametrize(
    "arguments",
    [
        [EVIL],
        [f"--{EVIL}"],
        ["explain", "--agent", EVIL, "x"],
        ["explain", "--url", EVIL, "x"],
        ["explain", "--header", EVIL.replace(":", "")],
        ["explain", "--kind", EVIL, "x"],
        ["explain", f"https://{EVIL}/"],
        ["explain", "--policy", EVIL, "x"],
        ["explain", "--jsonl", EVIL],
        ["check", EVIL],
        ["check", EVIL, "--column", EVIL],
        ["check", EVIL, "--out", EVIL],
        ["hash", EVIL],
        ["lookup", EVIL],
        ["lookup", URL, "--snapshot", EVIL],
        ["history", EVIL],
        ["import", EVIL],
        ["selftest", EVIL],
        ["agents", "diff", EVIL],
        ["snapshot", "verify", EVIL],
        ["snapshot", "diff", EVIL, EVIL],
        ["claims", "withdraw", "--id", EVIL],
    ],
    ids=lambda arguments: " ".join(
        word for word in arguments if word.isascii() and "\x1b" not in word
    ),
)
def test_mistakes(run: Run, tmp_path: Path, arguments: list[str]):
    held(run("registry", *arguments, cwd=tmp_path), codes=[1, 2, 3, 4])


@pytest.mark.parametrize("arguments", [["run", EVIL], ["run", f"https://{EVIL}/"], [EVIL]])
def test_mistakes_of_the_crawler(run: Run, arguments: list[str]):
    held(run("crawler", *arguments), codes=[2])


@pytest.mark.parametrize("options", [(), ("--verbose",)])
def test_a_visit(site: SampleSite, crawl: Run, options: tuple[str, ...]):
    page = (
        f'<title>{EVIL}</title><meta name="robots" content="noai, {EVIL}:noai">'
        f'<a href="/{EVIL}.html">{EVIL}</a><a href="https://{EVIL}/">x</a>'
        f'<img src="/{EVIL}.png" alt="{EVIL}"><img src="{EVIL}:x"><img src="//{EVIL}/x.jpg">'
    )
    site.replace("/one.html", page.encode())
    site.replace("/robots.txt", f"User-agent: {EVIL}\nDisallow: /{EVIL}\n".encode())
    held(crawl(site.url + "/one.html", "--max-pages", 3, *options), codes=[0, 1])


def test_a_log_is_made_visible():
    formatter = VisibleLog(logging.Formatter("%(levelname)s %(message)s"))
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "at %s", (TURNED + "\x1b[2J",), None)
    assert formatter.format(record) == "ERROR at no\\u202eia\\u2066\\u200b\\x1b[2J"


def test_snapshots(run: Run, folder: Path, snapshots: list[Path]):
    older, newer = snapshots
    moved = folder / newer.name
    newer.rename(moved)
    printed = held(run("registry", "snapshot", "diff", older, moved), codes=[0])
    assert "art.example" in printed
    assert "\\x1b" in held(run("registry", "snapshot", "verify", moved), codes=[0])
    picture = folder / f"{NAME}.png"
    for target in ("https://art.example/1.jpg", URL, "https://art.example/x.jpg", picture):
        done = run("registry", "lookup", target, "--snapshot", moved)
        assert "\\x1b" in held(done, codes=[0, 1])


def test_check(run: Run, folder: Path, snapshots: list[Path], tmp_path: Path):
    names = ["https://art.example/1.jpg", URL, "https://x.example/1.jpg"]
    table = pa.table({EVIL: names, "url": names, f"{NAME}_url": [EVIL] * 3})
    pq.write_table(table, folder / f"{NAME}.parquet")
    arguments = ["check", folder / f"{NAME}.parquet", "--snapshot", snapshots[1]]
    page, rows = folder / f"{NAME}r.html", folder / f"{NAME}o.parquet"
    held(run("registry", *arguments, "--report", page, "--out", rows), codes=[1])
    held(run("registry", *arguments, "--column", f"url={EVIL}"), codes=[1])
    held(run("registry", "check", folder, "--snapshot", snapshots[1]), codes=[1, 2, 3, 4])


def test_the_database(run: Run, folder: Path, database_url: str):
    urls = [URL, "https://art.example/1.jpg", "https://art.example/2.jpg"]
    table = {"url": urls, "evidence": [EVIL, TURNED, EVIL]}
    pq.write_table(pa.table(table), folder / f"{NAME}.parquet")

    def registry(*arguments: object, codes: Sequence[int] = (0,)) -> str:
        return held(run("registry", *arguments, database=database_url), codes=codes)

    registry("init")
    # Control characters are refused by rows; what hides or turns letters is not.
    registry("import", folder, "--source", EVIL, codes=[2])
    registry("import", folder, "--claimant", EVIL, codes=[2])
    registry("import", folder, codes=[4])
    # A registry may hold what an earlier version let in.
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE claim SET source = %s, claimant = %s", [EVIL, EVIL])
    assert "\\x1b" in registry("stats")
    assert "\\x1b" in registry("claims", "list")
    registry("claims", "withdraw", "--source", EVIL, codes=[2])
    assert "\\u202e" in registry("history", "https://art.example/1.jpg")
    registry("history", URL, codes=[0, 1, 2])
    registry("claims", "withdraw", "--source", EVIL, "--reason", EVIL, "--yes")
    registry("claims", "list")
    registry("snapshot", "build", "--out", folder / f"{NAME}snapshot")


def test_json_is_ascii(run: Run, folder: Path, snapshots: list[Path]):
    for arguments in (
        ("hash", folder / f"{NAME}.png"),
        ("explain", folder / f"{NAME}.html"),
        ("explain", folder / "bad.html"),
        ("lookup", URL, "--snapshot", snapshots[1]),
        ("lookup", "https://art.example/1.jpg", "--snapshot", snapshots[1]),
        ("snapshot", "diff", *snapshots),
    ):
        done = run("registry", *arguments, "--json")
        assert done.stdout.isascii()
        assert done.stdout.replace("\n", "").isprintable()
        assert json.loads(done.stdout)


@pytest.mark.skipif(os.name == "nt", reason="names of files are bytes elsewhere")
def test_names_that_are_no_text(run: Run, tmp_path: Path):
    name = os.fsencode(tmp_path) + b"/\xff\x1b[31m\xfe.png"
    done = run("registry", "hash", os.fsdecode(name))
    assert "\\x1b[31m" in held(done, codes=[4])

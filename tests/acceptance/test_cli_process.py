"""The commands as processes among others: readers that leave, terminals that obey."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from checking import said_in_one_line
from conftest import BIN
from PIL import Image

from registry.db.claims import import_claims
from registry.model import Claim

Run = Callable[..., subprocess.CompletedProcess[str]]
ESCAPE = "\x1b]0;owned\x07\x1b[2J"


def to_nobody(*arguments: str, both: bool = False) -> tuple[int, bytes]:
    """Run `registry` with its stdout (and stderr) piped to a reader that has left."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [BIN / "registry", *arguments],
            stdout=writer,
            stderr=writer if both else subprocess.PIPE,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writer)
    return done.returncode, done.stderr or b""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("check", "--help"),
        ("explain", "--header", "X-Robots-Tag: noai"),
        ("explain", "--header", "X-Robots-Tag: noai", "--json"),
    ],
    ids=" ".join,
)
def test_a_reader_that_left_is_no_finding(arguments: tuple[str, ...]) -> None:
    assert to_nobody(*arguments) == (141, b"")


@pytest.mark.parametrize(
    "arguments",
    [
        ("registry", "import", ""),
        ("registry", "lookup", "--snapshot", "", "https://a.example/"),
        ("registry", "check", "x.parquet", "--out", ""),
        ("registry", "snapshot", "verify", ""),
        ("crawler", "run", "--warc", "", "https://a.example/"),
    ],
)
def test_an_empty_name_is_not_the_current_folder(arguments: tuple[str, ...]):
    done = subprocess.run(
        [BIN / arguments[0], *arguments[1:]], capture_output=True, text=True, check=False
    )
    said_in_one_line(done, 2, "the name is empty")


@pytest.mark.parametrize("arguments", [("explain",), ("hash", "none.png"), ("nonsense",), ()])
def test_errors_to_a_reader_that_left_are_silent_too(arguments: tuple[str, ...]) -> None:
    assert to_nobody(*arguments, both=True)[0] == 141


def test_other_codes_are_what_they_were(run: Run) -> None:
    assert run("registry", "--help").returncode == 0
    assert run("registry", "nonsense").returncode == 2
    assert run("registry", "hash", "none.png").returncode == 4


def test_no_command_lets_a_terminal_obey_its_input(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / ESCAPE.replace("/", "")
    folder.mkdir()
    (folder / "bad.png").write_text("not a picture")
    (folder / "columns.csv").write_text(f"a{ESCAPE},b\n1,2\n")
    Image.effect_mandelbrot((64, 64), (-2, -1, 1, 1), 50).save(folder / "good.png")
    said = [
        run("registry", "hash", str(folder / "bad.png"), str(folder / "good.png")),
        run("registry", "explain", str(folder / "none.txt")),
        run("registry", "explain", "--header", ESCAPE),
        run("registry", ESCAPE),
    ]
    for done in said:
        assert done.stdout + done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert "\x07" not in done.stdout + done.stderr


def test_what_lists_say_is_shown_without_its_escapes(
    run: Run, conn: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    import_claims(conn, [Claim(source=f"list {ESCAPE}", url="https://art.example/a.jpg")])
    stats = run("registry", "stats", database=database_url)
    assert "list \\x1b]0;owned\\x07" in stats.stdout
    (tmp_path / "columns.csv").write_text(f"a{ESCAPE},b\n1,2\n")
    (tmp_path / "values.csv").write_text(f"url,sha256\n{ESCAPE},{ESCAPE}\n")
    done = run("registry", "import", str(tmp_path), database=database_url)
    assert done.returncode == 4
    assert "\\x1b]0;owned\\x07" in done.stderr
    assert "\x1b" not in stats.stdout + done.stderr


def test_odd_files_never_end_in_a_traceback(run: Run, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "header.csv").write_text('"url"x,site\nhttps://a/b,c\n')
    (tmp_path / "rows.csv").write_text("url\nhttps://art*.example/a\nhttps://art.example/a\n")
    done = run("registry", "import", str(tmp_path), database=database_url)
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    assert "1 claims added" in done.stderr
    assert "1 rows skipped" in done.stderr
    assert "1 files unreadable" in done.stderr


@pytest.mark.parametrize("count", [1, 40])
def test_pillow_says_nothing_of_metadata(
    run: Run, database_url: str, tmp_path: Path, count: int
) -> None:
    """One picture is read here, forty by workers."""
    for number in range(count):
        picture = Image.effect_mandelbrot((64, 64), (-2, -1, 1 + number / 40, 1), 50)
        # Exif of one entry that goes beyond the end of its data.
        exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x0f\x01\x02\0\xff\0\0\0\xff\xff\0\0"
        picture.save(tmp_path / f"{number}.jpg", exif=exif)
    done = run("registry", "import", str(tmp_path), database=database_url)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert f"{count} claims added" in done.stderr


def test_a_fault_of_ours_never_ends_like_an_answer() -> None:
    code = (
        "import click; from registry.cli import run\n"
        "@click.command()\n"
        "def broken():\n"
        "    raise ValueError('a fault')\n"
        "run(broken, 'registry')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 70
    assert "ValueError: a fault" in ended.stderr


def test_what_the_system_refuses_is_one_line(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 300)
    ended = subprocess.run(
        [BIN / "registry", "hash", str(long)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 4
    assert "File name too long" in ended.stderr
    assert "Traceback" not in ended.stderr

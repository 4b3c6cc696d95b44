"""`registry import` as an installed command: lists and pictures that are damaged or have no end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from conftest import BIN

Run = Callable[..., subprocess.CompletedProcess[str]]
URL = "https://art.example/"


def loaded(conn: psycopg.Connection) -> int:
    row = conn.execute("SELECT count(*) FROM claim").fetchone()
    assert row
    return int(row[0])


def test_an_open_quote_is_said_with_its_line(
    run: Run, database_url: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    rows = [f"{URL}{n}.jpg,noai\n" for n in range(2_000)]
    rows.insert(1_000, f'{URL}x.jpg,"noai\n')
    (tmp_path / "list.csv").write_text("url,signal\n" + "".join(rows))
    done = run("registry", "import", tmp_path / "list.csv", "--json", database=database_url)
    assert done.returncode == 4
    counts = json.loads(done.stdout)
    assert (counts["rows_read"], counts["added"], counts["bad_rows"]) == (2_001, 2_000, 1)
    assert counts["left_out"] == [
        {
            "file": str(tmp_path / "list.csv"),
            "place": "line 1002",
            "reason": "not CSV: a quote is not closed",
        }
    ]
    assert "list.csv: line 1002: not CSV: a quote is not closed" in done.stderr
    assert loaded(conn) == 2_000


def test_lines_that_are_not_utf8_are_counted_and_a_remedy_is_named(
    run: Run, database_url: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    text = "".join(f"{URL}{n}.jpg,bar\n{URL}{n}.png,caf\xe9\n" for n in range(50))
    (tmp_path / "list.csv").write_bytes(f"url,signal\n{text}".encode("latin-1"))
    done = run("registry", "import", tmp_path / "list.csv", database=database_url)
    assert done.returncode == 4
    assert done.stderr.count("skipped: ") == 10
    assert "hint: 50 lines are not UTF-8; convert it: iconv" in done.stderr
    assert "100 rows read, 50 claims added, 0 already known, 50 rows skipped" in done.stderr
    assert loaded(conn) == 50


@contextmanager
def under_way(
    database_url: str, conn: psycopg.Connection, folder: Path
) -> Iterator[subprocess.Popen[str]]:
    """Start importing a long list, and yield the process once some of it is stored."""
    path = folder / "list.csv"
    # However slow this machine is, the rest is not stored before the process is stopped.
    conn.execute(
        """CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_sleep(20) FROM (SELECT FROM claim LIMIT 1 OFFSET 200000) AS many;
        RETURN NULL; END $$"""
    )
    conn.execute("CREATE TRIGGER wait AFTER INSERT ON claim EXECUTE FUNCTION wait()")
    path.write_text("url\n" + "".join(f"{URL}{n}.jpg\n" for n in range(300_000)))
    with subprocess.Popen(
        [str(BIN / "registry"), "import", "--json", str(path)],
        env=os.environ | {"REGISTRY_DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not loaded(conn):
            assert process.poll() is None
        yield process
    conn.execute(
        """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    )
    conn.execute("DROP FUNCTION wait CASCADE")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_import_says_what_it_loaded(
    database_url: str, conn: psycopg.Connection, tmp_path: Path, end: signal.Signals
) -> None:
    with under_way(database_url, conn, tmp_path) as process:
        process.send_signal(end)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + end
    counts = json.loads(stdout)
    assert not counts["complete"]
    assert 0 < counts["added"] == loaded(conn) < 300_000
    assert "imported rows are kept; run the same command again to complete it" in stderr
    assert "Traceback" not in stderr


def test_a_killed_import_is_completed_by_another(
    run: Run, database_url: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    with under_way(database_url, conn, tmp_path) as process:
        process.kill()
        process.communicate(timeout=60)
    before = loaded(conn)
    done = run("registry", "import", "--json", tmp_path / "list.csv", database=database_url)
    counts = json.loads(done.stdout)
    # The server may have been about to commit when its client was killed.
    assert before <= counts["already"] < 300_000
    assert (counts["read"], counts["added"] + counts["already"]) == (300_000, 300_000)
    assert loaded(conn) == 300_000


def test_two_imports_at_once_add_every_claim_once(
    database_url: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    lines = [f"{URL}{n}.jpg\n" for n in range(150_000)]
    (tmp_path / "a.csv").write_text("url\n" + "".join(lines))
    (tmp_path / "b.csv").write_text("url\n" + "".join(lines[:75_000:-1]))
    environment = os.environ | {"REGISTRY_DATABASE_URL": database_url}
    command = [str(BIN / "registry"), "import", "--json", "--source", "list"]
    processes = [
        subprocess.Popen([*command, str(path)], env=environment, stdout=subprocess.PIPE, text=True)
        for path in (tmp_path / "a.csv", tmp_path / "b.csv")
    ]
    counts = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(count["added"] for count in counts) == loaded(conn) == 150_000
    assert sum(count["read"] for count in counts) == 224_999


@pytest.mark.parametrize("option", ["--source", "--claimant"])
@pytest.mark.parametrize("text", ["", "  ", "a\x1b[31m", "a\nb", "\udcff"])
def test_an_option_that_no_list_may_hold_is_usage(
    run: Run, database_url: str, tmp_path: Path, option: str, text: str
) -> None:
    (tmp_path / "a.csv").write_text(f"url\n{URL}a.jpg\n")
    done = run("registry", "import", option, text, tmp_path / "a.csv", database=database_url)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: {option} " in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("name", ["\x1b[31m.csv", "a\nb.csv", "\udcff.csv"])
def test_a_source_named_by_its_file_is_a_line_of_text(
    run: Run, database_url: str, conn: psycopg.Connection, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text(f"url\n{URL}a.jpg\n")
    assert run("registry", "import", tmp_path / name, database=database_url).returncode == 0
    (source,) = conn.execute("SELECT source FROM claim").fetchone() or ("",)
    assert source.isprintable()
    assert source.endswith(name[-4:])


def test_half_a_surrogate_pair_is_a_bad_line(
    run: Run, database_url: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    lines = [f'{{"url": "{URL}\\ud83d"}}', f'{{"url": "{URL}\\ud83d\\ude00"}}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    done = run("registry", "import", tmp_path / "a.jsonl", database=database_url)
    assert done.returncode == 4
    assert "line 1: column url: " in done.stderr
    assert loaded(conn) == 1


def test_a_database_that_fails_midway_costs_no_count(
    database_url: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    with under_way(database_url, conn, tmp_path) as process:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 3
    counts = json.loads(stdout)
    # The batch that was on its way may have arrived without an answer.
    assert 0 < counts["added"] <= loaded(conn) < 300_000
    assert "error: the database" in stderr
    assert "Traceback" not in stderr
    assert "psycopg" not in stderr


@pytest.mark.parametrize("named", [True, False], ids=["named", "in-a-folder"])
def test_what_has_no_end_is_refused_by_name(
    run: Run, database_url: str, conn: psycopg.Connection, tmp_path: Path, named: bool
) -> None:
    (tmp_path / "good.csv").write_text(f"url\n{URL}a.jpg\n")
    endless = ["zero.csv", "zero.png", "pipe.jsonl", "pipe.jpg", "kernel.parquet", "kernel.webp"]
    for name in endless:
        if name.startswith("pipe"):
            os.mkfifo(tmp_path / name)
        else:
            target = "/dev/zero" if name.startswith("zero") else "/proc/kmsg"
            (tmp_path / name).symlink_to(target)
    paths = [tmp_path / name for name in ["good.csv", *endless]] if named else [tmp_path]
    done = run("registry", "import", *paths, database=database_url)
    assert done.returncode == 4
    for name in endless:
        assert f"error: {tmp_path / name}: " in done.stderr
    assert done.stderr.count("not a regular file") == len(endless)
    assert loaded(conn) == 1

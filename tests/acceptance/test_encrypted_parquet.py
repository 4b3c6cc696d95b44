"""Encrypted Parquet: Arrow ends the process when asked about such a column; it is not asked."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest
from checking import MARKED, check, said_in_one_line
from encrypted import encrypted

Run = Callable[..., subprocess.CompletedProcess[str]]
URLS = [MARKED, "https://free.example/1.jpg"]
ROWS = {"url": URLS, "md5": ["0" * 32] * 2, "caption": ["a cat"] * 2}
COLUMNS = [["url"], ["caption"], ["md5", "caption"]]


@pytest.mark.parametrize("columns", COLUMNS, ids=", ".join)
def test_rows_with_a_needed_column_that_is_encrypted_are_unchecked(
    tmp_path: Path, snapshot: Path, columns: list[str]
):
    path = encrypted(tmp_path / "d.parquet", columns, plain_footer=True, **ROWS)
    result = check(path, "--out", tmp_path / "rows.parquet", snapshot=snapshot)
    assert result.returncode == (3 if "url" in columns else 1), result.stderr
    rows = pq.read_table(tmp_path / "rows.parquet").to_pylist()
    reserved = [] if "url" in columns else ["reserved"]
    assert [row["optout_outcome"] for row in rows] == (reserved + ["unchecked"] * 2)[:2]
    assert rows[1]["optout_reason"] == f"row-not-read: encrypted: column {', '.join(columns)}"
    assert {rows[0][name] for name in columns} == {None}


@pytest.mark.parametrize("out", [True, False])
def test_an_encrypted_column_can_be_ignored(tmp_path: Path, snapshot: Path, out: bool):
    path = encrypted(tmp_path / "d.parquet", ["caption"], plain_footer=True, **ROWS)
    files = ["--out", tmp_path / "rows.parquet"] if out else ["--removal", tmp_path / "list"]
    result = check(path, "--column", "ignore=caption", *files, "--json", snapshot=snapshot)
    outcomes = json.loads(result.stdout)["outcomes"]
    assert (outcomes["reserved"], outcomes["clear"]) == (1, 1), result.stderr
    keep = ("--keep", "clear", "--out", tmp_path / "kept.parquet")
    said_in_one_line(check(path, *keep, snapshot=snapshot), 2, "encrypted: caption", "--removal")


def test_a_check_refuses_an_encrypted_footer(tmp_path: Path, snapshot: Path):
    path = encrypted(tmp_path / "d.parquet", ["url"], plain_footer=False, **ROWS)
    said_in_one_line(check(path, snapshot=snapshot), 4, "is encrypted", "without encryption")


def test_an_import_names_the_files_and_loads_the_others(
    run: Run, database_url: str, conn: psycopg.Connection, tmp_path: Path
):
    for number, columns in enumerate(COLUMNS):
        encrypted(tmp_path / f"{number}.parquet", columns, plain_footer=True, **ROWS)
    encrypted(tmp_path / "footer.parquet", ["url"], plain_footer=False, **ROWS)
    (tmp_path / "good.csv").write_text("url\nhttps://art.example/a.jpg\n")
    done = run("registry", "import", tmp_path, database=database_url)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    for number, columns in enumerate(COLUMNS):
        name = tmp_path / f"{number}.parquet"
        said = f"error: {name} has encrypted columns, which are not read: {', '.join(columns)}\n"
        assert said in done.stderr
    assert f"error: {tmp_path / 'footer.parquet'} is encrypted" in done.stderr
    assert done.stderr.count("hint: write it again without encryption") == len(COLUMNS) + 1
    assert "4 files unreadable" in done.stderr
    assert conn.execute("SELECT url FROM claim").fetchall() == [("https://art.example/a.jpg",)]

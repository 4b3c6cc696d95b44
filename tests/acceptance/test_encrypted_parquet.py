"""Encrypted Parquet: Arrow ends the process when asked about such a column; it is refused."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from checking import check, said_in_one_line
from encrypted import encrypted

Run = Callable[..., subprocess.CompletedProcess[str]]
ROWS = {"url": ["https://art.example/1.jpg"], "md5": ["0" * 32], "caption": ["a cat"]}
COLUMNS = [["url"], ["caption"], ["md5", "caption"]]


@pytest.mark.parametrize("columns", COLUMNS, ids=", ".join)
def test_a_check_names_the_encrypted_columns(tmp_path: Path, snapshot: Path, columns: list[str]):
    path = encrypted(tmp_path / "d.parquet", columns, plain_footer=True, **ROWS)
    said = f"d.parquet has encrypted columns, which are not read: {', '.join(columns)}"
    said_in_one_line(check(path, snapshot=snapshot), 4, said, "without encryption")
    said_in_one_line(check(tmp_path, snapshot=snapshot), 4, said)


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

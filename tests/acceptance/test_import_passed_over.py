"""`registry import FOLDER`: files that are neither lists nor pictures are named."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Run = Callable[..., subprocess.CompletedProcess[str]]
ADDRESS = "https://art.example/a.jpg"
LOST: dict[str, bytes] = {
    "optouts.txt": f"Please leave out:\n{ADDRESS}\n".encode(),
    "x.json": json.dumps([{"url": ADDRESS}]).encode(),
    "sites.json": b'{"site": "art.example"}',
    "optouts.md": f"# Mine\n\n* {ADDRESS}\n".encode(),
    "numbered.md": f"1. <{ADDRESS}>\n".encode(),
    "optouts.yaml": f"urls:\n  - {ADDRESS}\n".encode(),
    "b.CSV.gz": gzip.compress(f"url\n{ADDRESS}\n".encode()),
    "list.xlsx": b"PK\3\4 a table",
    "list.arrow": b"ARROW1\0\0",
    "data.unknown": b"\0\1\2\3",
}
HARMLESS: dict[str, bytes] = {
    "README.md": f"See {ADDRESS} for more.\n".encode(),
    "settings.json": b'{"size": 3}',
    "picture.txt": f"{ADDRESS}\n".encode(),  # the caption of picture.png
    ".hidden.gz": b"x",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a list and a picture."""
    (tmp_path / "good.csv").write_text("url\nhttps://art.example/good.jpg\n")
    Image.effect_mandelbrot((64, 64), (-2, -1, 1, 1), 50).save(tmp_path / "picture.png")
    return tmp_path


@pytest.mark.parametrize("name", LOST)
def test_what_may_hold_entries_is_an_error(
    run: Run, database_url: str, folder: Path, name: str
) -> None:
    (folder / name).write_bytes(LOST[name])
    done = run("registry", "import", folder, "--json", database=database_url)
    assert done.returncode == 4
    suffix = Path(name).suffix.lower()
    assert f"skipped: 1 file (1 {suffix}): " in done.stderr
    assert "; they may hold claims\nhint: " in done.stderr
    counts = json.loads(done.stdout)
    (passed,) = counts["passed_over"]
    assert passed["may_hold_entries"]
    assert (passed["files"], passed["suffixes"]) == (1, [f"1 {suffix}"])
    assert (counts["complete"], counts["added"]) == (True, 2)


def test_hidden_lists_are_named_and_an_error(run: Run, database_url: str, folder: Path) -> None:
    (folder / "sub").mkdir()
    for name in (".hidden.csv", "sub/.LIST.jsonl"):
        (folder / name).write_text(f"url\n{ADDRESS}\n")
    done = run("registry", "import", folder, "--json", database=database_url)
    assert done.returncode == 4
    named = "skipped: 2 files (1 .csv, 1 .jsonl): hidden lists, not read; they may hold claims"
    assert named in done.stderr
    (passed,) = json.loads(done.stdout)["passed_over"]
    assert (passed["kind"], passed["files"], passed["may_hold_entries"]) == ("hidden", 2, True)


def test_hidden_files_that_systems_make_are_nothing(
    run: Run, database_url: str, folder: Path
) -> None:
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1" + ADDRESS.encode())
    (folder / "._good.csv").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X" + ADDRESS.encode())
    (folder / ".directory").write_text(f"{ADDRESS}\n")
    done = run("registry", "import", folder, "--json", database=database_url)
    assert (done.returncode, json.loads(done.stdout)["passed_over"]) == (0, [])


def test_what_holds_none_is_said(run: Run, database_url: str, folder: Path) -> None:
    for name, content in HARMLESS.items():
        (folder / name).write_bytes(content)
    done = run("registry", "import", folder, "--json", database=database_url)
    assert done.returncode == 0
    assert "skipped: 2 files (1 .md, 1 .txt): " in done.stderr
    assert "skipped: 1 file (1 .json): " in done.stderr
    assert "may hold claims" not in done.stderr
    passed = json.loads(done.stdout)["passed_over"]
    assert [one["may_hold_entries"] for one in passed] == [False, False]


def test_nothing_is_passed_over_where_all_is_read(
    run: Run, database_url: str, folder: Path
) -> None:
    done = run("registry", "import", folder, "--json", database=database_url)
    assert (done.returncode, json.loads(done.stdout)["passed_over"]) == (0, [])
    assert "skipped: " not in done.stderr


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_unknown_columns_are_named_once(
    run: Run, database_url: str, tmp_path: Path, name: str
) -> None:
    values = {"url": ADDRESS, "sha256sum": "ab" * 32, "title": "x"}
    rows = [",".join(values), *[",".join(values.values())] * 2]
    lines = rows if name == "a.csv" else [json.dumps(values)] * 2
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    done = run("registry", "import", tmp_path / name, "--json", database=database_url)
    assert done.returncode == 0
    unknown = [line for line in done.stderr.splitlines() if line.startswith("unknown column")]
    assert unknown == [
        f"unknown column ignored: sha256sum in {tmp_path / name}; did you mean sha256?",
        f"unknown column ignored: title in {tmp_path / name}",
    ]
    columns = json.loads(done.stdout)["unknown_columns"]
    assert [(one["column"], one["did_you_mean"]) for one in columns] == [
        ("sha256sum", "sha256"),
        ("title", None),
    ]

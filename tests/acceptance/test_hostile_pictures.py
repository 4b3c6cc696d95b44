"""250 hostile pictures x check, hash, import: each gets a picture or a reason, in time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile_pictures import NUMBER, hostile_pictures, many_scans, zeros

from registry.pictures.reading import fingerprint_file
from registry.text import visible

SECONDS, MIB = 1.0, 400
# Most seconds of one command: far more than it takes, far less than without limits.
TIMEOUT = 240
COMMAND = f"""
from registry.sandbox import CallLimits
from registry.pictures import reading
reading.LIMITS = CallLimits({SECONDS}, {MIB} << 20)
from registry.cli import main
main()
"""
Ended = subprocess.CompletedProcess[str]


def registry(*arguments: object, database: str = "") -> Ended:
    """Run a command of the registry with low limits."""
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND, *map(str, arguments)],
        env={**os.environ, **({"REGISTRY_DATABASE_URL": database} if database else {})},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    for number, data in enumerate(hostile_pictures()):
        (folder / f"{number:03}.jpg").write_bytes(data)
    return folder


def test_check_calls_clear_only_what_it_compared(
    folder: Path, tmp_path: Path, snapshot: Path
) -> None:
    rows = tmp_path / "rows.parquet"
    ended = registry("check", folder, "--json", "--out", rows, "--snapshot", snapshot)
    assert ended.returncode == 3, ended.stderr
    report = json.loads(ended.stdout)
    assert sum(report["outcomes"].values()) == NUMBER
    reasons = report["unchecked_reasons"]
    assert {"image-timeout", "image-broken", "image-not-an-image"} <= set(reasons)
    assert {"image-too-many-pixels", "image-out-of-memory"} <= set(reasons)
    assert sum(reasons.values()) == report["outcomes"]["unchecked"]
    for row in pq.read_table(rows).to_pylist():
        if row["optout_outcome"] == "clear":
            assert fingerprint_file(Path(row["file"])).fingerprints, row


def test_hash_prints_a_picture_or_an_error(folder: Path) -> None:
    files = sorted(folder.iterdir())
    ended = registry("hash", "--json", *files)
    assert ended.returncode == 4
    printed = [json.loads(line)["file"] for line in ended.stdout.splitlines()]
    refused = re.findall(r"^error: (.*?): ", ended.stderr, re.MULTILINE)
    assert Counter(printed + refused) == Counter(map(str, files))
    assert f"takes longer than {SECONDS:g} seconds" in ended.stderr


def test_import_counts_pictures_and_unreadable_files(folder: Path, database_url: str) -> None:
    ended = registry("import", "--json", folder, database=database_url)
    assert ended.returncode == 4
    counts = json.loads(ended.stdout)
    assert counts["read"] + counts["unreadable_files"] == NUMBER
    assert counts["unreadable_files"] > 50


SLOW = {"3,000 scans": many_scans, "zeros": lambda: zeros(60)}


@pytest.mark.parametrize("name", SLOW)
def test_a_slow_picture_ends_by_its_limit(
    name: str, tmp_path: Path, snapshot: Path, database_url: str
) -> None:
    slow = tmp_path / "slow.jpg"
    slow.write_bytes(SLOW[name]())
    hashed = registry("hash", slow)
    assert (hashed.returncode, hashed.stdout) == (4, "")
    error = visible(f"error: {slow}: the picture takes longer than {SECONDS:g} seconds to read")
    assert error in hashed.stderr.splitlines()
    looked_up = registry("lookup", slow, "--snapshot", snapshot)
    assert looked_up.returncode == 4
    assert error in looked_up.stderr.splitlines()
    table = tmp_path / "slow.parquet"
    pq.write_table(pa.table({"jpg": [slow.read_bytes()]}), table, compression="zstd")
    for workers in (1, 2):
        checked = registry("check", table, "--json", "--snapshot", snapshot, "--workers", workers)
        assert checked.returncode == 3
        assert json.loads(checked.stdout)["unchecked_reasons"] == {"image-timeout": 1}
    imported = registry("import", "--json", slow, database=database_url)
    assert imported.returncode == 4
    assert json.loads(imported.stdout)["unreadable_files"] == 1
    assert error in imported.stderr.splitlines()

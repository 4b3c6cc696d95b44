"""What a killed process left half written is removed by the next, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from registry import durable
from registry.datasets.parquet_writer import ParquetRowWriter
from registry.errors import UnwritableOutput
from registry.snapshot import store

SCHEMA = pa.schema([("n", pa.int64())])
ROWS = """
import sys, time
from pathlib import Path
import pyarrow as pa
from registry.datasets.parquet_writer import ParquetRowWriter
schema = pa.schema([("n", pa.int64())])
writer = ParquetRowWriter(Path(sys.argv[1]), schema)
writer.write(pa.record_batch([[1, 2]], schema))
print("writing", flush=True)
time.sleep(60)
"""
FOLDER = """
import sys, time
from pathlib import Path
from registry.errors import UnwritableOutput
from registry.snapshot import store
with store.building(Path(sys.argv[1])) as temporary:
    (temporary / "images.arrow").write_bytes(b"half")
    print("writing", flush=True)
    time.sleep(60)
"""


def writing(code: str, target: Path) -> subprocess.Popen[str]:
    """Start a process that is in the middle of writing `target`."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "writing\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    with process:
        process.kill()


def write(target: Path) -> None:
    writer = ParquetRowWriter(target, SCHEMA)
    writer.write(pa.record_batch([[1]], SCHEMA))
    writer.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_rows_of_a_killed_check_are_removed_by_the_next(tmp_path: Path) -> None:
    kill(writing(ROWS, tmp_path / "out.parquet"))
    assert len(names(tmp_path)) == 1
    write(tmp_path / "out.parquet")
    assert names(tmp_path) == ["out.parquet"]


def test_a_snapshot_folder_of_a_killed_build_is_removed_by_the_next(tmp_path: Path) -> None:
    kill(writing(FOLDER, tmp_path / "snapshot"))
    with store.building(tmp_path / "snapshot") as temporary:
        assert names(temporary) == []
        temporary.rename(tmp_path / "snapshot")
    assert names(tmp_path) == ["snapshot"]


def test_any_writer_in_the_folder_removes_them(tmp_path: Path) -> None:
    kill(writing(ROWS, tmp_path / "out.parquet"))
    kill(writing(FOLDER, tmp_path / "snapshot"))
    durable.write_text(tmp_path / "report.html", "report")
    assert names(tmp_path) == ["report.html"]


@pytest.mark.parametrize("code", [ROWS, FOLDER], ids=["file", "folder"])
def test_what_another_process_is_writing_is_left(code: str, tmp_path: Path) -> None:
    other = writing(code, tmp_path / "out.parquet")
    before = names(tmp_path)
    write(tmp_path / "out.parquet")
    assert names(tmp_path) == sorted([*before, "out.parquet"])
    kill(other)


def test_what_another_machine_made_is_left_for_a_day(tmp_path: Path) -> None:
    kill(writing(FOLDER, tmp_path / "snapshot"))
    here = durable._machine()
    for path in tmp_path.iterdir():
        path.rename(path.with_name(path.name.replace(here, "0" * 8)))
    write(tmp_path / "out.parquet")
    assert len(names(tmp_path)) == 3
    long_ago = time.time() - 2 * durable.FOREIGN_SECONDS
    for path in [*tmp_path.iterdir(), *tmp_path.glob(".*/*")]:
        os.utime(path, (long_ago, long_ago))
    write(tmp_path / "out.parquet")
    assert names(tmp_path) == ["out.parquet"]


def test_long_names_and_links_are_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    (tmp_path / f".x.{durable._machine()}-0{durable.SUFFIX}").symlink_to(tmp_path / "precious")
    durable.write_text(tmp_path / ("ü" * 127), "text")
    assert (tmp_path / "precious").read_text() == "kept"
    assert (tmp_path / ("ü" * 127)).read_text() == "text"


def test_a_link_is_written_through_and_stays(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "second").symlink_to("folder/file")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    for text in ("made", "replaced"):
        durable.write_text(tmp_path / "first", text)
        assert (tmp_path / "folder/file").read_text() == text
        assert not (tmp_path / "folder/file").is_symlink()
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/new"])
def test_the_name_of_an_open_file_is_not_replaced(tmp_path: Path, name: str):
    (tmp_path / "link").symlink_to(name)
    for path in (Path(name), tmp_path / "link"):
        with pytest.raises(UnwritableOutput, match="not a regular file"):
            durable.place_of(path)


def test_a_circle_of_links_is_refused(tmp_path: Path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(UnwritableOutput, match="a symbolic link to itself"):
        durable.place_of(tmp_path / "a")

"""What is no regular file: every command refuses it by name, at once and in little memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from checking import said_in_one_line, table
from conftest import BIN

KINDS = {
    "zero.png": "a device, not a regular file",
    "pipe.parquet": "a pipe, not a regular file",
    "kernel.jpg": "a virtual file of the system, not a regular file",
}
# 1.2 GiB of memory.
LIMITED = 'ulimit -d 1228800 && exec "$@"'
Started = subprocess.Popen[str]
Done = subprocess.CompletedProcess[str]


@pytest.fixture
def special(tmp_path: Path) -> Path:
    """Return a folder of links to a device and a file of the kernel, and a pipe nobody fills."""
    folder = tmp_path / "special"
    folder.mkdir()
    (folder / "zero.png").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.parquet")
    # Reading it waits for the kernel's next message.
    (folder / "kernel.jpg").symlink_to("/proc/kmsg")
    return folder


def start(*arguments: object, stdin: str = os.devnull) -> Started:
    with open(stdin, "rb") as given:
        return subprocess.Popen(
            ["sh", "-c", LIMITED, "sh", str(BIN / "registry"), *map(str, arguments)],
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def ended(*processes: Started) -> Iterator[Done]:
    """Yield what became of each; end those that outlast a minute."""
    try:
        for process in processes:
            out, said = process.communicate(timeout=60)
            yield Done(process.args, process.returncode, out, said)
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    "command",
    [["hash"], ["explain"], ["selftest"]],
    ids=" ".join,
)
def test_commands_of_many_files_name_each(special: Path, command: list[str]):
    paths = [special / name for name in KINDS]
    (done,) = ended(start(*command, *paths, "/dev/zero", special))
    said = done.stderr
    assert done.returncode == 4, said
    assert "Traceback" not in said
    for name, kind in KINDS.items():
        assert f"error: {special / name}: {kind}\n" in said
    assert "error: /dev/zero: a device, not a regular file\n" in said
    assert f"error: {special}: a folder, not a file\n" in said
    assert "hint: copy its content to a file" in said
    assert "hint: name the files in it" in said


def test_commands_of_one_file_name_it(special: Path, snapshot: Path):
    commands: list[list[object]] = [
        ["check", "--snapshot", snapshot],
        ["lookup", "--snapshot", snapshot],
        ["history"],
        ["explain", "--jsonl"],
        ["agents", "diff"],
    ]
    asked = [(command, name) for command in commands for name in KINDS]
    each = ended(*(start(*command, special / name) for command, name in asked))
    for (command, name), done in zip(asked, each, strict=True):
        assert done.returncode == 4, (command, done.stderr)
        said = f"error: {special / name}: {KINDS[name]}\nhint: "
        assert done.stderr.startswith(said), command
        assert len(done.stderr.splitlines()) == 2


def test_special_files_among_others_are_rows_that_were_not_compared(
    special: Path, snapshot: Path, picture: Path
):
    shutil.copy(picture, special)
    os.mkfifo(special / "table.csv")
    (done,) = ended(start("check", special, "--json", "--snapshot", snapshot))
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert (report["rows"], report["outcomes"]["unchecked"]) == (3, 2)
    assert report["outcomes"]["reserved"] == 1


def test_a_file_of_the_kernel_among_tables_is_a_row_that_was_not_read(
    special: Path, snapshot: Path
):
    table(special / "d.parquet", url=["https://x.example/1.jpg"])
    (special / "kernel.jpg").rename(special / "kernel.parquet")
    (done,) = ended(start("check", special, "--snapshot", snapshot))
    assert done.returncode == 3, done.stderr
    assert "row 1: " in done.stdout
    assert "kernel.parquet: a virtual file of the system" in done.stdout


@pytest.mark.parametrize("name", ["manifest.json", "digests", "index"])
def test_a_snapshot_of_special_files_is_damaged(snapshot: Path, picture: Path, name: str):
    for kind in ("device", "pipe"):
        (snapshot / name).unlink()
        if kind == "pipe":
            os.mkfifo(snapshot / name)
        else:
            (snapshot / name).symlink_to("/dev/zero")
        (done,) = ended(start("check", picture, "--snapshot", snapshot))
        said_in_one_line(done, 4, f"{name} is damaged")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["hash", "-"], 4, "error: standard input: more than 512 MiB\nhint: "),
        (["explain", "-"], 2, "error: -: its kind cannot be guessed from name or content\n"),
        (["explain", "-", "--kind", "html"], 0, "warning: longer than 16 MiB, read up to there"),
        (["explain", "-", "--kind", "warc"], 4, "error: -: not a WARC archive"),
        (["explain", "--jsonl", "-"], 4, "error: a line is longer than 1 GiB"),
        (["agents", "diff", "-"], 4, "error: -: not JSON"),
        (["lookup", "-"], 2, "error: - is not an existing picture file"),
        (["history", "-"], 2, "error: - is not an existing picture file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_standard_input_without_an_end(arguments: list[str], code: int, text: str):
    (done,) = ended(start(*arguments, stdin="/dev/zero"))
    assert done.returncode == code, done.stderr
    assert text in done.stdout + done.stderr
    assert "Traceback" not in done.stderr

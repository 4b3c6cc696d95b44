"""An interrupted check goes on where it was, and gives the same bytes."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from registry.checking import chunks, filling
from registry.checking.journal import SUFFIX
from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.cli._progress import Progress
from registry.cli.check import command
from registry.datasets import open_dataset
from registry.datasets.formats import csv, parquet
from registry.errors import UnreadableDataset, UsageError

COMMAND = Path(sys.executable).parent / "registry"
ROWS = 100
URLS = [f"https://{'art' if n % 7 == 0 else 'free'}.example/{n}.jpg" for n in range(ROWS)]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(filling, "PART_ROWS", 20)
    monkeypatch.setattr(parquet, "BATCH_ROWS", 6)
    monkeypatch.setattr(csv, "BLOCK", 200)


@pytest.fixture(params=["parquet", "csv", "several"])
def data(request, tmp_path):
    if request.param == "csv":
        path = tmp_path / "data.csv"
        path.write_text("\n".join(["url,n", *(f"{url},{n}" for n, url in enumerate(URLS))]))
        return path
    (tmp_path / "data").mkdir()
    files = 3 if request.param == "several" else 1
    for number in range(files):
        rows = URLS[number::files]
        path = tmp_path / f"data/{number}.parquet"
        pq.write_table(pa.table({"url": rows}), path, row_group_size=7)
    return tmp_path / "data" if files > 1 else path


class Stopped(Exception):
    pass


def checked(path, art_snapshot, out, keep=(), stop_at=None, policy="cautious"):
    """Check, stop after some rows if asked, and return the report."""

    def progress(done, total):
        if stop_at is not None and done >= stop_at:
            raise Stopped

    dataset = open_dataset([str(path)])
    options = CheckOptions(
        *(policy, None, out, keep, 2, out.with_name(out.name + SUFFIX)),
        samples=True,
        all_hosts=True,
    )
    return check(dataset, art_snapshot, plan(dataset), options, progress)


def content(path):
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [file.read_bytes() for file in files if file.is_file()]


def without_time(report):
    values = report.to_json()
    return {name: values[name] for name in values if name not in ("seconds", "checked_at")}


@pytest.mark.parametrize("keep", [(), ("clear",)])
@pytest.mark.parametrize("stop_at", [5, 77])
def test_the_result_is_that_of_a_check_in_one_go(
    data, art_snapshot, tmp_path, keep, stop_at, monkeypatch
):
    suffix = data.suffix if keep else ".parquet"
    whole, out = tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}"
    expected = checked(data, art_snapshot, whole, keep)
    with pytest.raises(Stopped):
        checked(data, art_snapshot, out, keep, stop_at)
    assert not out.exists()
    kept = out.with_name(out.name + SUFFIX)
    assert kept.exists() == (stop_at >= 20)
    seen = []
    check_shard = chunks.check_shard
    monkeypatch.setattr(
        chunks, "check_shard", lambda b, *rest: seen.append(len(b[0])) or check_shard(b, *rest)
    )
    report = checked(data, art_snapshot, out, keep)
    assert without_time(report) == without_time(expected)
    assert report.tally == expected.tally
    assert [one.row for one in report.tally.samples] == [0, 7]
    assert sum(report.tally.all_hosts.values()) == ROWS
    assert content(out) == content(whole)
    # Not more is checked again than a part.
    assert sum(seen) <= ROWS - stop_at + 20 + 6 * 3
    assert not kept.exists()


def test_another_check_does_not_go_on(data, art_snapshot, tmp_path):
    out = tmp_path / "out.parquet"
    for policy, rows in (("cautious", ROWS), ("letter", ROWS)):
        with pytest.raises(Stopped):
            checked(data, art_snapshot, out, stop_at=60)
        report = checked(data, art_snapshot, out, policy=policy)
        assert report.tally.rows == rows
        assert report.policy == policy
    with pytest.raises(Stopped):
        checked(data, art_snapshot, out, stop_at=60)
    file = data if data.is_file() else data / "0.parquet"
    file.write_bytes(file.read_bytes())
    os.utime(file, ns=(1, 1))
    assert checked(data, art_snapshot, out).tally.rows == ROWS


@pytest.mark.parametrize("damage", ["cut", "gone", "answers"])
@pytest.mark.parametrize("data", ["several"], indirect=True)
def test_a_damaged_part_is_checked_again(data, art_snapshot, tmp_path, damage):
    whole, out = tmp_path / "whole.parquet", tmp_path / "out.parquet"
    checked(data, art_snapshot, whole)
    with pytest.raises(Stopped):
        checked(data, art_snapshot, out, stop_at=90)
    kept = out.with_name(out.name + SUFFIX)
    if damage == "cut":
        (kept / "1.json").write_text((kept / "1.json").read_text()[:50])
    elif damage == "gone":
        (kept / "0.json").unlink()
    else:
        (kept / "2.arrow").write_bytes(b"")
    checked(data, art_snapshot, out)
    assert content(out) == content(whole)


def test_a_dataset_that_changes_meanwhile_is_noticed(data, art_snapshot, tmp_path):
    out = tmp_path / "out.parquet"
    file = data if data.is_file() else data / "1.parquet"

    def progress(done, total):
        os.utime(file, ns=(5, 5))

    dataset = open_dataset([str(data)])
    with pytest.raises(UnreadableDataset, match="changed while it was read"):
        check(dataset, art_snapshot, plan(dataset), CheckOptions(out=out), progress)
    assert not out.exists()


LOCKS = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def used(folder):
    """Another process that is at work in the folder."""
    command = [sys.executable, "-c", LOCKS, str(folder / "check.json")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        yield
        other.communicate(b"\n")


def test_two_checks_of_one_result_do_not_mix(data, art_snapshot, tmp_path):
    out = tmp_path / "out.parquet"
    with pytest.raises(Stopped):
        checked(data, art_snapshot, out, stop_at=60)
    with used(out.with_name(out.name + SUFFIX)), pytest.raises(UsageError, match="another check"):
        checked(data, art_snapshot, out)
    assert checked(data, art_snapshot, out).tally.rows == ROWS


@pytest.mark.parametrize("more", [(), ("--fresh",)])
@pytest.mark.parametrize("data", ["parquet"], indirect=True)
def test_the_second_of_two_commands_is_refused_before_it_begins(data, art_snapshot, tmp_path, more):
    out = tmp_path / "out.parquet"
    folder = out.with_name(out.name + SUFFIX)
    seen = []

    def other_check(done, total):
        if not seen:
            command = [COMMAND, "check", data, "--out", out, *more, "--snapshot", art_snapshot.path]
            seen.append(subprocess.run(command, capture_output=True, text=True, check=False))

    dataset = open_dataset([str(data)])
    options = CheckOptions(out=out, progress=folder)
    report = check(dataset, art_snapshot, plan(dataset), options, other_check)
    assert seen[0].returncode == 2
    assert f"another check is at work in {folder}" in seen[0].stderr
    assert "goes on" not in seen[0].stderr
    assert "going on" not in seen[0].stderr
    assert report.tally.rows == len(pq.read_table(out)) == ROWS
    assert not folder.exists()


def test_of_a_dataset_that_changed_nothing_is_kept(data, art_snapshot, tmp_path):
    out = tmp_path / "out.parquet"
    folder = out.with_name(out.name + SUFFIX)
    first = open_dataset([str(data)]).files[0]

    def change(done, total):
        os.utime(first, ns=(1, 1))

    dataset = open_dataset([str(data)])
    with pytest.raises(UnreadableDataset, match="changed while"):
        check(dataset, art_snapshot, plan(dataset), CheckOptions(out=out, progress=folder), change)
    assert not folder.exists()
    assert not out.exists()


def test_a_check_that_ends_before_its_first_part_leaves_no_folder(data, art_snapshot, tmp_path):
    out = tmp_path / "out.parquet"
    with pytest.raises(Stopped):
        checked(data, art_snapshot, out, stop_at=1)
    assert not out.with_name(out.name + SUFFIX).exists()


def test_a_folder_of_something_else_is_left_alone(data, art_snapshot, tmp_path):
    folder = tmp_path / f"out.parquet{SUFFIX}"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not the folder"):
        checked(data, art_snapshot, tmp_path / "out.parquet")
    assert (folder / "mine.txt").read_text() == "mine"


KILLED = """
import os, signal, sys
from registry.checking import filling, run
from registry.cli import main
from registry.datasets.formats import csv, parquet
filling.PART_ROWS, parquet.BATCH_ROWS, csv.BLOCK = 20, 6, 200
real = run.Journal.add
def add(self, done, answers):
    real(self, done, answers)
    if len(self.done) == 3:
        os.kill(os.getpid(), getattr(signal, os.environ["SIGNAL"]))
run.Journal.add = add
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
@pytest.mark.parametrize("data", ["parquet"], indirect=True)
def test_a_killed_command_goes_on(data, art_snapshot, tmp_path, name):
    out = tmp_path / "rows.parquet"
    arguments = ["check", str(data), "--out", str(out), "--snapshot", str(art_snapshot.path)]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments],
        env={**os.environ, "SIGNAL": name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode != 0
    assert "Traceback" not in killed.stderr
    assert not out.exists()
    kept = out.with_name(out.name + SUFFIX)
    assert json.loads((kept / "2.json").read_text())["tally"]["rows"] >= 20
    command = [COMMAND, *arguments, "--json"]
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "going on from" in again.stderr
    assert json.loads(again.stdout)["rows"] == ROWS
    assert not kept.exists()
    assert len(pq.read_table(out)) == ROWS


def test_nothing_is_kept_in_the_folder_of_the_dataset(data, art_snapshot, tmp_path):
    folder = data if data.is_dir() else data.parent
    before = {path.name for path in folder.iterdir()}
    seen = []

    def listed(done, total):
        seen.append({path.name for path in folder.iterdir()})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Progress, "__call__", lambda self, done, total: listed(done, total))
        arguments = [str(folder), "--report", str(folder / "r.html")]
        arguments += ["--snapshot", str(art_snapshot.path)]
        CliRunner().invoke(command, arguments, standalone_mode=False)
    assert seen
    assert all(names == before for names in seen)
    assert (folder / "r.html").exists()

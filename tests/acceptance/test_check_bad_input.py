"""`registry check` and bad input: one line, the right exit code, nothing lost."""

import json
import os
import random
import resource
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from checking import MARKED, REGISTRY, check, said_in_one_line, table
from made import Made


def test_texts_that_are_no_utf8_are_counted(tmp_path: Path, snapshot: Path):
    for name in ("url", "sha256", "phash"):
        values = pa.array([b"\xff\xfe", MARKED.encode()], pa.binary())
        # No validation: this is what a careless writer leaves in a file.
        texts = pa.Array.from_buffers(pa.string(), 2, values.buffers())
        pq.write_table(
            pa.table({name: texts, "url": texts} if name != "url" else {"url": texts}),
            tmp_path / "d.parquet",
        )
        result = check(tmp_path / "d.parquet", "--json", snapshot=snapshot)
        assert result.returncode == 1, result.stderr
        report = json.loads(result.stdout)
        assert report["outcomes"]["reserved"] == report["outcomes"]["unchecked"] == 1
        assert set(report["unchecked_reasons"]) <= {"bad-url", "bad-sha256", "bad-phash64"}


def test_two_columns_of_one_name(tmp_path: Path, snapshot: Path):
    pq.write_table(pa.table([["a"], ["b"]], names=["url", "url"]), tmp_path / "d.parquet")
    said_in_one_line(check(tmp_path / "d.parquet", snapshot=snapshot), 4, "named url")


@pytest.mark.parametrize("option", ["--out", "--report"])
def test_a_disk_that_takes_no_more(tmp_path: Path, snapshot: Path, option: str):
    urls = [f"https://x.example/{random.random()}.jpg" for _ in range(2000)]
    dataset = table(tmp_path / "d.parquet", url=[MARKED, *urls])
    target = tmp_path / ("result.html" if option == "--report" else "result")
    command = [
        str(REGISTRY),
        "check",
        str(dataset),
        option,
        str(target),
        "--snapshot",
        str(snapshot),
    ]
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        # Else compiled modules are cut off there, too.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
    )
    said_in_one_line(result, 4, f"{target.name} cannot be written")
    assert not list(tmp_path.glob("*result*")) + list(tmp_path.glob(".result*"))


def test_a_result_in_a_folder_that_is_not_there(tmp_path: Path, snapshot: Path):
    dataset = table(tmp_path / "d.parquet", url=[MARKED])
    for option, name in (("--out", "x.parquet"), ("--report", "x.html")):
        result = check(dataset, option, tmp_path / "none" / name, snapshot=snapshot)
        said_in_one_line(result, 2, f"there is no folder {tmp_path / 'none'}")


def test_an_empty_registry_answers_nothing(tmp_path: Path):
    dataset = table(tmp_path / "d.parquet", url=[MARKED], phash=["c9b6a7d8469c1959"])
    result = check(dataset, "--json", snapshot=Made().snapshot(tmp_path).path)
    assert result.returncode == 3
    assert "is empty; fill the registry with" in result.stderr
    assert json.loads(result.stdout)["unchecked_reasons"] == {"empty-registry": 1}


def test_a_report_never_replaces_the_dataset_nor_a_device(tmp_path: Path, snapshot: Path):
    dataset = table(tmp_path / "d.parquet", url=[MARKED])
    (tmp_path / "link").symlink_to(dataset)
    for option in ("--out", "--report"):
        for name in ("d.parquet", "link"):
            result = check(dataset, option, tmp_path / name, snapshot=snapshot)
            said_in_one_line(result, 2, "the dataset itself")
        said_in_one_line(
            check(dataset, option, "/dev/null", snapshot=snapshot), 2, "is not a regular file"
        )
        said_in_one_line(
            check(dataset, option, tmp_path, snapshot=snapshot), 2, "is a folder that is there"
        )
    (tmp_path / "x.parquet").touch()
    other = check(dataset, "--report", tmp_path / "x.parquet", snapshot=snapshot)
    said_in_one_line(other, 2, "web page")
    both = ("--out", tmp_path / "o", "--report", tmp_path / "o.html")
    assert check(dataset, *both, snapshot=snapshot).returncode == 1


def test_no_usable_column_lists_what_was_seen(tmp_path: Path, snapshot: Path):
    dataset = table(tmp_path / "d.parquet", caption=["a cat"], score=[0.5])
    result = check(dataset, snapshot=snapshot)
    said_in_one_line(result, 4, "caption (string), score (double)", "--column url=NAME")


@pytest.mark.parametrize("harm", ["missing", "empty", "cut", "text", "folder", "unknown"])
def test_an_unreadable_dataset(tmp_path: Path, snapshot: Path, harm: str):
    path = table(tmp_path / "d.parquet", url=["https://x.example/1.jpg"] * 50)
    if harm == "missing":
        path.unlink()
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif harm == "text":
        path.write_text("url\nhttps://x.example/1.jpg\n")
    else:
        path = tmp_path / "nothing-here"
        path.mkdir() if harm == "folder" else path.write_text("?")
    said_in_one_line(check(path, snapshot=snapshot), 4, path.name)


def test_rows_of_a_damaged_part_are_unchecked(tmp_path: Path, snapshot: Path):
    urls = [MARKED, *(f"https://x.example/{random.random()}.jpg" for _ in range(40_000))]
    path = tmp_path / "d.parquet"
    pq.write_table(pa.table({"url": urls}), path, row_group_size=10_000)
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 4000] = os.urandom(4000)
    path.write_bytes(content)
    out = tmp_path / "out.parquet"
    result = check(path, "--out", out, snapshot=snapshot)
    assert result.returncode == 1, result.stderr
    rows = pq.read_table(out)
    assert len(rows) == len(urls)
    counts = Counter(rows["optout_outcome"].to_pylist())
    assert counts["reserved"] == 1
    assert 20_000 <= counts["clear"] < 40_000
    assert counts["unchecked"] == len(urls) - 1 - counts["clear"]
    assert "row-not-read" in result.stdout
    assert "d.parquet cannot be read as Parquet" in result.stdout
    clear = pc.filter(rows["url"], pc.equal(rows["optout_outcome"], "clear"))
    assert set(clear.to_pylist()) <= set(urls)


def test_a_damaged_snapshot_is_refused_by_file_name(tmp_path: Path, snapshot: Path):
    dataset = table(tmp_path / "d.parquet", url=[MARKED])
    (segment,) = snapshot.glob("segments/observations-*.arrow")
    with segment.open("r+b") as file:
        file.truncate(100)
    said_in_one_line(check(dataset, snapshot=snapshot), 4, segment.name)
    said_in_one_line(check(dataset, snapshot=tmp_path), 4, "is not a snapshot")


def test_a_database_that_is_down_makes_the_registry_unreadable(tmp_path: Path):
    dataset = table(tmp_path / "d.parquet", url=[MARKED])
    url = "postgresql://someone:secret@127.0.0.1:1/nowhere"
    env = {"REGISTRY_DATABASE_URL": url, "REGISTRY_HOME": str(tmp_path)}
    result = check(dataset, env=env)
    said_in_one_line(result, 4, "127.0.0.1:1", "--snapshot")
    assert "secret" not in result.stderr


def test_usage(tmp_path: Path, snapshot: Path):
    dataset = table(tmp_path / "d.parquet", url=[MARKED])
    said_in_one_line(check(dataset, "--keep", "clear", snapshot=snapshot), 2, "--out")
    said_in_one_line(check(dataset, "--out", dataset, snapshot=snapshot), 2, "itself")
    nowhere = tmp_path / "no" / "where.parquet"
    said_in_one_line(check(dataset, "--out", nowhere, snapshot=snapshot), 2, "where.parquet")
    said_in_one_line(check(dataset, "--policy", "x", snapshot=snapshot), 2, "cautious")
    said_in_one_line(check(dataset, "--column", "url=x", snapshot=snapshot), 2, "columns: url")
    twice = ("--column", "url=url", "--column", "url=url")
    said_in_one_line(check(dataset, *twice, snapshot=snapshot), 2, "twice")
    said_in_one_line(check(dataset, "--out", tmp_path / "o.csv", snapshot=snapshot), 2, "Parquet")
    said_in_one_line(check(snapshot=snapshot), 2, "--help")
    assert dataset.exists()


def test_interrupted_it_leaves_no_half_file(tmp_path: Path, snapshot: Path):
    urls = [f"https://x{n % 999}.example/{n}.jpg" for n in range(300_000)]
    dataset = table(tmp_path / "d.parquet", url=urls)
    out = tmp_path / "rows.parquet"
    command = [REGISTRY, "check", dataset, "--out", out, "--snapshot", snapshot]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".rows.parquet.*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    # In the moment of its creation a file may stay behind; the next command removes it.
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == "interrupted"
    assert "Traceback" not in errors
    assert [p.name for p in tmp_path.iterdir() if "rows" in p.name] == []

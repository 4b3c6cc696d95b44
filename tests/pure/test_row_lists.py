"""Lists of rows to remove and of rows to keep: by name or number, in the order of the dataset."""

import json
import os
import subprocess
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tar_files
import zip_files
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_folders import folder_of

from registry.checking import filling
from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.datasets.formats import csv, parquet
from registry.datasets.row_names import lines_by_name
from registry.errors import UsageError

ROWS = 40
URLS = [f"https://{'art' if n % 5 == 0 else 'free'}.example/{n}.jpg" for n in range(ROWS)]
RESERVED = [n for n in range(ROWS) if n % 5 == 0]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(filling, "PART_ROWS", 10)
    monkeypatch.setattr(parquet, "BATCH_ROWS", 4)
    monkeypatch.setattr(csv, "BLOCK", 150)


class Stopped(Exception):
    pass


def checked(names, art_snapshot, stop_at=None, **options):
    def progress(done, total):
        if stop_at is not None and done >= stop_at:
            raise Stopped

    dataset = open_dataset([str(name) for name in names])
    return check(dataset, art_snapshot, plan(dataset), CheckOptions(**options), progress)


def side(number):
    return json.dumps({"url": URLS[number]}).encode()


def table(folder):
    (folder / "a.csv").write_text("url\n" + "\n".join(URLS))
    return [folder / "a.csv"], [str(n) for n in RESERVED]


def tables(folder):
    paths = [folder / f"{part}.parquet" for part in "ab"]
    for path, rows in zip(paths, (URLS[:23], URLS[23:]), strict=True):
        pq.write_table(pa.table({"url": rows}), path)
    return paths, [f"{paths[n >= 23]}\t{n - 23 * (n >= 23)}" for n in RESERVED]


def shard(folder, name="a.tar", keys="{}"):
    members = (
        ((f"{keys.format(n)}.jpg", tar_files.JPEG), (f"{keys.format(n)}.json", side(n)))
        for n in range(ROWS)
    )
    path = tar_files.shard(folder / name, *chain.from_iterable(members))
    return [path], [keys.format(n) for n in RESERVED]


def shards(folder):
    (one, keys), (two, _) = shard(folder), shard(folder, "b.tar")
    return one + two, [f"{path}\t{key}" for path in one + two for key in keys]


def archive(folder):
    files = ({f"p/{n:02}.png": b"no", f"p/{n:02}.json": side(n)} for n in range(ROWS))
    path = zip_files.written(folder / "a.zip", dict(chain.from_iterable(f.items() for f in files)))
    return [path], [f"p/{n:02}.png" for n in RESERVED]


def pictures(folder):
    files = ({f"p/{n:02} x.png": b"no", f"p/{n:02} x.json": side(n)} for n in range(ROWS))
    folder_of(folder, dict(chain.from_iterable(f.items() for f in files)))
    return [folder / "p"], [f"{folder}/p/{n:02} x.png" for n in RESERVED]


def metadata(folder):
    rows = [f"{n}.png,{url}" for n, url in enumerate(URLS)]
    files = {f"p/{n}.png": "no" for n in range(ROWS)}
    folder_of(folder, {**files, "p/metadata.csv": "\n".join(["file_name,url", *rows])})
    return [folder / "p"], [f"{folder}/p/{n}.png" for n in RESERVED]


MADE = (table, tables, shard, shards, archive, pictures, metadata)


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_rows_that_are_not_kept_are_listed_and_the_others_numbered(make, tmp_path, art_snapshot):
    names, expected = make(tmp_path)
    removal, indices = tmp_path / "list.txt", tmp_path / "kept.npy"
    keep = ("clear", "unchecked")
    report = checked(names, art_snapshot, removal=removal, indices=indices, keep=keep)
    assert removal.read_text().splitlines() == expected
    rows = report.tally.rows
    kept = np.load(indices)
    assert kept.dtype == np.int64
    reserved = [n for n in range(rows) if (n % ROWS) % 5 == 0]
    assert kept.tolist() == [n for n in range(rows) if n not in reserved]


@pytest.mark.parametrize("make", [tables, pictures], ids=lambda make: make.__name__)
@pytest.mark.parametrize("out", [False, True])
def test_an_interrupted_check_gives_the_same_lists(make, tmp_path, art_snapshot, out):
    names, expected = make(tmp_path)
    removal, indices = tmp_path / "list.txt", tmp_path / "kept.npy"
    files = {"removal": removal, "indices": indices, "progress": tmp_path / "unfinished"}
    files |= {"out": tmp_path / "rows.parquet"} if out else {"keep": ("clear", "unchecked")}
    with pytest.raises(Stopped):
        checked(names, art_snapshot, stop_at=25, **files)
    assert not removal.exists()
    assert not indices.exists()
    assert (tmp_path / "unfinished/1.json").exists() or make is pictures
    checked(names, art_snapshot, **files)
    lines = removal.read_text().splitlines()
    # Files that are no pictures are not clear, and so not kept by default.
    assert lines == expected if make is tables or not out else len(lines) == ROWS
    assert len(np.load(indices)) + len(lines) == ROWS
    assert not list(tmp_path.glob(".*"))


def test_a_part_without_any_kept_row_is_not_checked_again(tmp_path, art_snapshot, monkeypatch):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"url": ["https://art.example/1.jpg"] * 20 + URLS}), path)
    files = {"out": tmp_path / "out.parquet", "progress": tmp_path / "unfinished"}
    with pytest.raises(Stopped):
        checked([path], art_snapshot, stop_at=30, keep=("clear",), **files)
    assert (tmp_path / "unfinished/1.json").exists()
    checked([path], art_snapshot, keep=("clear",), **files)
    kept = [url for n, url in enumerate(URLS) if n not in RESERVED]
    assert pq.read_table(files["out"])["url"].to_pylist() == kept


def test_the_list_of_files_removes_them(tmp_path, art_snapshot):
    names, expected = pictures(tmp_path)
    odd = os.fsencode(names[0]) + b"/-rf \xff'.png"
    with open(odd, "wb") as file:
        file.write(b"no")
    with open(odd.replace(b".png", b".json"), "wb") as file:
        file.write(side(0))
    checked(names, art_snapshot, removal=tmp_path / "list", keep=("unchecked",))
    with (tmp_path / "list").open() as file:
        subprocess.run(["xargs", "-d", "\n", "rm", "--"], stdin=file, check=True)
    left = {path for path in names[0].iterdir() if path.suffix == ".png"}
    assert len(left) == ROWS - len(RESERVED)
    assert not {str(path) for path in left}.intersection(expected)


def test_a_file_that_a_kept_row_uses_is_not_listed_nor_one_twice_nor_one_that_is_not_there(
    tmp_path, art_snapshot
):
    rows = [
        {"file_names": ["both.png", "mine.png", "missing.png"], "url": URLS[0]},
        {"file_names": ["both.png", "free.png"], "url": URLS[1]},
        {"file_names": ["mine.png", "../out.png"], "url": URLS[5]},
        {"file_names": ["free.png", "last.png"], "url": URLS[10]},
    ]
    names = ("both", "mine", "free", "last")
    lines = "\n".join(map(json.dumps, rows))
    folder_of(tmp_path / "p", {**{f"{n}.png": "no" for n in names}, "metadata.jsonl": lines})
    removal = tmp_path / "list"
    checked([tmp_path / "p"], art_snapshot, removal=removal, keep=("clear", "unchecked"))
    assert removal.read_text().splitlines() == [f"{tmp_path}/p/{n}.png" for n in ("mine", "last")]


def test_a_line_end_in_the_name_of_a_file_is_refused(tmp_path, art_snapshot):
    folder_of(tmp_path / "p", {"a\nb.png": "no"})
    with pytest.raises(UsageError, match="has a line end"):
        checked([tmp_path / "p"], art_snapshot, removal=tmp_path / "list")
    assert not (tmp_path / "list").exists()


def test_hostile_keys_of_an_archive_are_one_line_each(tmp_path, art_snapshot):
    names, _ = shard(tmp_path, keys="../a\nb\\{}")
    checked(names, art_snapshot, removal=tmp_path / "list", keep=("unchecked",))
    lines = (tmp_path / "list").read_text().splitlines()
    assert lines == [f"../a\\nb\\\\{n}" for n in RESERVED]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=4), max_size=3))
def test_any_names_are_distinct_lines(names):
    lines = [line for (line,) in lines_by_name(names, None)]
    assert not any(set(b"\n\r\t\0").intersection(line) for line in lines)
    assert len(set(lines)) == len(set(names))

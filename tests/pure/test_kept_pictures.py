"""Kept rows of pictures: a list of files, a table of rows, or a folder in the same layout."""

import csv
import io
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from picture_folders import files_of, folder_of, kept

from registry.datasets import open_dataset
from registry.datasets.pictures import writers as picture_writers
from registry.errors import UsageError

PICTURES = {
    "10_cat/1.png": "one",
    "10_cat/1.txt": "a cat",
    "10_cat/2.png": "two",
    "10_cat/2.txt": "another",
    "dog/3.jpg": "three",
    "dog/3.jpg.json": '{"url": "https://a.example/3.jpg"}',
    "README.md": "about",
}


def named(row, *names: str) -> bool:
    return Path(str(row["file"])).name in names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "data", PICTURES)


def test_a_list_of_files(tmp_path, folder):
    dataset = open_dataset([str(folder)])
    kept(dataset, tmp_path / "kept.txt", lambda row: named(row, "1.png", "3.jpg"))
    lines = (tmp_path / "kept.txt").read_text().splitlines()
    assert lines == [str(folder / "10_cat/1.png"), str(folder / "dog/3.jpg")]


def test_a_list_of_files_with_odd_names(tmp_path):
    odd = os.fsencode(tmp_path) + b"/caf\xe9\r.jpg"
    with open(odd, "wb"):
        pass
    kept(open_dataset([str(tmp_path)]), tmp_path / "kept.txt", lambda row: True)
    assert (tmp_path / "kept.txt").read_bytes() == odd + b"\n"
    (tmp_path / "two\nlines.jpg").touch()
    dataset = open_dataset([str(tmp_path)])
    with pytest.raises(UsageError, match="line end"):
        dataset.keeper(tmp_path / "list.txt")
    kept(dataset, tmp_path.parent / f"{tmp_path.name}-kept", lambda row: True)
    names = os.listdir(os.fsencode(f"{tmp_path}-kept"))
    assert sorted(names) == [b"caf\xe9\r.jpg", b"two\nlines.jpg"]


def test_a_table_of_rows(tmp_path, folder):
    dataset = open_dataset([str(folder)])
    kept(dataset, tmp_path / "kept.parquet", lambda row: named(row, "1.png", "3.jpg"))
    rows = pq.read_table(tmp_path / "kept.parquet").to_pylist()
    assert [row["caption"] for row in rows] == ["a cat", None]
    assert "image" not in rows[0]


def test_a_folder_of_links_and_copies(tmp_path, folder):
    before = files_of(folder)
    kept(open_dataset([str(folder)]), tmp_path / "kept", lambda row: named(row, "1.png", "3.jpg"))
    names = ["10_cat/1.png", "10_cat/1.txt", "dog/3.jpg", "dog/3.jpg.json"]
    assert files_of(tmp_path / "kept") == {name: PICTURES[name].encode() for name in names}
    assert (tmp_path / "kept/dog/3.jpg").samefile(folder / "dog/3.jpg")
    # Whoever edits a caption does not edit that of the dataset.
    assert not (tmp_path / "kept/10_cat/1.txt").samefile(folder / "10_cat/1.txt")
    assert files_of(folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "kept"]


def test_where_there_are_no_links_there_are_copies(tmp_path, folder, monkeypatch):
    def refused(*paths):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(picture_writers.os, "link", refused)
    kept(open_dataset([str(folder)]), tmp_path / "kept", lambda row: named(row, "3.jpg"))
    assert (tmp_path / "kept/dog/3.jpg").read_bytes() == b"three"
    assert not (tmp_path / "kept/dog/3.jpg").samefile(folder / "dog/3.jpg")


def test_symbolic_links_are_followed(tmp_path, folder):
    folder_of(tmp_path, {"elsewhere/deep/4.jpg": "four"})
    (folder / "4.jpg").symlink_to("../elsewhere/deep/4.jpg")
    (folder / "far").symlink_to(tmp_path / "elsewhere")
    (folder / "gone.jpg").symlink_to("nowhere")
    kept(open_dataset([str(folder)]), tmp_path / "kept", lambda row: True)
    assert files_of(tmp_path / "kept") == {
        **{name: text.encode() for name, text in PICTURES.items() if name != "README.md"},
        "4.jpg": b"four",
        "far/deep/4.jpg": b"four",
    }
    assert not any(path.is_symlink() for path in (tmp_path / "kept").rglob("*"))


def test_files_of_several_folders(tmp_path, monkeypatch):
    folder_of(tmp_path, {"a/1.jpg": "one", "a/1.txt": "a cat", "b/2.jpg": "two", "c/x": ""})
    monkeypatch.chdir(tmp_path / "c")
    dataset = open_dataset(["../a/1.jpg", "../b"])
    kept(dataset, tmp_path / "kept", lambda row: True)
    assert sorted(files_of(tmp_path / "kept")) == ["a/1.jpg", "a/1.txt", "b/2.jpg"]


@pytest.mark.parametrize("name", ["kept.csv", "kept.v2", "kept.tar"])
def test_other_endings_are_refused(tmp_path, folder, name):
    with pytest.raises(UsageError, match=r"list or into a folder") as caught:
        open_dataset([str(folder)]).keeper(tmp_path / name)
    assert ".txt or .parquet" in caught.value.hint


def test_nothing_is_written_into_the_dataset(tmp_path, folder):
    dataset = open_dataset([str(folder)])
    for out in (folder / "10_cat/1.txt", folder / "README.md"):
        with pytest.raises(UsageError, match="part of the dataset"):
            dataset.keeper(out)
    (tmp_path / "link").symlink_to(folder)
    for out in (folder / "kept", tmp_path / "link/kept"):
        with pytest.raises(UsageError, match="in the folder of the dataset"):
            dataset.keeper(out)
    (tmp_path / "old").mkdir()
    with pytest.raises(UsageError, match="already exists"):
        dataset.keeper(tmp_path / "old")
    assert files_of(folder) == {name: text.encode() for name, text in PICTURES.items()}


def test_nothing_is_left_of_a_folder_that_is_abandoned(tmp_path, folder):
    dataset = open_dataset([str(folder)])
    writer = dataset.keeper(tmp_path / "kept")
    writer.write(next(dataset.chunks([*dataset.needed])).batch)
    assert not (tmp_path / "kept").exists()
    writer.abandon()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


CSV = 'file_name,text\r\na/1.jpg,"a cat,\r\nsitting"\r\ngone.jpg,gone\r\na/2.jpg,another\r\n'


def test_an_imagefolder_keeps_its_tables(tmp_path):
    data = folder_of(
        tmp_path / "data",
        {
            "train/metadata.csv": CSV,
            **{f"train/{name}.jpg": name for name in ("a/1", "a/2", "a/3")},
            "train/a/1.txt": "a cat",
            "test/metadata.jsonl": '{"file_name": "1.jpg", "x":  1}\n{"file_name": "2.jpg"}',
            **{f"test/{name}.jpg": name for name in ("1", "2")},
        },
    )
    dataset = open_dataset([str(data)])
    kept(dataset, tmp_path / "kept", lambda row: not named(row, "2.jpg"))
    assert files_of(tmp_path / "kept") == {
        "test/metadata.jsonl": b'{"file_name": "1.jpg", "x":  1}\n',
        "test/1.jpg": b"1",
        "train/metadata.csv": CSV.replace("a/2.jpg,another\r\n", "").encode(),
        "train/a/1.jpg": b"a/1",
        "train/a/1.txt": b"a cat",
        "train/a/3.jpg": b"a/3",
    }
    rows = list(csv.reader(io.StringIO((tmp_path / "kept/train/metadata.csv").read_text())))
    assert [row[0] for row in rows] == ["file_name", "a/1.jpg", "gone.jpg"]
    again = open_dataset([str(tmp_path / "kept")])
    assert again.format == "imagefolder"
    kept(dataset, tmp_path / "kept.txt", lambda row: named(row, "2.jpg"))
    lines = (tmp_path / "kept.txt").read_text().splitlines()
    assert lines == [str(data / "test/2.jpg"), str(data / "train/a/2.jpg")]
    kept(dataset, tmp_path / "kept.parquet", lambda row: named(row, "1.jpg", "3.jpg"))
    found = pq.read_table(tmp_path / "kept.parquet").to_pylist()
    assert [row["x"] for row in found] == [1, None, None]
    assert "image" not in found[0]


def test_a_folder_of_img2dataset_keeps_its_table(tmp_path):
    data = tmp_path / "data"
    rows = [{"key": f"{number:09d}", "url": f"u{number}"} for number in range(4)]
    for row in rows:
        name = f"00000/{row['key']}"
        folder_of(data, {f"{name}.jpg": row["key"], f"{name}.json": json.dumps(row)})
    pq.write_table(pa.Table.from_pylist(rows), data / "00000.parquet", row_group_size=2)
    folder_of(data, {"00000_stats.json": "{}"})
    kept(open_dataset([str(data)]), tmp_path / "kept", lambda row: row["url"] in ("u1", "u3"))
    names = [f"00000/00000000{number}.{end}" for number in (1, 3) for end in ("jpg", "json")]
    assert sorted(files_of(tmp_path / "kept")) == ["00000.parquet", *names]
    written = pq.ParquetFile(tmp_path / "kept/00000.parquet")
    assert written.read().to_pylist() == rows[1::2]
    assert written.num_row_groups == 2

"""Captions and JSON beside pictures: columns, and what fits none is not lost."""

import json
import os
from pathlib import Path

import pytest
from picture_folders import folder_of

from registry.datasets import open_dataset
from registry.datasets.hidden import MORE, UNREAD

URL = "https://art.example/1.jpg"


def rows_of(folder: Path, columns=None) -> list[dict[str, object]]:
    dataset = open_dataset([str(folder)])
    assert dataset.format == "pictures"
    rows = [row for chunk in dataset.chunks(columns) for row in chunk.batch.to_pylist()]
    return [
        {name: value for name, value in row.items() if name != "image" and value is not None}
        | ({"file": os.path.relpath(row["file"], folder)} if "file" in row else {})
        for row in rows
    ]


def test_kohya_captions(tmp_path):
    files = {"10_cat/1.png": "", "10_cat/1.txt": "a cat, sitting\n", "10_cat/2.png": ""}
    folder_of(tmp_path, {**files, "5_dog/3.jpg": "", "5_dog/3.caption": "a dog"})
    assert rows_of(tmp_path) == [
        {"file": "10_cat/1.png", "caption": "a cat, sitting"},
        {"file": "10_cat/2.png"},
        {"file": "5_dog/3.jpg", "caption": "a dog"},
    ]
    assert open_dataset([str(tmp_path)]).left_out == ()


def test_members_of_json_are_columns(tmp_path):
    content = {"url": URL, "width": 3, "exif": '{"Image Make": "X"}', "caption": "a cat"}
    folder_of(
        tmp_path,
        {
            "0/1.jpg": "",
            "0/1.json": json.dumps(content),
            "0/1.txt": "a cat",
            "0/2.webp": "",
            "0/2.json": json.dumps({"url": URL, "new": ["x"]}),
            "0/3.gif": "",
        },
    )
    dataset = open_dataset([str(tmp_path)])
    assert dataset.schema.names == ["file", "image", "caption", "url", "width", "exif", "new"]
    assert rows_of(tmp_path) == [
        {"file": "0/1.jpg", **content},
        {"file": "0/2.webp", "url": URL, "new": ["x"]},
        {"file": "0/3.gif"},
    ]


# Names of files beside `1.jpg`, and the row that they make.
BESIDE = {
    "two texts": ({"1.txt": "a", "1.caption": "b"}, {"caption": "a", "caption:caption": "b"}),
    "the same text twice": ({"1.txt": "a", "1.caption": "a"}, {"caption": "a"}),
    "after the whole name": (
        {"1.jpg.txt": "a", "1.jpg.json": '{"x": 1}'},
        {"caption": "a", "x": 1},
    ),
    "all texts": (
        {"1.txt": "a", "1.caption": "b", "1.jpg.txt": "c", "1.jpg.caption": "d"},
        {"caption": "a", "caption:caption": "b", "jpg.txt:caption": "c"}
        | {"jpg.caption:caption": "d"},
    ),
    "another caption": (
        {"1.txt": "a", "1.json": '{"caption": "b"}'},
        {"caption": "a", "json:caption": "b"},
    ),
    "a caption in the JSON alone": ({"1.json": '{"caption": "b"}'}, {"caption": "b"}),
    "names of our columns": (
        {"1.json": '{"file": "f", "image": "i"}'},
        {"json:file": "f", "json:image": "i"},
    ),
    "UTF-16": ({"1.txt": "ä".encode("utf-16"), "2.jpg": ""}, {"caption": "ä"}),
    "a mark of UTF-8": ({"1.txt": b"\xef\xbb\xbfa"}, {"caption": "a"}),
    "no UTF-8": (
        {"1.txt": b"caf\xe9 " + URL.encode()},
        {"caption": f"caf\N{REPLACEMENT CHARACTER} {URL}"},
    ),
    "a list": ({"1.json": "[1, 2]"}, {"json": [1, 2]}),
    "a large number": ({"1.json": f'{{"x": {10**30}}}'}, {}),
    "no JSON": ({"1.json": '{"url": '}, {}),
    "too deep": ({"1.json": "[" * 100_000}, {}),
    "empty": ({"1.txt": "", "1.json": "{}"}, {"caption": ""}),
}


@pytest.mark.parametrize("case", BESIDE)
def test_what_lies_beside_a_picture(tmp_path, case):
    files, expected = BESIDE[case]
    folder_of(tmp_path, {"1.jpg": "", **files})
    row = rows_of(tmp_path)[0]
    del row["file"]
    unread, more = row.pop(UNREAD, ""), json.loads(str(row.pop(MORE, "{}")))
    assert row == expected
    assert bool(unread) == (case in ("no JSON", "too deep")), unread
    assert bool(more) == (case == "a large number")


def test_what_later_files_hold_is_searched(tmp_path):
    names = [f"{number:03d}.{suffix}" for number in range(70) for suffix in ("jpg", "json")]
    files = dict.fromkeys(names, '{"width": 5}')
    folder_of(tmp_path, {**files, "069.json": json.dumps({"width": "wide", "url": URL})})
    assert open_dataset([str(tmp_path)]).schema.names == ["file", "image", "width"]
    last = rows_of(tmp_path)[-1]
    assert json.loads(str(last[MORE])) == {"width": "wide", "url": URL}


def test_texts_that_are_about_no_picture_are_left_out(tmp_path):
    folder_of(tmp_path, {"1.jpg": "", "2.txt": URL, "sub/1.txt": URL, "1.TXT": URL})
    (left,) = open_dataset([str(tmp_path)]).left_out
    assert (left.files, left.reason) == (3, "metadata-left-out")


def test_a_side_file_that_cannot_be_read_does_not_stop_the_reading(tmp_path):
    folder_of(tmp_path, {"1.jpg": "", "2.jpg": "", "2.txt": "two"})
    os.mkfifo(tmp_path / "1.txt")
    first, second = rows_of(tmp_path)
    assert "a pipe, not a regular file" in str(first[UNREAD])
    assert second["caption"] == "two"


def test_files_that_are_named_have_their_captions(tmp_path):
    folder_of(tmp_path, {"1.jpg": "", "1.png": "", "1.txt": "one", "2.jpg": "", "2.txt": "two"})
    dataset = open_dataset([str(tmp_path / "1.*g"), str(tmp_path / "2.jpg")])
    captions = [row["caption"] for batch in dataset.batches() for row in batch.to_pylist()]
    assert captions == ["one", "one", "two"]
    assert [path.name for path in dataset.files] == ["1.jpg", "1.txt", "1.png", "2.jpg", "2.txt"]


def test_a_picture_that_cannot_be_read_is_a_row_with_the_reason(tmp_path):
    folder_of(tmp_path, {"1.jpg": "x", "1.txt": "one"})
    os.mkfifo(tmp_path / "2.jpg")
    (tmp_path / "3.jpg").symlink_to("nowhere")
    (tmp_path / os.fsdecode(b"4\xe9.jpg")).symlink_to("nowhere")
    first, pipe, gone, odd = rows_of(tmp_path)
    assert first == {"file": "1.jpg", "caption": "one"}
    assert "a pipe" in str(pipe[UNREAD])
    assert str(gone[UNREAD]).endswith("3.jpg does not exist")
    assert str(odd[UNREAD]).endswith("4\\xe9.jpg does not exist")
    assert rows_of(tmp_path, ["caption"])[0]["caption"] == "one"

"""An object in which a member occurs twice is not read: programs take either of the values."""

import pytest
import tar_files
from picture_folders import folder_of

from registry.datasets import open_dataset
from registry.datasets.hidden import UNREAD

PLAIN = '{"url": "https://a.example/1.jpg", "n": 1, "of": {"x": 1}, "all": [{"x": 1}]}'
TWICE = [
    '{"url": "https://a.example/1.jpg", "url": "https://b.example/2.jpg"}',
    '{"n": 1, "url": null, "n": 1}',
    '{"n": 1, "new": 1, "new": 2}',
    '{"of": {"x": 1, "x": 2}}',
    '{"all": [{"x": 1}, {"x": 1, "x": 2}]}',
]


def jsonl(folder, rows):
    (folder / "a.jsonl").write_text("\n".join(rows))
    return folder / "a.jsonl"


def array(folder, rows):
    (folder / "a.json").write_text(f"[{','.join(rows)}]")
    return folder / "a.json"


def objects(folder, rows):
    members = ",".join(f'"{n}": {row}' for n, row in enumerate(rows))
    (folder / "a.json").write_text(f"{{{members}}}")
    return folder / "a.json"


def shard(folder, rows):
    members = [
        member
        for n, row in enumerate(rows)
        for member in ((f"{n}.jpg", tar_files.JPEG), (f"{n}.json", row.encode()))
    ]
    return tar_files.shard(folder / "a.tar", *members)


def pictures(folder, rows):
    folder_of(folder / "p", {f"{n:02}.png": "no" for n in range(len(rows))})
    folder_of(folder / "p", {f"{n:02}.json": row for n, row in enumerate(rows)})
    return folder / "p"


@pytest.mark.parametrize("make", [jsonl, array, objects, shard, pictures])
@pytest.mark.parametrize("row", TWICE)
def test_a_member_that_occurs_twice_is_said(tmp_path, make, row):
    path = make(tmp_path, [PLAIN, row, PLAIN])
    dataset = open_dataset([str(path)])
    found = [one.get(UNREAD) for batch in dataset.batches() for one in batch.to_pylist()]
    assert [bool(why) and "occurs twice" in why for why in found] == [False, True, False]

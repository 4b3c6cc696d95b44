"""An interrupted check of Arrow, a saved dataset or JSON goes on, and keeps the same rows."""

import json

import arrow_files
import pyarrow as pa
import pytest

from registry.checking import filling
from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.datasets.arrow import tables as arrow_tables
from registry.datasets.json import tables as json_tables

ROWS = 100
URLS = [f"https://{'art' if n % 7 == 0 else 'free'}.example/{n}.jpg" for n in range(ROWS)]
OBJECTS = [{"id": n, "url": url} for n, url in enumerate(URLS)]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(filling, "PART_ROWS", 20)
    monkeypatch.setattr(arrow_tables, "BATCH_ROWS", 6)
    monkeypatch.setattr(arrow_tables, "_PIECES", 3)
    monkeypatch.setattr(json_tables, "BLOCK", 300)


def batches(size):
    text = pa.array([f"a text of more than twelve letters {n}" for n in range(ROWS)])
    table = pa.table({"url": URLS, "view": text.cast(pa.string_view()), "n": range(ROWS)})
    return table.to_batches(max_chunksize=size)


def arrow(folder):
    return arrow_files.write(folder / "data.arrow", batches(33), "file", "lz4")


def saved(folder):
    arrow_files.write(folder / "data/b.arrow", batches(40)[:2])
    arrow_files.write(folder / "data/a.arrow", batches(40)[2:])
    files = {"_data_files": [{"filename": "b.arrow"}, {"filename": "a.arrow"}]}
    (folder / "data/state.json").write_text(json.dumps(files))
    (folder / "data/dataset_info.json").write_text("{}")
    return folder / "data"


def in_json(value):
    def write(folder):
        (folder / "data.json").write_text(json.dumps(value, indent=1))
        return folder / "data.json"

    return write


DATA = {
    "arrow": arrow,
    "saved": saved,
    "array": in_json(OBJECTS),
    "objects": in_json({f"{row['id']}.png": row for row in OBJECTS}),
    "lists": in_json({"image_urls": URLS, "captions": ["cat"] * ROWS}),
    "images": in_json({"images": OBJECTS, "annotations": [{"image_id": n} for n in range(ROWS)]}),
}


class Stopped(Exception):
    pass


def checked(path, art_snapshot, out, keep, stop_at=None):
    def progress(done, total):
        if stop_at is not None and done >= stop_at:
            raise Stopped

    dataset = open_dataset([str(path)])
    options = CheckOptions(out=out, keep=keep, progress=out.with_name(out.name + ".unfinished"))
    check(dataset, art_snapshot, plan(dataset), options, progress)


def content(path):
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [file.read_bytes() for file in files if file.is_file()]


@pytest.mark.parametrize("stop_at", [25, 77])
@pytest.mark.parametrize("keep", [(), ("clear",)])
@pytest.mark.parametrize("name", DATA)
def test_the_result_is_that_of_a_check_in_one_go(tmp_path, art_snapshot, name, keep, stop_at):
    data = DATA[name](tmp_path)
    suffix = data.suffix if keep else ".parquet"
    whole, out = tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}"
    checked(data, art_snapshot, whole, keep)
    with pytest.raises(Stopped):
        checked(data, art_snapshot, out, keep, stop_at)
    assert not out.exists()
    checked(data, art_snapshot, out, keep)
    assert content(out) == content(whole)

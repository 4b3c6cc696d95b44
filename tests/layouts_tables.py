"""Layouts of datasets of 40 rows, with known truth: Arrow files, saved datasets, tables in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
from layout_parts import ROWS, URL, layout, works


@layout("all")
def json_array(folder: Path) -> Path:
    rows = [{"url": w.url, "text": "cat"} for w in works()]
    return _written(folder / "data.json", json.dumps(rows, indent=2))


@layout("all")
def coco_json(folder: Path) -> Path:
    images = [{"id": w.number, "file_name": "x.jpg", "coco_url": w.url} for w in works()]
    annotations = [{"image_id": w.number, "caption": "cat"} for w in works()]
    content = {"info": {}, "annotations": annotations, "images": images}
    return _written(folder / "instances.json", json.dumps(content))


@layout("all")
def json_object_of_objects(folder: Path) -> Path:
    rows = {f"{w.number}.png": {"p": "a cat", "sha256": w.sha256} for w in works()}
    return _written(folder / "part-000001.json", json.dumps(rows))


@layout("all")
def sbu_json(folder: Path) -> Path:
    content = {"image_urls": [w.url for w in works()], "captions": ["cat"] * ROWS}
    return _written(folder / "sbu.json", json.dumps(content))


@layout("all")
def arrow_file(folder: Path) -> Path:
    table = pa.table({"url": URL})
    with (
        pa.OSFile(str(folder / "data.arrow"), "wb") as file,
        pa.ipc.new_file(file, table.schema) as out,
    ):
        out.write_table(table)
    return folder / "data.arrow"


@layout("all")
def arrow_file_of_views(folder: Path) -> Path:
    table = pa.table({"url": URL.cast(pa.string_view())})
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with (
        pa.OSFile(str(folder / "data.feather"), "wb") as file,
        pa.ipc.new_file(file, table.schema, options=options) as out,
    ):
        out.write_table(table, max_chunksize=7)
    return folder / "data.feather"


@layout("all")
def saved_to_disk(folder: Path) -> Path:
    table = pa.table({"image": [{"bytes": w.jpeg, "path": None} for w in works()]})
    place = folder / "saved/data-00000-of-00001.arrow"
    place.parent.mkdir()
    with pa.OSFile(str(place), "wb") as file, pa.ipc.new_stream(file, table.schema) as out:
        out.write_table(table)
    _written(folder / "saved/state.json", json.dumps({"_data_files": [{"filename": place.name}]}))
    _written(folder / "saved/dataset_info.json", "{}")
    return folder / "saved"


def _written(path: Path, content: str) -> Path:
    path.write_text(content)
    return path

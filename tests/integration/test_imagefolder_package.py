"""Folders of pictures are read as Hugging Face's `datasets` reads them, where that is installed."""

import gc
import json
import warnings
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from picture_folders import folder_of

from registry.datasets import open_dataset

huggingface = pytest.importorskip("datasets")

PICTURES = {f"{place}/{number}.jpg": f"{place}{number}" for place in "ab" for number in range(5)}
ROWS = [{"file_name": name, "text": f"picture {name}"} for name in PICTURES]
SEVERAL = [
    {"file_name": f"a/{n}.jpg", "mask_file_name": f"b/{n}.jpg", "text": f"cat {n}"}
    for n in range(5)
]
LISTS = [{"file_names": [f"a/{n}.jpg", f"./b/{n}.jpg"][: n % 2 + 1], "x": n} for n in range(5)]
ODD = [
    {"file_name": "a/0.jpg", "text": "a cat,\nsitting"},
    {"file_name": "a\\1.jpg", "text": 'a "dog"'},
    {"file_name": "b/../a/2.jpg", "text": None},
    {"file_name": "a/0.jpg", "text": "again"},
]


def table(path: Path, rows: list[dict[str, object]]) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        import pandas as pd

        pd.DataFrame(rows).to_csv(path, index=False)


def theirs(folder: Path) -> list[dict[str, object]]:
    rows = []
    with warnings.catch_warnings():
        # They leave a file open that they read from.
        warnings.simplefilter("ignore", ResourceWarning)
        cache = f"{folder}-cache"
        read = huggingface.load_dataset("imagefolder", data_dir=str(folder), cache_dir=cache)
        for split in read.values():
            features = {name: without_decoding(kind) for name, kind in split.features.items()}
            rows += split.cast(huggingface.Features(features)).to_list()
        gc.collect()
    return rows


def without_decoding(feature):
    if isinstance(feature, huggingface.Image):
        return huggingface.Image(decode=False)
    if isinstance(feature, huggingface.List):
        return huggingface.List(without_decoding(feature.feature))
    return feature


def content(picture) -> object:
    """Return the bytes of their pictures; other values as they are."""
    if isinstance(picture, list):
        return [content(one) for one in picture]
    if isinstance(picture, dict):
        return picture["bytes"] or Path(picture["path"]).read_bytes()
    return picture


def ours(folder: Path) -> list[dict[str, object]]:
    dataset = open_dataset([str(folder)])
    assert dataset.format == "imagefolder"
    return [row for batch in dataset.batches() for row in batch.to_pylist()]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("rows", [ROWS, SEVERAL, ODD], ids=["rows", "several", "odd"])
def test_rows_and_pictures_are_those_of_huggingface(tmp_path, kind, rows):
    folder = folder_of(tmp_path / "data", PICTURES)
    table(folder / f"metadata.{kind}", rows)
    own = ours(folder)
    expected = theirs(folder)
    names = expected[0].keys()
    assert names >= {"image", "text"}
    assert len(expected) == len(rows)
    for row, other in zip(own, expected, strict=False):
        assert {name: row[name] or None for name in names} == {
            name: content(other[name]) for name in names
        }
    # They leave out pictures without a row; here they are rows.
    named = {row["image"] for row in own[: len(rows)]} | {r.get("mask") for r in own[: len(rows)]}
    assert [r["image"] for r in own[len(rows) :]] == [
        text.encode() for text in PICTURES.values() if text.encode() not in named
    ]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_lists_of_pictures_are_those_of_huggingface(tmp_path, kind):
    folder = folder_of(tmp_path / "data", PICTURES)
    table(folder / f"metadata.{kind}", LISTS)
    own = [
        [row[name] for name in ("images_1", "images_2") if row[name]] for row in ours(folder)[:5]
    ]
    assert own == [content(row["images"]) for row in theirs(folder)]


def test_tables_of_splits_are_those_of_huggingface(tmp_path):
    folder = tmp_path / "data"
    for split in ("train", "test"):
        folder_of(folder / split, {name: split + text for name, text in PICTURES.items()})
        table(folder / split / "metadata.jsonl", ROWS)
    own = {(row["text"], row["image"]) for row in ours(folder)}
    assert len(own) == 2 * len(ROWS)
    assert own == {(row["text"], content(row["image"])) for row in theirs(folder)}

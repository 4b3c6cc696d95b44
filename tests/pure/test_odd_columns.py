"""Columns without values or with a very large one get an answer."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from registry.checking.plan import plan
from registry.checking.run import CheckOptions, check
from registry.datasets import open_dataset
from registry.datasets.formats import csv as csv_format
from registry.datasets.formats import jsonl as jsonl_format
from registry.datasets.formats import parquet
from registry.datasets.text import line_blocks

URLS = ["https://art.example/1.jpg", "https://art.example/2.jpg", "https://free.example/3.jpg"]
LARGE = "lorem ipsum " * 4000


def outcomes(path, art_snapshot, out):
    dataset = open_dataset([str(path)])
    check(dataset, art_snapshot, plan(dataset), CheckOptions(out=out))
    return pq.read_table(out)["optout_outcome"].to_pylist()


@pytest.mark.parametrize("name", ["image_url", "md5", "caption", "image", "phash"])
def test_a_column_of_the_type_null(art_snapshot, tmp_path, name):
    table = pa.table({"url": URLS, name: pa.nulls(3)})
    pq.write_table(table, tmp_path / "d.parquet")
    out = tmp_path / "out.parquet"
    assert outcomes(tmp_path / "d.parquet", art_snapshot, out) == ["reserved", "reserved", "clear"]
    assert pq.read_schema(out).field(name).type == pa.null()


def csv(path):
    lines = ["url,text", f"{URLS[0]},a", f'{URLS[1]},"{LARGE}"', f"{URLS[2]},b"]
    path.write_text("\n".join(lines))


def jsonl(path):
    rows = zip(URLS, ("a", LARGE, "b"), strict=True)
    path.write_text("\n".join(json.dumps({"url": url, "text": text}) for url, text in rows))


def in_parquet(path):
    pq.write_table(pa.table({"url": URLS, "text": ["a", LARGE, "b"]}), path, compression="zstd")


@pytest.mark.parametrize("write", [csv, jsonl, in_parquet], ids=lambda write: write.__name__)
def test_a_very_large_text_in_one_row(art_snapshot, tmp_path, monkeypatch, write):
    for module, name, value in (
        *((module, "LONGEST_ROW", 10_000) for module in (line_blocks, csv_format)),
        (csv_format, "BLOCK", 1000),
        (jsonl_format, "line_blocks", lambda file, size=0: line_blocks.line_blocks(file, 1000)),
        (parquet, "BATCH_BYTES", 10_000),
    ):
        monkeypatch.setattr(module, name, value)
    path, out = tmp_path / f"d.{write.__name__.removeprefix('in_')}", tmp_path / "out.parquet"
    write(path)
    is_read = write is in_parquet
    # The start of a row of CSV is searched, whatever follows.
    second = "unchecked" if write is jsonl else "reserved"
    assert outcomes(path, art_snapshot, out) == ["reserved", second, "clear"]
    texts = pq.read_table(out)["text"].to_pylist()
    assert texts == ["a", LARGE if is_read else None, "b"]


def test_no_statistics_are_made_of_texts(art_snapshot, tmp_path):
    in_parquet(tmp_path / "d.parquet")
    out = tmp_path / "out.parquet"
    outcomes(tmp_path / "d.parquet", art_snapshot, out)
    group = pq.read_metadata(out).row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    made = {one.path_in_schema for one in columns if one.statistics is not None}
    assert "text" not in made
    assert "optout_outcome" in made


@pytest.mark.parametrize("kind", [pa.null(), pa.list_(pa.null()), pa.string()])
def test_urls_that_are_all_missing_are_an_answer(art_snapshot, tmp_path, kind):
    pq.write_table(
        pa.table({"url": pa.nulls(3, kind), "caption": list("abc")}), tmp_path / "d.parquet"
    )
    assert (
        outcomes(tmp_path / "d.parquet", art_snapshot, tmp_path / "out.parquet")
        == ["unchecked"] * 3
    )

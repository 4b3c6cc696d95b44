"""A web page that a server answered for a file of a dataset is named as such."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tar_files

from registry.datasets import open_dataset
from registry.datasets.hidden import UNREAD
from registry.errors import UnreadableDataset

PAGE = b"\n<!DOCTYPE html>\n<html><body>Sign in</body></html>\n"
NAMES = (
    "a.parquet",
    "a.arrow",
    "a.csv",
    "a.tsv",
    "a.json",
    "a.jsonl",
    "a.tar",
    "a.zip",
    "a",
    "a.txt",
    "a.npy",
)


@pytest.mark.parametrize("page", [PAGE, b"<HTML>no"], ids=["doctype", "html"])
@pytest.mark.parametrize("name", NAMES)
def test_a_web_page_is_no_data(tmp_path, name, page):
    (tmp_path / name).write_bytes(page)
    with pytest.raises(UnreadableDataset, match="is a web page") as caught:
        open_dataset([str(tmp_path / name)])
    assert str(tmp_path / name) in caught.value.message


def unread_of(folder):
    rows = (row for batch in open_dataset([str(folder)]).batches() for row in batch.to_pylist())
    return [row[UNREAD] for row in rows if row.get(UNREAD)]


def test_a_web_page_among_files_is_a_row(tmp_path):
    (tmp_path / "p").mkdir()
    pq.write_table(pa.table({"url": ["https://a.example/1.jpg"]}), tmp_path / "p/0.parquet")
    (tmp_path / "p/1.parquet").write_bytes(PAGE)
    tar_files.shard(tmp_path / "t/0.tar", ("1.jpg", tar_files.JPEG))
    (tmp_path / "t/1.tar").write_bytes(PAGE)
    for folder in ("p", "t"):
        (why,) = unread_of(tmp_path / folder)
        assert "is a web page" in why


def test_a_text_that_holds_a_page_is_data(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(
        gzip.compress(b"url,html\nhttps://a.example/1," + PAGE[1:16])
    )
    (batch,) = open_dataset([str(tmp_path / "a.csv.gz")]).batches()
    assert len(batch) == 1

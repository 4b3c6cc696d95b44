"""JSON texts: which shapes are tables, and where their elements begin and end."""

import gzip
import json

import pytest

from registry.datasets import open_dataset
from registry.datasets.formats import json as json_format
from registry.datasets.json.shapes import shape_of
from registry.errors import UnreadableDataset

URLS = [f"https://a.example/{n}.jpg" for n in range(7)]
ROWS = [{"url": url} for url in URLS]
LAYOUTS = [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False, "indent": "\t"}]


TABLES = {
    "[{}]": "array",
    ' [\n{"a"': "array",
    "[1, {}]": "array",
    '["https://a.example", {}]': "array",
    '[null, "https://a.example", "': "values",
    '["' + "a" * 64 + '", "x"]': "values",
    '{"a": {"x": 1, "y": 1}, "b": {"x": 2}}': "objects",
    '{"a": {"x": 1}, "b": {"x": 2}, "c": {"x"': "objects",
    '{"1.png": {"x": 1}}': "objects",
    '{"1": {"x": "https://a.example/1.jpg"}}': "objects",
    '{"images": [{"id": 1}], "annotations": []}': "images",
    '{"info": {}, "annotations": [{"id": 1}, {"i': "images",
    '{"url": ["https://a.example"], "n": [1]}': "lists",
    '{"url": ["https://a.example", ': "lists",
    '{"v": 1, "sha": ["' + "a" * 64 + '"], "n": [1]}': "lists",
}
NO_TABLES = [
    *("", " ", "{}", "[]", "5", '"x"', "null", "[1, 2]", "[[{}]]", "{", "["),
    '["a.jpg", "b"]',
    '{"url": "https://a.example/1.jpg", "caption": "a cat"}',
    '{"model": {"dim": 5}, "data": {"path": "x"}}',
    '{"model": {"dim": 5}, "data": 7}',
    '{"a": {"x": 1}}',
    '{"a": {"x": 1}, "b": {"x": 2}}\n{"a": {"x": 1}}',
    '{"images": ["x.jpg"], "captions": ["x"]}',
    '{"sizes": [1, 2], "steps": [2, 3], "names": ["a", "b"]}',
    '{"mirrors": ["https://a.example"], "name": "x"}',
    '{"images": [], "annotations": [{}]}',
    '{"a" {}, "b": {}}',
    '{5: {"x": 1}, "b": {"x": 2}}',
    "url,text\n1,2",
    "<svg>",
]


@pytest.mark.parametrize("text", TABLES)
def test_shapes_of_tables(text):
    assert shape_of(text.encode(), is_whole=False) == TABLES[text]
    assert shape_of(b"\xef\xbb\xbf \n" + text.encode(), is_whole=False) == TABLES[text]


@pytest.mark.parametrize("text", NO_TABLES)
def test_what_is_no_table(tmp_path, text):
    assert shape_of(text.encode(), is_whole=True) is None
    (tmp_path / "a.json").write_text(text)
    assert json_format.sureness(tmp_path / "a.json") < 1
    if text:
        assert not json_format.sureness(tmp_path)
    with pytest.raises(UnreadableDataset) as caught:
        json_format.open_files([tmp_path / "a.json"], "x")
    assert caught.value.hint


def test_a_folder_is_json_only_without_other_tables(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(ROWS))
    (tmp_path / "dataset_info.json").write_text(json.dumps({"a": ROWS[0], "b": ROWS[1]}))
    (tmp_path / "config.json").write_text('{"dim": 5}')
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(json.dumps(ROWS).encode()))
    (tmp_path / "c.json").write_text("")
    dataset = open_dataset([str(tmp_path)])
    assert dataset.format == "json"
    assert [file.name for file in dataset.files] == ["a.json", "b.json.gz", "c.json"]
    assert [(one.files, one.reason) for one in dataset.left_out] == [(2, None)]
    urls = [url for batch in dataset.batches(["url"]) for url in batch.column(0).to_pylist()]
    assert urls == [*URLS, *URLS, None]
    for name in ("x.csv", "x.jsonl", "x.parquet", "x.png", "x.csv.gz"):
        (tmp_path / name).write_bytes(b"x")
        assert json_format.sureness(tmp_path) == 0
        (tmp_path / name).unlink()
    assert json_format.sureness(tmp_path / "dataset_info.json") == 0

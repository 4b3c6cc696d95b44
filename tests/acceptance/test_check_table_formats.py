"""`registry check` of Arrow files, saved datasets and JSON: answers, kept rows, what is refused."""

import json
import os

import arrow_files
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from checking import MARKED, check, said_in_one_line, snapshot  # noqa: F401

FREE = "https://free.example/9.jpg"
SHUT = "https://shut.example/2.jpg"
# Rows of known answers: reserved by its mark, by its site, and clear.
ROWS = [MARKED, FREE, SHUT, FREE.replace("9", "8")]
ANSWERS = ["reserved", "clear", "reserved", "clear"]
BATCHES = pa.table({"url": ROWS, "text": ["cat"] * 4}).to_batches(max_chunksize=3)
OBJECTS = [{"url": url, "id": number} for number, url in enumerate(ROWS)]


def arrow(folder):
    return arrow_files.write(folder / "data.feather", BATCHES, "file", "zstd")


def stream(folder):
    return arrow_files.write(folder / "data.arrow", BATCHES)


def saved(folder):
    for number, batch in enumerate(BATCHES):
        arrow_files.write(folder / f"data/{number}.arrow", [batch])
    files = [{"filename": f"{number}.arrow"} for number in range(2)]
    (folder / "data/state.json").write_text(json.dumps({"_data_files": files}))
    (folder / "data/dataset_info.json").write_text("{}")
    return folder / "data"


def in_json(value):
    def write(folder):
        (folder / "data.json").write_text(json.dumps(value, indent=1))
        return folder / "data.json"

    return write


FORMATS = {
    "file": arrow,
    "stream": stream,
    "saved": saved,
    "array": in_json(OBJECTS),
    "objects": in_json({f"{row['id']}.png": row for row in OBJECTS}),
    "lists": in_json({"image_urls": ROWS, "captions": ["cat"] * 4}),
    "images": in_json({"images": OBJECTS, "annotations": [{"image_id": 0}, {"image_id": 1}]}),
}


@pytest.mark.parametrize("name", FORMATS)
def test_rows_have_their_answers_and_clear_ones_are_kept(tmp_path, snapshot, name):  # noqa: F811
    path, out = FORMATS[name](tmp_path), tmp_path / "rows.parquet"
    result = check(path, "--out", out, snapshot=snapshot)
    assert result.returncode == 1, result.stderr
    assert pq.read_table(out)["optout_outcome"].to_pylist() == ANSWERS
    left = tmp_path / f"kept{path.suffix}"
    result = check(path, "--keep", "clear", "--out", left, snapshot=snapshot)
    assert result.returncode == 1, result.stderr
    result = check(left, "--out", out, snapshot=snapshot)
    assert result.returncode == 0, result.stderr
    assert pq.read_table(out)["optout_outcome"].to_pylist() == ["clear", "clear"]
    if name == "images":
        assert json.loads(left.read_text())["annotations"] == [{"image_id": 1}]


def test_a_damaged_batch_is_unchecked(tmp_path, snapshot):  # noqa: F811
    path, out = stream(tmp_path), tmp_path / "rows.parquet"
    end = arrow_files.places(path)[0][1]
    arrow_files.damage(path, end - 40, b"\xf9" * 40)
    result = check(path, "--out", out, snapshot=snapshot)
    assert result.returncode == 3, result.stderr
    assert pq.read_table(out)["optout_outcome"].to_pylist() == ["unchecked"] * 3 + ["clear"]
    kept = tmp_path / "kept.arrow"
    check(path, "--keep", "clear", "--keep", "unchecked", "--out", kept, snapshot=snapshot)
    assert arrow_files.read(kept).read_all()["url"].to_pylist() == ROWS[3:]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("old.feather", b"FEA1" + bytes(9) + b"FEA1", "Feather 1"),
        ("empty.arrow", b"", "empty"),
        ("cut.arrow", b"ARROW1\0\0", "incomplete"),
        ("config.json", b'{"dim": 5}', "no table"),
        ("one.json", b'{"url": "https://a.example/1.jpg"}', "no table"),
        ("empty.json", b"", "empty"),
        ("hidden.json", b'[{"url": "https://a.example/1.jpg", "optout:row": 1}]', "optout:row"),
        ("none.json", b'[{"x": 1}]', "no usable column"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path, snapshot, name, content, said):  # noqa: F811
    path = tmp_path / name
    path.write_bytes(content)
    said_in_one_line(check(path, snapshot=snapshot), 4, said)


@pytest.mark.parametrize("name", ["data.arrow", "data.json"])
def test_pipes_are_not_opened(tmp_path, snapshot, name):  # noqa: F811
    os.mkfifo(tmp_path / name)
    said_in_one_line(check(tmp_path / name, snapshot=snapshot), 4, "a pipe")
    good = FORMATS["stream" if name == "data.arrow" else "array"]
    folder = tmp_path / "data"
    folder.mkdir()
    good(folder).rename(folder / f"a{name}")
    os.mkfifo(folder / name)
    result = check(folder, snapshot=snapshot)
    assert "a pipe" in result.stdout, result.stderr


def test_names_of_results_that_do_not_fit(tmp_path, snapshot):  # noqa: F811
    array = FORMATS["array"](tmp_path)
    for path, name, said in (
        (stream(tmp_path), "a.csv", "Arrow"),
        (saved(tmp_path), "a.arrow", "folder"),
        (array, "a.jsonl", ".json"),
        (array, "data.json", "dataset itself"),
    ):
        result = check(path, "--keep", "clear", "--out", tmp_path / name, snapshot=snapshot)
        said_in_one_line(result, 2, said)
    before = sorted(os.listdir(tmp_path))
    assert before == ["data", "data.arrow", "data.json", "marked.jpg", "snapshot-1"]

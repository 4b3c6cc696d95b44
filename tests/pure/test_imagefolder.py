"""Folders of pictures with tables that name them: a row for each, and for pictures without one."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_folders import folder_of

from registry.datasets import Dataset, open_dataset
from registry.datasets.hidden import MORE, UNREAD
from registry.datasets.pictures import named as named_pictures
from registry.datasets.pictures import rows as picture_rows
from registry.datasets.pictures.names import inside
from registry.datasets.units import Part

URL = "https://art.example/1.jpg"


def opened(folder: Path) -> Dataset:
    dataset = open_dataset([str(folder)])
    assert dataset.format == "imagefolder"
    return dataset


def rows_of(folder: Path, columns=None, parts=None) -> list[dict[str, object]]:
    rows = [r for c in opened(folder).chunks(columns, parts) for r in c.batch.to_pylist()]
    for row in rows:
        if row.get("file"):
            row["file"] = str(Path(row["file"]).relative_to(folder))
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def table(folder: Path, kind: str, rows: list[dict[str, object]], name: str = "metadata") -> None:
    path = folder / f"{name}.{kind}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        lines = [rows[0].keys(), *(row.values() for row in rows)]
        path.write_text("\n".join(",".join(map(str, line)) for line in lines))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_row_has_its_picture(tmp_path, kind):
    folder_of(tmp_path, {"train/1.jpg": "one", "test/cat/2.png": "two", "test/3.jpg": "three"})
    table(
        tmp_path,
        kind,
        [{"file_name": "test/cat/2.png", "url": URL}, {"file_name": "./train/1.jpg", "url": "x"}],
    )
    assert rows_of(tmp_path) == [
        {"file": "test/cat/2.png", "file_name": "test/cat/2.png", "url": URL, "image": b"two"},
        {"file": "train/1.jpg", "file_name": "./train/1.jpg", "url": "x", "image": b"one"},
        {"file": "test/3.jpg", "image": b"three"},
    ]
    assert opened(tmp_path).left_out == ()
    assert opened(tmp_path).label == "file"


def test_each_folder_may_have_its_table(tmp_path):
    folder_of(tmp_path, {"a/1.jpg": "one", "b/1.jpg": "two"})
    table(tmp_path / "a", "csv", [{"file_name": "1.jpg", "x": 1}])
    table(tmp_path / "b", "jsonl", [{"file_name": "1.jpg", "y": [2]}])
    assert [(row["file"], row["image"]) for row in rows_of(tmp_path)] == [
        ("a/1.jpg", b"one"),
        ("b/1.jpg", b"two"),
    ]
    assert opened(tmp_path).schema.names == ["file", "file_name", "x", "image", "y"]


def test_several_pictures_a_row(tmp_path):
    folder_of(tmp_path, {f"{number}.jpg": str(number) for number in range(6)})
    rows = [
        {"left_file_name": "0.jpg", "file_names": ["1.jpg", "2.jpg"], "image": "words"},
        {"left_file_name": None, "file_names": [], "image": "words"},
        {"left_file_name": "5.jpg", "file_names": ["3.jpg", "4.jpg", "5.jpg"], "image": None},
    ]
    schema = pa.schema(
        [
            ("left_file_name", pa.large_string()),
            ("file_names", pa.list_(pa.string())),
            ("image", pa.string()),
        ]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), tmp_path / "metadata.parquet")
    found = rows_of(tmp_path)
    images = [[row.get(n) for n in ("left", "images_1", "images_2", "images_3")] for row in found]
    assert images == [[b"0", b"1", b"2", None], [None] * 4, [b"5", b"3", b"4", b"5"]]
    assert found[0]["image"] == "words"


def test_a_list_that_is_longer_than_the_first_ones_is_said_to_be(tmp_path, monkeypatch):
    folder_of(tmp_path, {"1.jpg": "one", "2.jpg": "two", "3.jpg": "three"})
    schema = pa.schema([("file_names", pa.list_(pa.string()))])
    with pq.ParquetWriter(tmp_path / "metadata.parquet", schema) as file:
        monkeypatch.setattr("registry.datasets.formats.parquet.BATCH_ROWS", 1)
        for names in (["1.jpg"], ["2.jpg", "3.jpg"]):
            file.write_table(pa.table({"file_names": [names]}, schema))
    _, second, more = rows_of(tmp_path)
    assert second["images_1"] == b"two"
    assert more["images_1"] == b"three"
    assert second[UNREAD] == "file_names: 2 pictures, of which 1 are compared"


OUTSIDE = [
    "../x.jpg",
    "/etc/passwd",
    "a/../../x.jpg",
    "..\\x.jpg",
    "file:///etc/passwd",
    "..",
    "a\0b",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_does_not_lead_out_of_the_folder(tmp_path, name):
    folder_of(tmp_path, {"x.jpg": "secret", "data/1.jpg": "one"})
    table(tmp_path / "data", "jsonl", [{"file_name": "1.jpg"}, {"file_name": name}])
    first, second = rows_of(tmp_path / "data")
    assert first["image"] == b"one"
    assert second == {"file_name": name, UNREAD: "file_name: a path out of the folder, or a URL"}


@given(st.text(st.sampled_from("./\\a:\0"), max_size=12))
def test_names_stay_inside_or_are_refused(name):
    path = inside(name)
    assert not path or not (Path("/data") / path).is_absolute() or ".." not in Path(path).parts
    if path:
        assert (Path("/data") / path).is_relative_to("/data")
        assert "://" not in path


def test_pictures_that_are_missing_are_rows_with_the_reason(tmp_path):
    folder_of(tmp_path, {"1.jpg": "one", "hidden/.2.jpg": "two"})
    (tmp_path / "folder.jpg").mkdir()
    names = ["gone.jpg", "1.jpg", "", "hidden/.2.jpg", "folder.jpg"]
    lines = "\n".join(f"{name},{place}" for place, name in enumerate(names))
    (tmp_path / "metadata.csv").write_text(f"file_name,n\n{lines}\nbroken\n")
    rows = rows_of(tmp_path)
    assert [row.get("image") for row in rows] == [None, b"one", None, b"two", None, None]
    reasons = [str(row.get(UNREAD, "")) for row in rows]
    assert reasons[0].endswith("gone.jpg does not exist")
    assert reasons[1:4] == [""] * 3
    assert "a folder, not a file" in reasons[4]
    assert "its values do not fit" in reasons[5]


def test_a_table_that_cannot_be_read_is_a_row(tmp_path):
    folder_of(tmp_path, {"a/1.jpg": "one", "b/metadata.parquet": "PAR1 no more", "b/2.jpg": "two"})
    table(tmp_path / "a", "csv", [{"file_name": "1.jpg", "x": 1}])
    rows = rows_of(tmp_path)
    assert [row.get("image") for row in rows] == [b"one", None, b"two"]
    assert "metadata.parquet" in str(rows[1][UNREAD])


def test_what_lies_beside_a_picture_is_searched(tmp_path):
    folder_of(
        tmp_path,
        {
            "1.jpg": "",
            "1.txt": "a cat",
            "1.json": json.dumps({"url": URL, "width": 5, "sha256": "ab"}),
            "2.jpg": "",
            "2.json": "[",
        },
    )
    rows = [{"file_name": "1.jpg", "width": 5, "sha256": "cd"}, {"file_name": "2.jpg", "width": 1}]
    table(tmp_path, "jsonl", rows)
    first, second = rows_of(tmp_path)
    assert json.loads(str(first[MORE])) == [{"caption": "a cat", "url": URL, "sha256": "ab"}]
    assert "2.json: not JSON" in str(second[UNREAD])
    # What the user leaves out is left out beside the picture, too.
    first, _ = rows_of(tmp_path, ["file_name", "image"])
    assert json.loads(str(first[MORE])) == [{"caption": "a cat", "url": URL}]


def test_values_that_fit_no_column_are_kept_together(tmp_path):
    folder_of(tmp_path, {"1.jpg": "", "1.txt": "a cat"})
    lines = [{"file_name": "1.jpg"}] * 2
    text = "\n".join(map(json.dumps, lines)) + " " * (1 << 20)
    last = '{"file_name": "1.jpg", "later": "x"}'
    (tmp_path / "metadata.jsonl").write_text(f"{text}\n{last}")
    *_, row = rows_of(tmp_path)
    assert json.loads(str(row[MORE])) == [{"later": "x"}, {"caption": "a cat"}]


def img2dataset(folder: Path) -> Path:
    keys = ["000000000", "000000001", "000000002"]
    status = ["success", "failed_to_download", "success"]
    rows = [
        {"url": f"https://a.example/{key}", "key": key, "status": one, "width": 256}
        for key, one in zip(keys, status, strict=True)
    ]
    table(folder, "parquet", rows, "00000")
    folder_of(folder, {"00000_stats.json": '{"count": 3}', "00000/000000000.jpg": "zero"})
    folder_of(folder, {"00000/000000000.json": json.dumps(rows[0]), "00000/000000003.png": "x"})
    return folder


def test_files_of_img2dataset(tmp_path):
    rows = rows_of(img2dataset(tmp_path))
    assert [row.get("image") for row in rows] == [b"zero", None, None, b"x"]
    # What was not got has no picture; what should be there is missed.
    assert [UNREAD in row for row in rows] == [False, False, True, False]
    assert MORE not in rows[0]
    (left,) = opened(tmp_path).left_out
    assert (left.kind, left.reason) == ("words", None)


NOT_CLAIMED = {
    "no column of names": {"1.jpg": "", "metadata.csv": "name,text\n1.jpg,cat\n"},
    "numbers": {"1.jpg": "", "metadata.jsonl": '{"file_name": 1}'},
    "no picture": {"metadata.csv": "file_name,url\n1.jpg,https://a.example/1.jpg\n"},
    "another name": {"1.jpg": "", "meta.csv": "file_name,text\n1.jpg,cat\n"},
    "empty": {"1.jpg": "", "metadata.csv": ""},
}


@pytest.mark.parametrize("case", NOT_CLAIMED)
def test_other_folders_are_left_to_their_formats(tmp_path, case):
    dataset = open_dataset([str(folder_of(tmp_path, NOT_CLAIMED[case]))])
    assert dataset.format == ("csv" if case == "no picture" else "pictures")


def test_a_folder_of_parquet_is_no_shard_without_its_pictures(tmp_path):
    table(tmp_path, "parquet", [{"url": URL, "key": "7"}], "00000")
    folder_of(tmp_path, {"00000/000000000.jpg": ""})
    assert open_dataset([str(tmp_path)]).format == "parquet"


@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 12))
def test_rows_are_the_same_whatever_the_batches(tmp_path_factory, size, rows, first):
    folder = tmp_path_factory.mktemp("batches")
    folder_of(folder, {f"{number}.jpg": "x" * number for number in range(8)})
    names = [{"file_name": f"{number}.jpg", "n": number} for number in (3, 1, 9, 4, 1)]
    table(folder, "csv", names)
    whole = rows_of(folder)
    assert len(whole) == 5 + 5
    with pytest.MonkeyPatch.context() as patch:
        for module in (named_pictures, picture_rows):
            patch.setattr(module, "BATCH_BYTES", size)
            patch.setattr(module, "BATCH_ROWS", rows)
        assert rows_of(folder) == whole
        for batch in opened(folder).batches():
            sizes = [len(content or b"") for content in batch.column("image").to_pylist()]
            assert len(sizes) <= rows
            assert sum(sizes[:-1]) < size
        assert rows_of(folder, None, [Part(0, first)]) == whole[:5][first:]
        assert rows_of(folder, None, [Part(1, first)]) == whole[5:][first:]

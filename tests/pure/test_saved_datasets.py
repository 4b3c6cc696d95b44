"""Folders of `save_to_disk`: which rows, in which order, and the JSON files of what is kept."""

import json
from pathlib import Path

import arrow_files
import pyarrow as pa
import pytest
from arrow_files import damage, places, urls, write
from hypothesis import given
from hypothesis import strategies as st

from registry.datasets import open_dataset
from registry.datasets.arrow import indices as arrow_indices
from registry.datasets.hidden import ROW, UNREAD
from registry.datasets.saved.state import Size, kept_info, kept_state, splits_of, state_of
from registry.datasets.units import Part
from registry.errors import UnreadableDataset, UsageError


def save(folder: Path, shards, indices=None, info=None, **state) -> Path:
    """Write a folder with a file for each list of batches, and the JSON files beside them."""
    names = [f"data-{n:05d}-of-{len(shards):05d}.arrow" for n in range(len(shards))]
    for name, batches in zip(names, shards, strict=True):
        write(folder / name, batches)
    content = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "ab" * 8}
    if indices is not None:
        column = pa.array(indices, pa.uint64())
        write(folder / "indices.arrow", pa.table({"indices": column}).to_batches(max_chunksize=4))
        content["_indices_data_files"] = [{"filename": "indices.arrow"}]
    (folder / "state.json").write_text(json.dumps(content | {"_split": None} | state))
    (folder / "dataset_info.json").write_text(json.dumps(info or {}))
    return folder


def save_splits(folder: Path, **splits) -> Path:
    for name, shards in splits.items():
        save(folder / name, shards, _split=name)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": [*splits]}))
    return folder


def numbered(first, last, size=2):
    return pa.table({"url": [f"u{n}" for n in range(first, last)]}).to_batches(max_chunksize=size)


def rows_of(path, columns=("url",), parts=None):
    chunks = open_dataset([str(path)]).chunks(columns, parts)
    return [row for chunk in chunks for row in chunk.batch.to_pylist()]


def kept(folder, out, keep):
    dataset = open_dataset([str(folder)])
    writer = dataset.keeper(out)
    for chunk in dataset.chunks(["url", ROW]):
        rows = chunk.batch.to_pylist()
        mask = [not row.get(UNREAD) and bool(keep(row["url"])) for row in rows]
        writer.write(chunk.batch.filter(pa.array(mask, pa.bool_())), chunk.table)
    writer.close()
    return out


def names_in(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_files_are_read_in_the_order_of_the_state(tmp_path):
    save(tmp_path, [numbered(0, 3), numbered(3, 5)])
    state = json.loads((tmp_path / "state.json").read_text())
    state["_data_files"].reverse()
    (tmp_path / "state.json").write_text(json.dumps(state))
    dataset = open_dataset([str(tmp_path)])
    assert (dataset.format, dataset.rows) == ("saved", 5)
    assert [row["url"] for row in rows_of(tmp_path)] == ["u3", "u4", "u0", "u1", "u2"]
    assert not dataset.left_out


def test_other_files_are_left_out(tmp_path):
    save(tmp_path, [numbered(0, 3)])
    write(tmp_path / "cache-0123.arrow", urls(9, 9))
    (left,) = open_dataset([str(tmp_path)]).left_out
    assert (left.files, left.reason) == (1, None)
    write(tmp_path / "old.arrow", urls(9, 9))
    assert [one.reason for one in open_dataset([str(tmp_path)]).left_out] == [
        "metadata-left-out",
        None,
    ]
    assert len(rows_of(tmp_path)) == 3


def test_splits_are_read_in_their_order(tmp_path):
    save_splits(tmp_path, train=[numbered(0, 3)], test=[numbered(3, 5)], dev=[numbered(5, 6)])
    assert [row["url"] for row in rows_of(tmp_path)] == [f"u{n}" for n in range(6)]
    assert open_dataset([str(tmp_path / "test")]).rows == 2


def test_a_split_that_cannot_be_opened_is_a_row(tmp_path):
    save_splits(tmp_path, train=[numbered(0, 3)], test=[numbered(3, 5)], dev=[numbered(5, 6)])
    (tmp_path / "test/state.json").write_text("{")
    rows = rows_of(tmp_path)
    assert [row["url"] for row in rows] == ["u0", "u1", "u2", None, "u5"]
    assert "state.json" in rows[3][UNREAD]
    out = kept(tmp_path, tmp_path / "kept", lambda url: True)
    assert json.loads((out / "dataset_dict.json").read_text()) == {"splits": ["train", "dev"]}
    assert [row["url"] for row in rows_of(out)] == ["u0", "u1", "u2", "u5"]


def test_a_file_that_is_missing_is_a_row_and_not_in_what_is_kept(tmp_path):
    save(tmp_path / "data", [numbered(0, 3), numbered(3, 5), numbered(5, 6)])
    (tmp_path / "data/data-00001-of-00003.arrow").unlink()
    assert [row["url"] for row in rows_of(tmp_path / "data")] == ["u0", "u1", "u2", None, "u5"]
    out = kept(tmp_path / "data", tmp_path / "kept", lambda url: True)
    assert state_of((out / "state.json").read_bytes()).files == [
        "data-00000-of-00003.arrow",
        "data-00002-of-00003.arrow",
    ]


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 14)), max_size=30),
    st.integers(1, 5),
    st.integers(0, 30),
    st.integers(1, 40),
)
def test_rows_in_the_order_of_a_list(tmp_path_factory, indices, size, first, rows):
    folder = tmp_path_factory.mktemp("indexed")
    # There are no rows 12 to 14.
    save(folder / "data", [numbered(0, 7, size), numbered(7, 12, size)], [3, *indices])
    expected = [f"u{n}" if n is not None and n < 12 else None for n in [3, *indices]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrow_indices, "BATCH_ROWS", rows)
        found = rows_of(folder / "data")
        part = rows_of(folder / "data", ("url", ROW), [Part(0, first)])
    assert [row["url"] for row in found] == expected
    assert [row.get(UNREAD) is not None for row in found] == [url is None for url in expected]
    assert [row[ROW] for row in part] == [*range(first, len(expected))]
    out = kept(folder / "data", folder / "kept", lambda url: url and int(url[1:]) % 2)
    state = json.loads((out / "state.json").read_text())
    assert state["_indices_data_files"] == []
    assert names_in(out) == ["data-00000-of-00002.arrow", "dataset_info.json", "state.json"]
    read = arrow_files.read(out / "data-00000-of-00002.arrow").read_all()["url"].to_pylist()
    assert read == [url for url in expected if url and int(url[1:]) % 2]


def test_damaged_rows_in_a_list(tmp_path):
    save(tmp_path, [numbered(0, 6)], [5, 0, 3, 2])
    path = tmp_path / "data-00000-of-00001.arrow"
    damage(path, places(path)[1][1] - 24, b"\xff" * 24)
    assert [row["url"] for row in rows_of(tmp_path)] == ["u5", "u0", None, None]
    path = tmp_path / "indices.arrow"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UnreadableDataset, match=r"indices\.arrow"):
        rows_of(tmp_path)


def test_compressed_rows_in_a_list_are_refused(tmp_path):
    save(tmp_path, [numbered(0, 6)], [5, 0])
    write(tmp_path / "data-00000-of-00001.arrow", numbered(0, 6), codec="zstd")
    (row, _) = rows_of(tmp_path)
    assert "compressed" in row[UNREAD]


def test_what_is_kept_has_a_state_of_its_own(tmp_path):
    info = {
        "features": {"url": {"dtype": "string", "_type": "Value"}},
        "dataset_size": 70,
        "download_size": 5,
        "size_in_bytes": 75,
        "splits": {"train": {"num_bytes": 60, "num_examples": 5, "shard_lengths": [5]},
                   "test": {"num_bytes": 10, "num_examples": 1}},
    }  # fmt: skip
    folder = save(
        tmp_path / "data", [numbered(0, 3), numbered(3, 5)], info=info, _split="train", x=[1]
    )
    given = {path: path.read_bytes() for path in folder.iterdir()}
    out = kept(folder, tmp_path / "kept", lambda url: url in ("u1", "u4"))
    assert {path: path.read_bytes() for path in folder.iterdir()} == given
    assert names_in(out) == names_in(folder)
    state = json.loads((out / "state.json").read_text())
    before = json.loads((folder / "state.json").read_text())
    assert state.pop("_fingerprint") != before.pop("_fingerprint")
    assert state == before
    written = json.loads((out / "dataset_info.json").read_text())
    size = written["splits"]["train"].pop("num_bytes")
    assert written["splits"] == {
        "train": {"num_examples": 2},
        "test": {"num_bytes": 10, "num_examples": 1},
    }
    assert (written["dataset_size"], written["size_in_bytes"]) == (size + 10, size + 15)
    assert written["features"] == info["features"]
    assert [row["url"] for row in rows_of(out)] == ["u1", "u4"]
    again = kept(folder, tmp_path / "again", lambda url: url in ("u1", "u4"))
    assert (again / "state.json").read_bytes() == (out / "state.json").read_bytes()
    other = kept(folder, tmp_path / "other", lambda url: url in ("u2", "u4"))
    assert (other / "state.json").read_bytes() != (out / "state.json").read_bytes()


def test_several_folders_are_kept_in_one(tmp_path):
    save_splits(tmp_path / "data/a", train=[numbered(0, 3)], test=[numbered(3, 5)])
    save(tmp_path / "data/b", [numbered(5, 6)])
    dataset = open_dataset([str(tmp_path / "data/*")])
    writer = dataset.keeper(tmp_path / "kept")
    for chunk in dataset.chunks([*dataset.needed]):
        writer.write(chunk.batch, chunk.table)
    writer.close()
    assert names_in(tmp_path / "kept") == names_in(tmp_path / "data")


def test_names_and_folders_that_are_refused(tmp_path):
    folder = save(tmp_path / "data", [numbered(0, 3)])
    dataset = open_dataset([str(folder)])
    with pytest.raises(UsageError, match="save_to_disk") as caught:
        dataset.keeper(tmp_path / "kept.arrow")
    assert caught.value.hint == "name a folder"
    with pytest.raises(UsageError, match="already exists"):
        dataset.keeper(folder)
    writer = dataset.keeper(tmp_path / "kept-v1.0")
    writer.write(next(dataset.chunks([*dataset.needed])).batch)
    writer.abandon()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize(
    "name", ["../x.arrow", "/etc/passwd", "a/b.arrow", "..", "", None, 7, "a\0b", "a\\b"]
)
def test_names_of_other_folders_are_not_read(tmp_path, name):
    content = json.dumps({"_data_files": [{"filename": name}]}).encode()
    with pytest.raises(ValueError, match="folder"):
        state_of(content)
    with pytest.raises(ValueError, match="folder"):
        splits_of(json.dumps({"splits": [name]}).encode())
    save(tmp_path, [numbered(0, 3)], _data_files=[{"filename": name}])
    assert open_dataset([str(tmp_path)]).format == "arrow"


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\xff", b"[" * 10**5, b'{"_data_files": 1}']
)
def test_a_state_that_names_nothing_is_none(tmp_path, content):
    with pytest.raises(ValueError):  # noqa: PT011 (several texts)
        state_of(content)
    save(tmp_path, [numbered(0, 3)])
    (tmp_path / "state.json").write_bytes(content)
    assert open_dataset([str(tmp_path)]).format == "arrow"
    assert len(rows_of(tmp_path)) == 3


def test_states_and_descriptions_of_old_releases():
    old = {
        "_data_files": [{"filename": "dataset.arrow"}],
        "_indices_data_files": [{"filename": "indices.arrow"}],
        "_inplace_history": [{"transforms": []}],
        "_split": "train",
    }
    state = state_of(json.dumps(old).encode())
    assert (state.files, state.indices, state.split) == (
        ["dataset.arrow"],
        ["indices.arrow"],
        "train",
    )
    written = json.loads(kept_state(json.dumps(old).encode(), ["a", "b"], "12"))
    assert written == {
        "_data_files": [{"filename": "a"}, {"filename": "b"}],
        "_indices_data_files": [],
        "_inplace_history": [{"transforms": []}, {"transforms": []}],
        "_fingerprint": "12",
        "_split": "train",
    }
    for info in ({}, {"splits": None}, {"splits": [1], "dataset_size": 2}, {"splits": {"a": 1}}):
        content = json.dumps(info).encode()
        assert json.loads(kept_info(content, {"a": Size(1, 2)})) == info

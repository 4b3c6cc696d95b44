"""Datasets of several tables: common columns, parts that cannot be read, rows kept as they are."""

import itertools

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.datasets import open_dataset
from registry.datasets.formats import parquet
from registry.datasets.hidden import RAW, UNREAD
from registry.datasets.units import Part
from registry.errors import UnreadableDataset, UsageError


def written(folder, name, **columns):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def rows_of(dataset, columns=None, parts=None):
    return [row for chunk in dataset.chunks(columns, parts) for row in chunk.batch.to_pylist()]


def test_tables_of_different_columns_and_types_are_one_dataset(tmp_path):
    written(tmp_path, "a.parquet", url=["u1"], width=pa.array([1], pa.int32()))
    written(tmp_path, "b.parquet", width=[2.5], url=pa.array(["u2"]).dictionary_encode())
    written(tmp_path, "c.parquet", url=pa.nulls(1), text=["x"])
    dataset = open_dataset([str(tmp_path)])
    assert dataset.schema.names == ["url", "width", "text"]
    assert dataset.schema.field("width").type == pa.float64()
    rows = [tuple(row.values()) for row in rows_of(dataset)]
    assert rows == [("u1", 1.0, None), ("u2", 2.5, None), (None, None, "x")]


def test_numbers_in_one_file_and_texts_in_another_are_texts(tmp_path):
    written(tmp_path, "a.parquet", id=[1])
    written(tmp_path, "b.parquet", id=["x"])
    assert [row["id"] for row in rows_of(open_dataset([str(tmp_path)]))] == ["1", "x"]


def test_a_column_of_another_kind_is_not_read_in_that_file(tmp_path):
    written(tmp_path, "a.parquet", url=["u1"])
    written(tmp_path, "b.parquet", url=[["u2"], None])
    first, second, third = rows_of(open_dataset([str(tmp_path)]))
    assert first["url"] == "u1"
    assert "url: list" in second[UNREAD]
    assert third[UNREAD] is None


def test_a_file_that_cannot_be_read_is_a_row(tmp_path):
    written(tmp_path, "a.parquet", url=["u1"])
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "c.parquet").write_bytes(b"")
    written(tmp_path, "d.parquet", url=["u4"])
    rows = rows_of(open_dataset([str(tmp_path)]))
    assert [row["url"] for row in rows] == ["u1", None, None, "u4"]
    assert "b.parquet" in rows[1][UNREAD]
    assert "c.parquet is empty" in rows[2][UNREAD]
    with pytest.raises(UnreadableDataset, match=r"b\.parquet"):
        open_dataset([str(tmp_path / "b.parquet"), str(tmp_path / "c.parquet")])


def damage(path, group):
    """Overwrite the pages of a row group."""
    column = pq.read_metadata(path).row_group(group).column(0)
    content = bytearray(path.read_bytes())
    start = min(filter(None, [column.dictionary_page_offset, column.data_page_offset]))
    content[start : start + column.total_compressed_size] = bytes(column.total_compressed_size)
    path.write_bytes(content)


@pytest.mark.parametrize("group", range(4))
@pytest.mark.parametrize("rows", [1, 3, 100])
def test_a_row_group_that_cannot_be_read_is_its_rows(tmp_path, monkeypatch, group, rows):
    monkeypatch.setattr(parquet, "BATCH_ROWS", rows)
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"url": [f"u{n}" for n in range(10)]}), path, row_group_size=3)
    damage(path, group)
    dataset = open_dataset([str(path)])
    read = rows_of(dataset)
    bad = [n for n in range(10) if n // 3 == group]
    expected = [None if n in bad else f"u{n}" for n in range(10)]
    assert [row["url"] for row in read] == expected
    assert [n for n, row in enumerate(read) if row.get(UNREAD)] == bad
    for first in range(10):
        part = rows_of(dataset, None, [Part(0, first)])
        assert [row["url"] for row in part] == expected[first:]


@given(st.integers(0, 12), st.one_of(st.none(), st.integers(0, 12)), st.integers(1, 9))
def test_parts_are_the_rows_of_the_whole(tmp_path_factory, first, rows, size):
    folder = tmp_path_factory.mktemp("parts")
    urls = [f"https://a.example/{n}.jpg" for n in range(10)]
    pq.write_table(pa.table({"url": urls}), folder / "a.parquet", row_group_size=size)
    (folder / "a.csv").write_text("url\n" + "\n".join(urls))
    (folder / "a.jsonl").write_text("\n".join(f'{{"url": "{url}"}}' for url in urls))
    for name in ("a.parquet", "a.csv", "a.jsonl"):
        dataset = open_dataset([str(folder / name)])
        read = rows_of(dataset, ["url"], [Part(0, first, rows)])
        end = None if rows is None else first + rows
        assert [row["url"] for row in read] == urls[first:end]


def kept(dataset, out, keep):
    """Write the rows for which `keep(row)` is true, as a check does."""
    writer = dataset.keeper(out)
    for chunk in dataset.chunks(list(dict.fromkeys(["url", *dataset.needed]))):
        mask = [keep(row) for row in chunk.batch.column("url").to_pylist()]
        writer.write(chunk.batch.filter(pa.array(mask, pa.bool_())), chunk.table)
    writer.close()


@given(st.lists(st.booleans(), min_size=20, max_size=20), st.integers(1, 9))
def test_kept_parquet_has_its_schema_groups_and_compression(tmp_path_factory, keep, size):
    folder = tmp_path_factory.mktemp("kept")
    schema = pa.schema(
        [
            pa.field("url", pa.string(), nullable=False, metadata={"a": "b"}),
            pa.field("n", pa.int16()),
            pa.field("list", pa.list_(pa.struct([("x", pa.float32())]))),
            pa.field("d", pa.dictionary(pa.int32(), pa.string())),
        ],
        {"huggingface": '{"info": {}}'},
    )
    rows = [{"url": f"u{n}", "n": n, "list": [{"x": n}], "d": "x"} for n in range(20)]
    table = pa.Table.from_pylist(rows, schema)
    codecs = {"url": "gzip", "n": "none", "list.list.element.x": "snappy", "d": "zstd"}
    pq.write_table(table, folder / "a.parquet", row_group_size=size, compression=codecs)
    out = folder / "kept.parquet"
    kept(open_dataset([str(folder / "a.parquet")]), out, lambda url: keep[int(url[1:])])
    assert pq.read_table(out).to_pylist() == list(itertools.compress(rows, keep))
    given_file, written_file = (pq.read_metadata(f) for f in (folder / "a.parquet", out))
    assert written_file.schema.to_arrow_schema().equals(
        given_file.schema.to_arrow_schema(), check_metadata=True
    )
    groups = [sum(keep[start : start + size]) for start in range(0, 20, size)]
    assert [written_file.row_group(n).num_rows for n in range(written_file.num_row_groups)] == [
        count for count in groups if count
    ]
    if any(keep):
        assert parquet_codecs(written_file) == parquet_codecs(given_file)


def parquet_codecs(metadata):
    group = metadata.row_group(0)
    return [group.column(n).compression for n in range(group.num_columns)]


def test_kept_rows_of_several_files_are_a_folder(tmp_path):
    for name in ("data/x/a.parquet", "data/b.parquet"):
        written(tmp_path, name, url=[f"{name}{n}" for n in range(3)])
    dataset = open_dataset([str(tmp_path / "data")])
    kept(dataset, tmp_path / "kept", lambda url: url.endswith("a.parquet1"))
    files = {
        path.name: pq.read_table(path)["url"].to_pylist()
        for path in (tmp_path / "kept").rglob("*.parquet")
    }
    assert files == {"a.parquet": ["data/x/a.parquet1"], "b.parquet": []}
    assert (tmp_path / "kept/x/a.parquet").exists()
    kept(dataset, tmp_path / "one.parquet", lambda url: url.endswith("1"))
    assert pq.read_table(tmp_path / "one.parquet")["url"].to_pylist() == [
        "data/b.parquet1",
        "data/x/a.parquet1",
    ]
    with pytest.raises(UsageError, match="already exists"):
        dataset.keeper(tmp_path / "kept")
    writer = dataset.keeper(tmp_path / "gone")
    writer.write(next(dataset.chunks([*dataset.needed])).batch)
    writer.abandon()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "kept", "one.parquet"]


def test_kept_files_stay_in_their_folder(tmp_path, monkeypatch):
    for name in ("a/1.parquet", "b/c/2.parquet"):
        written(tmp_path, name, url=[name])
    monkeypatch.chdir(tmp_path / "b")
    dataset = open_dataset(["../a/1.parquet", "c/2.parquet"])
    kept(dataset, tmp_path / "kept", lambda url: True)
    files = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet")]
    assert sorted(files) == [
        *("a/1.parquet", "b/c/2.parquet", "kept/a/1.parquet", "kept/b/c/2.parquet"),
    ]


def test_kept_rows_of_several_csv_files_keep_their_columns(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.csv").write_text("url,x\nu1,1\nu2,2\n")
    (tmp_path / "data/b.csv").write_text("x;url\n3;u3")
    dataset = open_dataset([str(tmp_path / "data")])
    kept(dataset, tmp_path / "kept", lambda url: url != "u1")
    assert (tmp_path / "kept/a.csv").read_text() == "url,x\nu2,2\n"
    assert (tmp_path / "kept/b.csv").read_text() == "x;url\n3;u3"
    with pytest.raises(UsageError, match="different columns"):
        dataset.keeper(tmp_path / "one.csv")
    assert dataset.needed == (RAW,)

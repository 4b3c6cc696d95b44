"""Arrow IPC: what is read, what of a damaged file is read, and rows kept as they are."""

import itertools

import arrow_files
import numpy as np
import pyarrow as pa
import pytest
from arrow_files import damage, of_every_type, places, urls, write
from hypothesis import given
from hypothesis import strategies as st

from registry.datasets import open_dataset
from registry.datasets.arrow import tables as arrow_tables
from registry.datasets.arrow.batches import ArrowFile
from registry.datasets.arrow.messages import message_at, messages_from
from registry.datasets.hidden import ROW, UNREAD
from registry.datasets.units import Part
from registry.errors import UnreadableDataset, UsageError

KINDS = [*arrow_files.KINDS]
CODECS = [None, "lz4", "zstd"]


def rows_of(path, columns=None, parts=None):
    chunks = open_dataset([str(path)]).chunks(columns, parts)
    return [row for chunk in chunks for row in chunk.batch.to_pylist()]


def kept(dataset, out, keep):
    """Write the rows for whose numbers `keep(table, row)` is true, as a check does."""
    writer = dataset.keeper(out)
    for chunk in dataset.chunks([*dataset.schema.names[:1], *dataset.needed]):
        rows = chunk.batch.to_pylist()
        mask = [not row.get(UNREAD) and bool(keep(chunk.table, row[ROW])) for row in rows]
        writer.write(chunk.batch.filter(pa.array(mask, pa.bool_())), chunk.table)
    writer.close()


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_a_file_and_of_a_part_of_it(tmp_path, kind, codec):
    path = write(tmp_path / "a.arrow", urls(10, 3, n=pa.array(range(10))), kind, codec)
    dataset = open_dataset([str(path)])
    assert (dataset.format, dataset.rows) == ("arrow", 10)
    assert rows_of(path) == [{"url": f"u{n}", "n": n} for n in range(10)]
    assert rows_of(path, ["n"]) == [{"n": n} for n in range(10)]
    for first in range(11):
        assert rows_of(path, ["n", ROW], [Part(0, first)]) == [
            {"n": n, ROW: n} for n in range(first, 10)
        ]


def test_content_counts_not_the_name(tmp_path):
    for kind in KINDS:
        assert open_dataset([str(write(tmp_path / f"{kind}.bin", urls(3, 3), kind))]).format == (
            "arrow"
        )


def test_small_batches_are_joined_and_large_ones_are_divided(tmp_path, monkeypatch):
    path = write(tmp_path / "a.arrow", urls(1000, 7))
    assert len(list(open_dataset([str(path)]).chunks())) == 1
    monkeypatch.setattr(arrow_tables, "BATCH_ROWS", 10)
    write(path, urls(1000, 999))
    sizes = [len(chunk.batch) for chunk in open_dataset([str(path)]).chunks()]
    assert sum(sizes) == 1000
    assert max(sizes) == 10
    monkeypatch.setattr(arrow_tables, "BATCH_BYTES", 1)
    assert len(list(open_dataset([str(path)]).chunks())) == 1000


@pytest.mark.parametrize("name", of_every_type())
@pytest.mark.parametrize("kind", KINDS)
def test_every_type_is_read_written_as_parquet_and_kept(tmp_path, kind, name):
    column = of_every_type()[name]
    path = write(tmp_path / "a.arrow", [pa.record_batch([column], [name])], kind)
    dataset = open_dataset([str(path)])
    (batch,) = dataset.batches()
    assert batch.schema == dataset.schema
    if dataset.schema.field(name).type != pa.large_string():
        assert batch.column(0).to_pylist() == column.to_pylist()
    writer = dataset.writer(tmp_path / "all", dataset.schema)
    writer.write(batch)
    writer.close()
    out = tmp_path / "kept.arrow"
    kept(dataset, out, lambda table, n: n in (0, 3))
    written = arrow_files.read(out).read_all()
    assert written.column(0).type == column.type
    assert written.column(0).to_pylist() == [column[0].as_py(), column[3].as_py()]


def test_what_has_no_plain_type_is_json(tmp_path):
    union = of_every_type()["union"]
    path = write(tmp_path / "a.arrow", [pa.record_batch([union], ["x"])])
    assert [row["x"] for row in rows_of(path)] == ["1", '"x"', "3", '"z"']


@given(
    st.lists(st.booleans(), min_size=20, max_size=20),
    st.integers(1, 9),
    st.sampled_from(KINDS),
    st.sampled_from(CODECS),
)
def test_kept_rows_have_schema_batches_compression_and_kind(
    tmp_path_factory, keep, size, kind, codec
):
    folder = tmp_path_factory.mktemp("kept")
    schema = pa.schema(
        [
            pa.field("url", pa.string(), nullable=False, metadata={"a": "b"}),
            pa.field("n", pa.int16()),
            pa.field("d", pa.dictionary(pa.int32(), pa.string())),
        ],
        {"huggingface": '{"info": {}}'},
    )
    rows = [{"url": f"u{n}", "n": n, "d": "xyz"[n % 3]} for n in range(20)]
    batches = pa.Table.from_pylist(rows, schema).to_batches(max_chunksize=size)
    path = write(folder / "a.arrow", batches, kind, codec)
    out = folder / "b.arrow"
    kept(open_dataset([str(path)]), out, lambda table, n: keep[n])
    reader = arrow_files.read(out)
    assert reader.schema.equals(schema, check_metadata=True)
    written = list(reader)
    assert [row for batch in written for row in batch.to_pylist()] == [
        *itertools.compress(rows, keep)
    ]
    counts = [sum(keep[start : start + size]) for start in range(0, 20, size)]
    assert [len(batch) for batch in written] == [count for count in counts if count]
    assert ArrowFile(out).is_file == (kind == "file")
    assert {group.batch.codec for group in ArrowFile(out).groups()} <= {codec}


def test_metadata_of_a_file_and_of_batches_are_kept(tmp_path):
    path, out = tmp_path / "a.arrow", tmp_path / "b.arrow"
    batches = urls(4, 2)
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, batches[0].schema, metadata={b"file": b"x"}) as writer,
    ):
        for number, batch in enumerate(batches):
            writer.write_batch(batch, {"batch": str(number)})
    kept(open_dataset([str(path)]), out, lambda table, n: n != 1)
    reader = pa.ipc.open_file(out)
    assert dict(reader.metadata) == {b"file": b"x"}
    found = [reader.get_batch_with_custom_metadata(n) for n in range(2)]
    assert [(len(batch), dict(metadata)) for batch, metadata in found] == [
        (1, {b"batch": b"0"}),
        (2, {b"batch": b"1"}),
    ]


def test_rows_that_are_not_kept_leave_no_bytes(tmp_path):
    for kind in (pa.string_view(), pa.list_(pa.string_view()), pa.list_view(pa.string())):
        values = ["secret " * 9, "open " * 9]
        column = pa.array(values if kind == pa.string_view() else [[v] for v in values], kind)
        path = write(tmp_path / "a.arrow", [pa.record_batch([column], ["x"])])
        kept(open_dataset([str(path)]), tmp_path / "b.arrow", lambda table, n: n == 1)
        assert b"open" in (tmp_path / "b.arrow").read_bytes()
        assert b"secret" not in (tmp_path / "b.arrow").read_bytes()


def growing(size):
    """Return batches whose dictionary grows: each has the values of the last, and one more."""
    batches = []
    for number in range(1, size + 1):
        values = pa.array([f"u{n}" for n in range(number)])
        indices = pa.array([number - 1, 0], pa.int8())
        batches.append(pa.record_batch([pa.DictionaryArray.from_arrays(indices, values)], ["url"]))
    return batches


@pytest.mark.parametrize(("kind", "deltas"), [("file", True), ("stream", True), ("stream", False)])
def test_dictionaries_that_grow_or_are_replaced(tmp_path, kind, deltas):
    path = write(tmp_path / "a.arrow", growing(5), kind, emit_dictionary_deltas=deltas)
    messages = messages_from(memoryview(path.read_bytes()), ArrowFile(path).start.start)
    dictionaries = [one for one in messages if one.kind == 2]
    assert [one.is_delta for one in dictionaries] == [False, *[deltas] * 4]
    expected = [url for number in range(5) for url in (f"u{number}", "u0")]
    assert [row["url"] for row in rows_of(path)] == expected
    for first in range(10):
        found = rows_of(path, None, [Part(0, first)])
        assert [row["url"] for row in found] == expected[first:]
    kept(open_dataset([str(path)]), tmp_path / "b.arrow", lambda table, n: n > 5)
    written = arrow_files.read(tmp_path / "b.arrow").read_all()
    assert written["url"].to_pylist() == expected[6:]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", range(4))
def test_a_damaged_batch_is_its_rows(tmp_path, kind, codec, bad):
    letters = pa.array(["x", "y"] * 5).dictionary_encode()
    path = write(tmp_path / "a.arrow", urls(10, 3, d=letters), kind, codec)
    _, end = places(path)[bad]
    damage(path, end - 60, b"\xf9" * 60)
    dataset = open_dataset([str(path)])
    assert dataset.rows == 10
    for columns in (["url", "d"], ["url", ROW]):
        rows = rows_of(path, columns)
        lost = [n for n in range(10) if n // 3 == bad]
        assert [n for n, row in enumerate(rows) if row.get(UNREAD)] == lost
        assert [row["url"] for row in rows] == [None if n in lost else f"u{n}" for n in range(10)]
    kept(dataset, tmp_path / "b.arrow", lambda table, n: True)
    written = arrow_files.read(tmp_path / "b.arrow").read_all()
    assert written["url"].to_pylist() == [f"u{n}" for n in range(10) if n not in lost]


def test_offsets_behind_the_bytes_are_not_followed(tmp_path):
    path = write(tmp_path / "a.arrow", urls(3, 3))
    content = path.read_bytes()
    offsets = np.array([0, 2, 4, 6], np.int32).tobytes()
    far = np.array([0, 2, 4, 1 << 30], np.int32).tobytes()
    assert content.count(offsets) == 1
    path.write_bytes(content.replace(offsets, far))
    assert all("damaged" in row[UNREAD] for row in rows_of(path))


@given(st.data(), st.sampled_from(KINDS), st.sampled_from(CODECS))
def test_of_a_cut_off_file_the_first_batches_are_read(tmp_path_factory, data, kind, codec):
    path = write(tmp_path_factory.mktemp("cut") / "a.arrow", urls(10, 3), kind, codec)
    start, ends = places(path)[0][0], [end for _, end in places(path)]
    size = data.draw(st.integers(max(ends[0] - 900, 1), path.stat().st_size - 1))
    path.write_bytes(path.read_bytes()[:size])
    whole = min(3 * sum(end <= size for end in ends), 10)
    try:
        rows = rows_of(path)
    except UnreadableDataset:
        assert not whole
        return
    assert [row["url"] for row in rows if not row.get(UNREAD)] == [f"u{n}" for n in range(whole)]
    if whole < 10 and (kind == "file" or size not in (start, *ends)):
        assert "cut off" in rows[-1][UNREAD]
        assert len(rows) == whole + 1


@given(st.data(), st.sampled_from(KINDS), st.sampled_from(CODECS))
def test_changed_bytes_break_nothing(tmp_path_factory, data, kind, codec):
    folder = tmp_path_factory.mktemp("changed")
    lists = pa.array([[f"x{n}", None] for n in range(10)])
    letters = pa.array(["x", "y"] * 5).dictionary_encode()
    path = write(folder / "a.arrow", urls(10, 3, l=lists, d=letters), kind, codec)
    size = path.stat().st_size
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, size - 1))
        damage(path, start, data.draw(st.binary(min_size=1, max_size=8))[: size - start])
    try:
        dataset = open_dataset([str(path)])
        rows = rows_of(path)
        if not any(row.get(UNREAD) for row in rows):
            kept(dataset, folder / "b.arrow", lambda table, n: n % 2)
    except UnreadableDataset:
        return
    if dataset.rows is not None:
        assert len(rows) == dataset.rows


def test_claimed_rows_are_not_believed(tmp_path):
    path = write(tmp_path / "a.arrow", [pa.record_batch([pa.nulls(77)], ["x"])])
    (start, end), *_ = places(path)
    content = path.read_bytes()
    many = content[:start] + content[start:end].replace(
        (77).to_bytes(8, "little"), (1 << 60).to_bytes(8, "little")
    )
    path.write_bytes(many + content[end:])
    (row,) = rows_of(path)
    assert "claims" in row[UNREAD]


def test_streams_of_old_versions_are_read(tmp_path):
    path = write(tmp_path / "a.arrow", urls(10, 3), use_legacy_format=True)
    assert not path.read_bytes().startswith(b"\xff\xff\xff\xff")
    assert [row["url"] for row in rows_of(path)] == [f"u{n}" for n in range(10)]


def test_a_file_without_a_whole_end_is_read_as_a_stream(tmp_path):
    path = write(tmp_path / "a.arrow", urls(10, 3), "file")
    damage(path, path.stat().st_size - 12, b"\xff" * 12)
    assert [row["url"] for row in rows_of(path)] == [f"u{n}" for n in range(10)]


@pytest.mark.parametrize(
    ("content", "said", "hint"),
    [
        (b"", "empty", "get the file again"),
        (b"FEA1" + bytes(40) + b"FEA1", "Feather 1", "to_feather"),
        (b"ARROW1\0\0", "schema", "incomplete"),
        (b"ARROW1\0\0\xff\xff\xff\xff\x10\x00\x00\x00" + b"\xff" * 16, "cannot be read", "again"),
        (b"some text that is no Arrow", "cannot be read", "again"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, content, said, hint):
    path = tmp_path / "a.feather"
    path.write_bytes(content)
    with pytest.raises(UnreadableDataset, match=said) as caught:
        open_dataset([str(path)])
    assert hint in caught.value.hint
    write(tmp_path / "b.arrow", urls(2, 2))
    rows = rows_of(tmp_path)
    assert [row["url"] for row in rows] == [None, "u0", "u1"]
    assert "a.feather" in rows[0][UNREAD]


def test_two_columns_of_one_name_are_refused(tmp_path):
    batch = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], ["x", "x"])
    with pytest.raises(UnreadableDataset, match="named x"):
        open_dataset([str(write(tmp_path / "a.arrow", [batch]))])


def test_kept_rows_of_several_files(tmp_path):
    for name in ("x/a.arrow", "b.arrow"):
        write(tmp_path / "data" / name, urls(5, 2), "file", "lz4")
    (tmp_path / "data/c.arrow").write_bytes(b"ARROW1")
    dataset = open_dataset([str(tmp_path / "data")])
    assert [file.name for file in dataset.files] == ["b.arrow", "c.arrow", "a.arrow"]
    kept(dataset, tmp_path / "kept", lambda table, n: table and n % 2)
    files = sorted((tmp_path / "kept").rglob("*.arrow"))
    assert [str(file.relative_to(tmp_path / "kept")) for file in files] == ["b.arrow", "x/a.arrow"]
    found = [arrow_files.read(file).read_all()["url"].to_pylist() for file in files]
    assert found == [[], ["u1", "u3"]]
    kept(dataset, tmp_path / "one.arrow", lambda table, n: n == 1)
    assert arrow_files.read(tmp_path / "one.arrow").read_all()["url"].to_pylist() == ["u1", "u1"]


def test_files_that_do_not_fit_into_one(tmp_path):
    write(tmp_path / "data/a.arrow", urls(5, 2))
    write(tmp_path / "data/b.arrow", urls(5, 2, n=pa.array(range(5))))
    dataset = open_dataset([str(tmp_path / "data")])
    with pytest.raises(UsageError, match="different columns"):
        dataset.keeper(tmp_path / "one.arrow")
    with pytest.raises(UsageError, match="as Arrow") as caught:
        dataset.keeper(tmp_path / "one.csv")
    assert ".arrow" in caught.value.hint
    with pytest.raises(UsageError, match="dataset itself"):
        dataset.keeper(tmp_path / "data/a.arrow")


def test_an_abandoned_writer_leaves_nothing(tmp_path):
    write(tmp_path / "a.arrow", urls(5, 2))
    dataset = open_dataset([str(tmp_path / "a.arrow")])
    writer = dataset.keeper(tmp_path / "b.arrow")
    writer.write(next(dataset.chunks([*dataset.needed])).batch)
    writer.abandon()
    assert [path.name for path in tmp_path.iterdir()] == ["a.arrow"]


@given(st.binary(max_size=200), st.integers(0, 8))
def test_no_bytes_break_the_reading_of_messages(data, start):
    view = memoryview(b"\xff\xff\xff\xff" + len(data).to_bytes(4, "little") + data)
    try:
        message = message_at(view, start)
    except ValueError:
        return
    assert message is None or start < message.end <= len(view)

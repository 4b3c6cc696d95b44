"""Samples of tar files as rows: keys, columns, what has no column, what cannot be read."""

import gzip
import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tar_files import JPEG, member, shard, tar_bytes

from registry.datasets import open_dataset
from registry.datasets.hidden import MORE, RAW, UNREAD
from registry.datasets.tar import reading as tar_samples
from registry.datasets.tar import samples
from registry.datasets.tar import shards as tar_shards
from registry.errors import UnreadableDataset


def read(path, columns=None):
    dataset = open_dataset([str(path)])
    return [row for batch in dataset.batches(columns) for row in batch.to_pylist()]


def one(path, *members, columns=None):
    return read(shard(path / "0.tar", *members), columns)


def test_files_with_a_key_are_a_row(tmp_path):
    rows = one(
        tmp_path,
        ("x/1.jpg", JPEG),
        ("x/1.txt", "é".encode()),
        ("x/1.json", b'{"url": "https://a.example/1",\n "width": 3, "txt": "inner"}'),
        ("x/2.JPG", JPEG + b"2"),
    )
    assert rows == [
        {
            "__key__": "x/1",
            "jpg": JPEG,
            "txt": "é",
            "url": "https://a.example/1",
            "width": 3,
            "json.txt": "inner",
        },
        {
            "__key__": "x/2",
            "jpg": JPEG + b"2",
            "txt": None,
            "url": None,
            "width": None,
            "json.txt": None,
        },
    ]


def test_members_of_a_second_json_and_names_that_clash(tmp_path):
    rows = one(
        tmp_path,
        ("1.jpg", JPEG),
        ("1.a.json", b'{"url": "u", "jpg": "x", "__key__": "k", "optout:raw": "r"}'),
        ("1.b.json", b'{"url": "v", "z": {"deep": [1]}}'),
    )
    assert rows == [
        {
            "__key__": "1",
            "jpg": JPEG,
            "url": "u",
            "a.json.jpg": "x",
            "a.json.__key__": "k",
            "b.json.url": "v",
            MORE: rows[0][MORE],
        }
    ]
    assert json.loads(rows[0][MORE]) == {"optout:raw": "r", "z": {"deep": [1]}}


def test_what_the_first_samples_lack_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(tar_shards, "_FIRST", 1)
    rows = one(
        tmp_path,
        ("1.jpg", JPEG),
        ("1.json", b'{"a": 1}'),
        ("2.png", JPEG + b"2"),
        ("2.json", b'{"a": "text", "b": [1]}'),
        ("2.txt", b"words"),
        ("2.x.json", b'"https://a.example/2"'),
        ("3.jpg", JPEG + b"3"),
        ("3.gif", b"GIF8"),
        ("3.json", b"[4]"),
    )
    assert [row["jpg"] for row in rows] == [JPEG, JPEG + b"2", JPEG + b"3"]
    assert [row["a"] for row in rows] == [1, None, None]
    assert json.loads(rows[1][MORE]) == {
        **{"a": "text", "b": [1], "txt": "words"},
        "x.json": "https://a.example/2",
    }
    assert json.loads(rows[2][MORE]) == {"json": [4]}
    assert [row[UNREAD] for row in rows] == [
        *(None, None, "a picture more than the first samples have"),
    ]


BROKEN = {
    "2.json": (b'{"a": ', "json: not JSON"),
    "2.txt": (b"\xff", "not UTF-8"),
    "2.pyd": (b"x", ".pyd is not read and may hold a picture"),
    "2.csv": (b"url\n", ".csv is not read"),
    "2.mp4": (b"x", ".mp4 is not read"),
    "2.dat": (b"\0\1", ".dat is not read"),
    "2.json.gz": (b"x", ".json.gz is not read"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_a_reason_of_its_row_alone(tmp_path, name):
    content, why = BROKEN[name]
    files = [("1.jpg", JPEG), ("1.json", b'{"a": "1"}'), ("1.txt", b"x"), ("2.jpg", JPEG)]
    rows = one(tmp_path, *files, (name, content), ("3.jpg", JPEG), ("3.json", b'{"a": "3"}'))
    assert [row["__key__"] for row in rows] == ["1", "2", "3"]
    assert [row["a"] for row in rows] == ["1", None, "3"]
    assert rows[1][UNREAD].startswith(why)
    assert rows[0][UNREAD] is rows[2][UNREAD] is None
    # The reason does not depend on the columns that are read.
    assert [row[UNREAD] for row in read(tmp_path / "0.tar", ["__key__"])] == [
        row[UNREAD] for row in rows
    ]


def test_a_text_that_is_no_json_is_searched(tmp_path):
    rows = one(tmp_path, ("1.json", b'{"a": 1}'), ("2.json", b"https://a.example/1.jpg"))
    assert json.loads(rows[1][MORE]) == {"json": "https://a.example/1.jpg"}


def test_links_and_sparse_files_are_reasons_and_folders_are_passed_over(tmp_path):
    (tmp_path / "0.tar").write_bytes(
        tar_bytes(
            [
                member("x", type=tarfile.DIRTYPE),
                ("x/1.jpg", JPEG),
                member("x/y.jpg", type=tarfile.FIFOTYPE),
                ("x/1.txt", b"a"),
                member("x/2.jpg", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
                member("x/3.jpg", type=tarfile.LNKTYPE, linkname="x/1.jpg"),
                member("x/4.jpg", type=tarfile.CHRTYPE),
            ]
        )
    )
    rows = read(tmp_path / "0.tar")
    assert [(row["__key__"], row["jpg"], row[UNREAD]) for row in rows] == [
        ("x/1", JPEG, None),
        ("x/2", None, ".jpg is a link"),
        ("x/3", None, ".jpg is a link"),
    ]


def test_keys_that_occur_again(tmp_path):
    rows = one(
        tmp_path,
        *[("1.jpg", JPEG), ("1.jpg", JPEG + b"2"), ("2.jpg", JPEG)],
        *[("1.json", b'{"url": "u"}'), ("3.jpg", JPEG)],
    )
    assert [row["__key__"] for row in rows] == ["1", "1", "2", "1", "3"]
    assert [bool(row[UNREAD]) for row in rows] == [False, False, False, True, False]
    assert "earlier" in rows[3][UNREAD]


def test_files_without_a_key_count_only_if_they_are_pictures(tmp_path):
    files = [("README", b"https://a.example/1.jpg"), ("x/._1.jpg", b"\0\5\x16\7"), ("x/1", JPEG)]
    rows = one(tmp_path, *files, ("__meta__.json", b"{}"), (".hidden.png", JPEG + b"2"))
    assert [(row["__key__"], row["image"]) for row in rows] == [
        ("x/1", JPEG),
        (".hidden.png", JPEG + b"2"),
    ]


def test_a_file_over_the_limit_is_a_reason(tmp_path, monkeypatch):
    for name, large in (("2.jpg", JPEG * 100), ("2.txt", b"x" * 2000)):
        files = [("1.jpg", JPEG), ("1.txt", b"a"), (name, large), ("3.jpg", JPEG)]
        (tmp_path / "0.tar").write_bytes(tar_bytes(files))
        with monkeypatch.context() as patch:
            patch.setattr(tar_samples, "WHOLE_LIMIT", 1500)
            patch.setattr(tar_samples, "LONGEST_ROW", 1500)
            for columns in (None, ["__key__", "jpg"], ["__key__"], ["__key__", "jpg", RAW]):
                rows = read(tmp_path / "0.tar", columns)
                assert [bool(row[UNREAD]) for row in rows] == [False, True, False]
                assert rows[1].get("jpg") is rows[1].get("txt") is None


def test_a_huge_size_needs_no_memory(tmp_path):
    info = member("2.jpg")[0]
    info.size = 300 << 30
    head = info.tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "0.tar").write_bytes(tar_bytes([("1.jpg", JPEG)])[:1024] + head + JPEG)
    rows = read(tmp_path / "0.tar")
    assert [row["jpg"] for row in rows] == [JPEG, None, None]
    assert "more than" in rows[1][UNREAD]
    assert "cut off" in rows[2][UNREAD]


CUT = tar_bytes([("1.jpg", JPEG), ("1.txt", b"a"), ("2.jpg", JPEG), ("2.txt", b"b")])


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("end", range(1, 4096, 96))
def test_a_file_that_is_cut_off_has_a_row_for_the_rest(tmp_path, pack, end):
    path = tmp_path / "0.tar"
    path.write_bytes(pack(CUT)[:-60] if pack is gzip.compress else CUT[:end])
    if pack is bytes and end <= 512:
        with pytest.raises(UnreadableDataset, match="cut off"):
            read(path)
        return
    rows = read(path)
    whole = [row["__key__"] for row in rows if not row.get(UNREAD)]
    assert whole == ["1", "2"][: len(whole)]
    assert len(whole) <= max((end - 1) // 2048, 0)
    assert rows[-1][UNREAD]


def test_a_damaged_part_is_a_row_and_its_neighbours_have_the_reason(tmp_path):
    data = bytearray(tar_bytes([(f"{n}.jpg", JPEG) for n in range(5)]))
    data[2 * 1024 : 2 * 1024 + 512] = b"?" * 512
    (tmp_path / "0.tar").write_bytes(data)
    rows = read(tmp_path / "0.tar")
    assert [row["__key__"] for row in rows] == ["0", "1", None, "3", "4"]
    assert [bool(row[UNREAD]) for row in rows] == [False, True, True, True, False]
    assert "damaged at byte 2,048" in rows[2][UNREAD]


@given(st.lists(st.tuples(st.sampled_from("123"), st.sampled_from(["jpg", "txt", "json", "dat"]))))
def test_every_file_is_in_one_row(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("files")
    content = {"jpg": JPEG, "txt": b"x", "json": b'{"a": 1}', "dat": b"words"}
    files = [("0.jpg", JPEG), *((f"{key}.{ending}", content[ending]) for key, ending in names)]
    rows = one(folder, *files)
    held = sum(
        sum(row.get(name) is not None for name in ("jpg", "txt", "a", "dat")) for row in rows
    )
    assert held == len(files)
    for first in range(len(rows) + 1):
        (table,) = open_dataset([str(folder)]).tables
        assert sum(map(len, table.batches(["__key__"], first))) == len(rows) - first


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_the_size_of_batches_changes_nothing(tmp_path, monkeypatch, rows):
    files = [(f"{n}.jpg", JPEG * n) for n in range(1, 7)]
    whole = one(tmp_path, *files)
    monkeypatch.setattr(samples, "_PICTURE_ROWS", rows)
    batches = list(open_dataset([str(tmp_path)]).batches())
    assert max(map(len, batches)) <= rows
    assert [row for batch in batches for row in batch.to_pylist()] == whole


def test_shards_share_the_columns_of_the_first_that_can_be_read(tmp_path):
    (tmp_path / "0.tar").write_bytes(b"not a tar file")
    (tmp_path / "1.tar").write_bytes(tar_bytes([]))
    shard(tmp_path / "2.tar", ("a.jpg", JPEG), ("a.json", b'{"u": 1}'))
    shard(tmp_path / "3.tar", ("b.json", b'{"u": "text"}'))
    (tmp_path / "4.tar").write_bytes(b"")
    rows = read(tmp_path)
    assert [row["__key__"] for row in rows] == [None, "a", "b", None]
    assert "0.tar" in rows[0][UNREAD] or "cut off" in rows[0][UNREAD]
    assert json.loads(rows[2][MORE]) == {"u": "text"}
    assert rows[3][UNREAD]
    for name in ("0", "1", "4"):
        with pytest.raises(UnreadableDataset):
            open_dataset([str(tmp_path / f"{name}.tar")])


def test_a_file_of_other_things_is_refused_with_a_hint(tmp_path):
    path = shard(tmp_path / "0.tar", ("a.csv", b"url\n"), ("b.parquet", b"PAR1"))
    with pytest.raises(UnreadableDataset, match=r"\.csv, \.parquet") as caught:
        open_dataset([str(path)])
    assert "unpack" in caught.value.hint


def test_a_table_within_a_shard_may_be_about_all_of_its_pictures(tmp_path):
    path = shard(tmp_path / "0.tar", ("a.jpg", JPEG), ("metadata.csv", b"file_name,url\n"))
    (left,) = open_dataset([str(path)]).left_out
    assert left.reason == "metadata-left-out"


def test_a_key_that_is_not_text_is_shown(tmp_path):
    info = member("x.jpg", JPEG)[0]
    info.name = "\udcff\n.jpg"
    (tmp_path / "0.tar").write_bytes(tar_bytes([(info, JPEG)]))
    assert read(tmp_path / "0.tar")[0]["__key__"] == "\\xff\n"


def test_the_last_sample_of_a_file_without_an_end_is_in_doubt(tmp_path):
    data = tar_bytes([("1.jpg", JPEG), ("2.jpg", JPEG)])
    (tmp_path / "0.tar").write_bytes(data[:2048])
    rows = read(tmp_path / "0.tar")
    assert [row[UNREAD] for row in rows] == [None, tar_samples.NO_END]
    (tmp_path / "0.tar").write_bytes(data[: 2048 + 512])
    assert UNREAD not in read(tmp_path / "0.tar")[1]


@pytest.mark.parametrize("depth", [50, 600, 100_000])
@pytest.mark.parametrize("place", [0, 1])
def test_deep_json_is_a_reason_of_its_row(tmp_path, depth, place):
    # Arrow's parser ends the process for the deepest.
    deep = b'{"a": ' + b"[\n" * depth + b"]" * depth + b"}"
    texts = [b'{"u": "https://a.example"}', deep]
    files = [(f"{n}.json", text) for n, text in enumerate(texts[::-1] if place else texts)]
    rows = one(tmp_path, *files)
    assert [row["u"] for row in rows].count("https://a.example") == 1
    reasons = [row.get(UNREAD) for row in rows]
    assert reasons.count("json: nested too deeply") == (depth > 100)
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(text.replace(b"\n", b"") for text in texts))
    assert len(read(tmp_path / "a.jsonl")) == 2


def test_names_that_are_no_unicode_are_in_no_column(tmp_path):
    rows = one(tmp_path, ("1.json", b'{"\\ud800": "https://a.example/1", "u": 1}'))
    assert rows[0]["u"] == 1
    assert "https://a.example/1" in rows[0][MORE]


@pytest.mark.parametrize("name", ["2.txt", "2.json", "2.dat"])
@pytest.mark.parametrize("content", [JPEG, b"PK\3\4...", b"PAR1\0"])
def test_a_text_that_may_hold_pictures_is_said(tmp_path, name, content):
    shard(
        tmp_path / "0.tar", ("1.jpg", JPEG), ("1.txt", b"words"), ("2.jpg", JPEG), (name, content)
    )
    said = [row.get(UNREAD) for row in read(tmp_path / "0.tar")]
    assert said[0] is None
    # A picture without the ending of one is another picture of the sample.
    assert ("may hold a picture" in str(said[1])) != (content == JPEG and name == "2.dat")


def test_a_name_that_leads_out_of_the_folder_is_said(tmp_path):
    names = ("../a.jpg", "/b.jpg", "c/./d.jpg")
    shard(tmp_path / "0.tar", *((name, JPEG) for name in names))
    said = [row.get(UNREAD) or "" for row in read(tmp_path / "0.tar")]
    assert ["leads out of the folder" in text for text in said] == [True, True, False]

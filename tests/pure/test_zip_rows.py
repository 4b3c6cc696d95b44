"""Pictures of zip archives as rows: what is said of them, what is not read, what is kept."""

import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tar_files import JPEG, member, tar_bytes
from zip_files import written, zip_bytes

from registry.datasets import open_dataset
from registry.datasets.hidden import MORE, RAW, UNREAD
from registry.datasets.zip.metadata import metadata_of
from registry.errors import UnreadableDataset, UsageError

PICTURES = {"x/1.jpg": JPEG + b"1", "x/2.png": JPEG + b"2", "3.jpg": JPEG + b"3"}
SAID = {"1.jpg": {"p": "é\u2028,", "n": 1}, "2.png": {"p": None, "n": 2}, "3": {"p": "", "n": 3}}
LIST = [{"name": name, **values} for name, values in SAID.items()]
METADATA = {
    "m.json": json.dumps(SAID),
    "n.json": json.dumps(SAID, indent=2, ensure_ascii=False),
    "o.json": json.dumps(LIST),
    "p.jsonl": "\n".join(map(json.dumps, LIST)),
    "q.csv": '\ufefffile,p,n\n1.jpg,"é\u2028,",1\nx/2.png,,2\r\n.\\3.jpg,,3\n',
    "r.tsv": "p\tn\tpath\né\u2028,\t1\t./x/1.jpg\n\t2\t2.png\n\t3\t3\n",
}


def read(path, columns=None):
    dataset = open_dataset([str(path)])
    return [row for batch in dataset.batches(columns) for row in batch.to_pylist()]


@pytest.mark.parametrize("name", METADATA)
def test_metadata_is_joined_by_the_names_of_files(tmp_path, name):
    content = METADATA[name].encode()
    path = written(tmp_path / "a.zip", {**PICTURES, f"x/{name}": content})
    rows = read(path)
    assert [(row["file"], row["image"]) for row in rows] == list(PICTURES.items())
    assert [row["p"] or None for row in rows] == ["é\u2028,", None, None]
    assert [int(row["n"]) for row in rows] == [1, 2, 3]
    assert UNREAD not in rows[0]


def find(name):
    return name if name.endswith(".jpg") else None


NAME = st.sampled_from(["1.jpg", "2.jpg", "3.jpg", "none"])
VALUE = st.one_of(st.none(), st.integers(), st.text(max_size=4), st.lists(st.integers()))
ROW = st.dictionaries(st.text(max_size=3).filter(lambda key: key != "f"), VALUE, max_size=3)


@given(
    st.lists(st.tuples(NAME, ROW), min_size=1, max_size=6),
    st.sets(NAME),
    st.sampled_from(["json", "list", "jsonl"]),
    st.sampled_from([None, 0, 2]),
)
def test_kept_metadata_are_the_rows_of_kept_pictures(pairs, names, kind, indent):
    if kind == "json":
        rows = dict(pairs)
        kept = {name: row for name, row in rows.items() if name in names and find(name)}
        content, expected = json.dumps(rows, indent=indent), kept
    else:
        rows = [{"f": name, **row} for name, row in pairs]
        expected = [row for row in rows if row["f"] in names and find(row["f"])]
        as_lines = "\n".join(map(json.dumps, rows))
        content = json.dumps(rows, indent=indent) if kind == "list" else as_lines
    ending = "jsonl" if kind == "jsonl" else "json"
    metadata = metadata_of(content.encode(), ending, find)
    if metadata is None:
        assert not any(find(name) for name, _ in pairs)
        return
    text = metadata.kept(names).decode()
    read_again = [*map(json.loads, text.splitlines())] if kind == "jsonl" else json.loads(text)
    assert read_again == expected
    everything = metadata.kept({name for name, _ in pairs})
    if all(find(name) for name, _ in pairs):
        assert everything.decode() == content


def test_rows_of_csv_are_kept_as_they_are():
    content = b'a;f\r\n"x;\n1";1.jpg\r\n2;2.jpg\r\n3;none\r\n'
    metadata = metadata_of(content, "csv", find)
    assert metadata.strays == 1
    assert metadata.kept({"1.jpg"}) == b'a;f\r\n"x;\n1";1.jpg\r\n'
    assert json.loads(metadata.said["1.jpg"]) == {"a": "x;\n1", "f": "1.jpg"}


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        (b"", "json"),
        (b"{}", "json"),
        (b"[]", "json"),
        (b'"1.jpg"', "json"),
        (b'{"1.jpg": ', "json"),
        (b'{"a": 1}', "json"),
        (b"[" * 3000 + b"]" * 3000, "json"),
        (b"{\n" * 3000, "json"),
        (b"\xff\xfe", "json"),
        (b"\xff\n{}", "jsonl"),
        (b"", "csv"),
        (b"1.jpg\n", "csv"),
        (b"a,b\n1,2\n", "csv"),
        (b"\0\1", "tsv"),
    ],
)
def test_other_files_say_nothing_of_pictures(content, ending):
    assert metadata_of(content, ending, find) is None


def test_several_rows_of_one_picture_are_all_searched(tmp_path):
    lines = [{"f": "1.jpg", "u": "https://a.example/1"}, {"f": "1.jpg", "u": "b"}]
    content = "\n".join(map(json.dumps, lines)).encode()
    (row,) = read(written(tmp_path / "a.zip", {"1.jpg": JPEG, "m.jsonl": content}))
    assert json.loads(row[MORE]) == {"metadata": lines}


def test_files_beside_a_picture_are_about_it(tmp_path):
    files = {"a/1.jpg": JPEG, "a/1.txt": b"one", "a/1.json": b'{"url": "u1"}', "2.jpg": JPEG}
    files |= {"2.jpg.caption": b"two", "2.jpg.json": b"no json", "3.gif": JPEG, "3.txt": b"\xff"}
    rows = read(written(tmp_path / "a.zip", files))
    assert [row["txt"] for row in rows] == ["one", None, "\ufffd"]
    assert [row["caption"] for row in rows] == [None, "two", None]
    assert [row["url"] for row in rows] == ["u1", None, None]
    assert [row[UNREAD] and row[UNREAD].partition(":")[0] for row in rows] == [
        *(None, "json", "not UTF-8"),
    ]


def test_a_picture_without_metadata_counts_if_names_may_be_others(tmp_path):
    whole = {"1.jpg": {"p": "a"}}
    rows = read(
        written(
            tmp_path / "a.zip", {"1.jpg": JPEG, "2.jpg": JPEG, "m.json": json.dumps(whole).encode()}
        )
    )
    assert [row.get(UNREAD) for row in rows] == [None, None]
    other = json.dumps({**whole, "two.jpg": {}}).encode()
    rows = read(written(tmp_path / "a.zip", {"1.jpg": JPEG, "2.jpg": JPEG, "m.json": other}))
    assert [bool(row[UNREAD]) for row in rows] == [False, True]


PROBLEMS = {
    "urls.txt": b"https://a.example/1.jpg",
    "sums.dat": b"5d" * 32,
    "m.parquet": b"PAR1",
    "m.csv.gz": b"\x1f\x8b",
    "m.csv": b"id,url\n7,https://a.example/7.jpg",
    "m.json": b'{"other": {"url": "https://a.example/7.jpg"}}',
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_may_be_about_the_pictures_is_a_reason(tmp_path, name):
    rows = read(written(tmp_path / "a.zip", {"1.jpg": JPEG, f"x/{name}": PROBLEMS[name]}))
    assert f"x/{name} is not read" in rows[0][UNREAD]


def test_other_files_change_nothing(tmp_path):
    files = {"README.md": b"https://a.example", "v.npy": npy(np.zeros(3)), "notes.txt": b"words"}
    files |= {"__MACOSX/._1.jpg": b"\0\5\x16\7", "dir/": b"", ".DS_Store": b"\0", "x.bin": b"\0"}
    rows = read(written(tmp_path / "a.zip", {"1.jpg": JPEG, "y": JPEG, **files}))
    assert rows == [{"file": "1.jpg", "image": JPEG}, {"file": "y", "image": JPEG}]


def test_what_cannot_be_read_is_a_row_with_the_reason(tmp_path):
    data = zip_bytes({"1.jpg": JPEG, "2.jpg": JPEG * 9, "../3.jpg": JPEG})
    path = tmp_path / "a.zip"
    path.write_bytes(data.replace(JPEG * 9, JPEG * 8 + b"?" * len(JPEG)))
    rows = read(path)
    assert [row["image"] for row in rows] == [JPEG, None, JPEG]
    assert "sum is wrong" in rows[1][UNREAD]
    assert "leads out" in rows[2][UNREAD]
    path.write_bytes(data[: data.find(b"PK\1\2")])
    rows = read(path)
    assert [row["file"] for row in rows] == ["1.jpg", "2.jpg", "../3.jpg", None]
    assert "directory" in rows[3][UNREAD]


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_what_may_hold_pictures_is_a_row_with_the_reason(tmp_path):
    inner = zip_bytes({"2.jpg": JPEG})
    files = {"1.jpg": JPEG, "x/in.zip": inner, "y.tar.gz": b"\x1f\x8b", "z.npz": inner}
    files |= {"f.mp4": b"x", "v.npy": npy(np.zeros((2, 8, 8), np.uint8))}
    # By their first bytes, whatever their names.
    files |= {"in.bin": inner, "more/pictures": tar_bytes([member("1.jpg", JPEG)])}
    files |= {"r.part1": b"Rar!\x1a\7", "t.dat": b"PAR1", "res.txt": JPEG, "m.json": JPEG}
    path = written(tmp_path / "a.zip", files)
    rows = read(path)
    assert [row["file"] for row in rows] == list(files)
    assert [row.get(UNREAD) for row in rows] == [
        None,
        *(f"{name} is not read and may hold pictures" for name in [*files][1:]),
    ]
    keeper = open_dataset([str(path)]).keeper(tmp_path / "kept.zip")
    for batch in open_dataset([str(path)]).batches(["file", RAW]):
        keeper.write(batch, 0)
    keeper.close()
    assert [row["file"] for row in read(tmp_path / "kept.zip")] == ["1.jpg"]


def test_archives_share_the_columns_of_the_first(tmp_path):
    (tmp_path / "0.zip").write_bytes(b"PK\3\4 no zip")
    written(tmp_path / "1.zip", {"1.jpg": JPEG, "m.json": b'{"1.jpg": {"a": 1}}'})
    written(tmp_path / "2.zip", {"2.jpg": JPEG, "m.json": b'{"2.jpg": {"b": 2}}'})
    written(tmp_path / "3.zip", {"m.csv": b"url\n"})
    written(tmp_path / "4.zip", {})
    rows = read(tmp_path)
    assert [row["file"] for row in rows] == [None, "1.jpg", "2.jpg", None]
    assert json.loads(rows[2][MORE]) == {"b": 2}
    assert rows[3][UNREAD] == "the zip file holds no pictures"
    for name, why in (
        ("0", "directory"),
        ("3", r"no pictures, but other files \(\.csv"),
        ("4", "no files"),
    ):
        with pytest.raises(UnreadableDataset, match=why):
            open_dataset([str(tmp_path / f"{name}.zip")])


@pytest.mark.parametrize("name", ["a.npz", "a.xlsx", "a.docx"])
def test_files_of_other_formats_are_no_archives_of_pictures(tmp_path, name):
    written(tmp_path / name, {"xl/media/image1.png": JPEG})
    with pytest.raises(UnreadableDataset, match="no format"):
        open_dataset([str(tmp_path / name)])


def kept(dataset, out, names):
    writer = dataset.keeper(out)
    for chunk in dataset.chunks([*dataset.needed]):
        mask = [name in names for name in chunk.batch.column("file").to_pylist()]
        writer.write(chunk.batch.filter(mask), chunk.table)
    assert not out.exists()
    writer.close()


def in_zip(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


@given(
    st.sets(st.sampled_from(sorted(PICTURES))),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    st.fixed_dictionaries({"unseekable": st.booleans(), "zip64": st.booleans()}),
)
def test_kept_pictures_are_packed_as_they_are(tmp_path_factory, names, method, options):
    folder = tmp_path_factory.mktemp("kept")
    beside = {"x/1.txt": b"one", "3.json": b'{"u": 1}', "README": b"words", "x/v.npy": b"\x93NUMPY"}
    said = json.dumps(SAID, indent=1)
    files = {**PICTURES, **beside, "m.json": said.encode()}
    path = written(folder / "a.zip", files, method, **options)
    out = folder / "kept.zip"
    kept(open_dataset([str(path)]), out, names)
    content = in_zip(out)
    expected = {name: PICTURES[name] for name in names} | {"README": b"words"}
    expected |= {"x/1.txt": b"one"} if "x/1.jpg" in names else {}
    expected |= {"3.json": b'{"u": 1}'} if "3.jpg" in names else {}
    rows = json.loads(content.pop("m.json"))
    assert content == expected
    assert rows.keys() == {key for key in SAID if any(key in name for name in names)}
    if names:
        assert {row["file"] for row in read(out)} == names
    with zipfile.ZipFile(path) as given_, zipfile.ZipFile(out) as written_:
        for name in names:
            ours, theirs = written_.getinfo(name), given_.getinfo(name)
            assert (ours.date_time, ours.compress_type, ours.CRC, ours.external_attr) == (
                *(theirs.date_time, theirs.compress_type, theirs.CRC, theirs.external_attr),
            )


def test_kept_pictures_of_several_archives_are_a_folder(tmp_path):
    for number in range(2):
        written(tmp_path / f"data/{number}.zip", {"1.jpg": JPEG, "2.jpg": JPEG * 2})
    (tmp_path / "data/2.zip").write_bytes(b"")
    dataset = open_dataset([str(tmp_path / "data")])
    kept(dataset, tmp_path / "kept", {"2.jpg"})
    assert in_zip(tmp_path / "kept/0.zip") == in_zip(tmp_path / "kept/1.zip") == {"2.jpg": JPEG * 2}
    assert in_zip(tmp_path / "kept/2.zip") == {}
    for name in ("all.zip", "all.csv"):
        with pytest.raises(UsageError):
            dataset.keeper(tmp_path / name)
    writer = dataset.keeper(tmp_path / "gone")
    writer.write(next(dataset.batches([*dataset.needed])))
    writer.abandon()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "kept"]


def test_damaged_pictures_are_not_written(tmp_path):
    data = zip_bytes({"1.jpg": JPEG, "2.jpg": JPEG * 2})
    (tmp_path / "a.zip").write_bytes(b"?" * 4 + data[4:])
    dataset = open_dataset([str(tmp_path / "a.zip")])
    assert next(dataset.batches(["image", RAW])).column(UNREAD).null_count == 1
    kept(dataset, tmp_path / "kept.zip", {"1.jpg", "2.jpg"})
    assert in_zip(tmp_path / "kept.zip") == {"2.jpg": JPEG * 2}
    assert in_zip(io.BytesIO((tmp_path / "kept.zip").read_bytes()))


def test_a_name_that_two_pictures_have_is_of_none(tmp_path):
    said = b'{"1.jpg": {"p": "a"}, "x/2.jpg": {"p": "b"}}'
    files = {"x/1.jpg": JPEG, "y/1.jpg": JPEG, "x/2.jpg": JPEG, "y/2.jpg": JPEG, "m.json": said}
    rows = read(written(tmp_path / "a.zip", files))
    assert [row["p"] for row in rows] == [None, None, "b", None]
    assert [bool(row[UNREAD]) for row in rows] == [True, True, False, True]


def test_a_file_beside_two_pictures_is_written_once(tmp_path):
    files = {"1.jpg": JPEG, "1.png": JPEG, "1.txt": b"one"}
    dataset = open_dataset([str(written(tmp_path / "a.zip", files))])
    kept(dataset, tmp_path / "kept.zip", {"1.jpg", "1.png"})
    with zipfile.ZipFile(tmp_path / "kept.zip") as archive:
        assert sorted(archive.namelist()) == sorted(files)

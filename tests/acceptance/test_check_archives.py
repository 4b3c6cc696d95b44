"""`registry check` of tar and zip archives: answers, kept rows, standard input, what is said."""

import gzip
import json
import subprocess
import zipfile

import pyarrow.parquet as pq
from checking import MARKED, REGISTRY, check, picture, said_in_one_line, snapshot  # noqa: F401
from tar_files import names_in, shard, tar_bytes

FREE = "https://free.example/9.jpg"


def said(url):
    return json.dumps({"url": url, "caption": "a cat"}, indent=4).encode()


def samples(content):
    """Return samples of known answers: by picture, clear, by URL, damaged."""
    noise = b"\x89PNG\r\n\x1a\n broken"
    return [
        *[("1.jpg", content), ("1.json", said(FREE)), ("2.txt", b"a cat"), ("2.json", said(FREE))],
        *[("3.png", noise), ("3.json", said(MARKED)), ("4.png", noise), ("4.json", b"{")],
    ]


def test_shards_in_braces_and_what_is_kept_of_them(tmp_path, snapshot, picture):  # noqa: F811
    content = samples(picture.read_bytes())
    shard(tmp_path / "data/0.tar", *content)
    shard(tmp_path / "data/2.tar", *content[2:4])
    out, kept = tmp_path / "rows.parquet", tmp_path / "kept"
    pattern = tmp_path / "data/{0..2}.tar"
    done = check(pattern, "--out", out, "--json", snapshot=snapshot)
    assert done.returncode == 1, done.stderr
    answers = pq.read_table(out).to_pylist()
    assert [row["optout_outcome"] for row in answers] == [
        *("reserved", "clear", "reserved", "unchecked", "unchecked", "clear"),
    ]
    assert answers[3]["optout_reason"].startswith("row-not-read: json: not JSON")
    assert "1.tar" in answers[4]["optout_reason"]
    assert json.loads(done.stdout)["format"] == "webdataset"
    done = check(pattern, "--keep", "clear", "--out", kept, snapshot=snapshot)
    assert done.returncode == 1, done.stderr
    assert names_in(kept / "0.tar") == ["2.txt", "2.json"]
    assert (kept / "2.tar").read_bytes() == (tmp_path / "data/2.tar").read_bytes()


def test_a_tar_file_from_standard_input(tmp_path, snapshot, picture):  # noqa: F811
    packed = gzip.compress(tar_bytes(samples(picture.read_bytes())))
    out = tmp_path / "kept.tar.gz"
    command = [REGISTRY, "check", "-", "--keep", "reserved", "--out", out, "--snapshot", snapshot]
    done = subprocess.run(command, input=packed, capture_output=True, check=False)
    assert done.returncode == 1, done.stderr
    assert names_in(out) == ["1.jpg", "1.json", "3.png", "3.json"]


def test_an_archive_of_pictures_with_metadata(tmp_path, snapshot, picture):  # noqa: F811
    path = tmp_path / "part-000001.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", picture.read_bytes())
        archive.writestr("b.png", b"\x89PNG\r\n\x1a\n broken")
        archive.writestr("part-000001.json", json.dumps({"b.png": {"url": MARKED}, "a.jpg": {}}))
    done = check(path, "--keep", "reserved", "--out", tmp_path / "kept.zip", snapshot=snapshot)
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "kept.zip").exists()
    with zipfile.ZipFile(tmp_path / "kept.zip") as archive:
        assert archive.namelist() == ["a.jpg", "b.png", "part-000001.json"]
    done = check(path, "--keep", "clear", "--out", tmp_path / "none.zip", snapshot=snapshot)
    with zipfile.ZipFile(tmp_path / "none.zip") as archive:
        assert archive.namelist() == ["part-000001.json"]


def test_archives_of_other_files_are_refused_with_a_hint(tmp_path, snapshot):  # noqa: F811
    path = shard(tmp_path / "a.tar", ("a.csv", b"url\n"))
    said_in_one_line(check(path, snapshot=snapshot), 4, "no pictures, texts or JSON", "unpack it")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", "url\n")
    said_in_one_line(check(tmp_path / "a.zip", snapshot=snapshot), 4, "no pictures", "unpack it")
    path = tmp_path / "{0..9}.tar"
    said_in_one_line(check(path, snapshot=snapshot), 4, "does not exist")

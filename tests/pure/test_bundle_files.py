"""The zip file of a bundle: read as it was written, refused in any other form."""

import json
import random
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bundled import HTML, digest, made

from registry.bundles.content import Piece, from_json, to_json
from registry.bundles.files import EVIDENCE, LIMITS, README, read_bundle, write_bundle
from registry.bundles.readme import readme
from registry.errors import UnreadableInput


def test_evidence_json_is_read_as_it_is_written():
    bundle, _ = made()
    assert from_json(to_json(bundle), "b.zip") == bundle
    odd = replace(HTML, text="\ud800\0\U0010ffff é")
    odd_bundle = replace(bundle, evidence=(Piece(digest(odd), odd),))
    assert from_json(to_json(odd_bundle), "b.zip") == odd_bundle


def edited(edit: Callable[[dict], None]) -> str:
    value = json.loads(to_json(made()[0]))
    edit(value)
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        to_json(made()[0]).replace("\n", ""),
        to_json(made()[0]).replace('"format": 1', '"format": 1, "format": 1'),
        edited(lambda v: v.update(format="1")),
        edited(lambda v: v.update(format=True)),
        edited(lambda v: v.update(format=0)),
        edited(lambda v: v.update(marks=[])),
        edited(lambda v: v.update(records=[])),
        edited(lambda v: v.update(made_at="yesterday")),
        edited(lambda v: v.update(made_at="0001-01-01T00:00:00+14:00")),
        edited(lambda v: v["records"].append(v["records"][0])),
        edited(lambda v: v["records"][0].update(record="claim:1")),
        edited(lambda v: v["records"][0].update(record="observation:07")),
        edited(lambda v: v["records"][0].update(again=-1)),
        edited(lambda v: v["records"][0].update(digest="AB" * 32)),
        edited(lambda v: v["records"][0]["fields"].update(meaning="allowed")),
        edited(lambda v: v["records"][0]["fields"].pop("relation")),
        edited(lambda v: v["records"][0]["fields"].update(status=True)),
        edited(lambda v: v["records"][0]["fields"].update(evidence="ab")),
        edited(lambda v: v["records"][0]["fields"].update(observed_at="2026-11-01T12:00:00")),
        edited(lambda v: v["evidence"].append(v["evidence"][0])),
        edited(lambda v: v["evidence"][0].update(about="all")),
        edited(lambda v: v["evidence"][0].update(lines=[["a"]])),
        edited(lambda v: v["evidence"][0]["warc"].update(offset="0")),
    ],
)
def test_evidence_json_in_another_form_is_refused(text: str):
    with pytest.raises(UnreadableInput, match=r"b\.zip") as caught:
        from_json(text, "b.zip")
    assert "\n" not in caught.value.message


def test_a_later_format_says_to_upgrade():
    with pytest.raises(UnreadableInput, match="newer") as caught:
        from_json('{"format": 2}', "b.zip")
    assert "install a newer" in caught.value.hint


def test_a_bundle_is_read_as_it_was_written(tmp_path: Path):
    bundle, warc = made()
    for name in ("one.zip", "two.zip"):
        write_bundle(tmp_path / name, bundle, warc)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    opened = read_bundle(tmp_path / "one.zip")
    assert (opened.bundle, opened.readme, opened.warc) == (bundle, readme(bundle), warc)
    write_bundle(tmp_path / "one.zip", bundle, b"")
    assert read_bundle(tmp_path / "one.zip").warc is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.zip", "two.zip"]


def zipped(path: Path, files: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as folder:
        for name, content in files:
            folder.writestr(name, content)
    return path


GOOD = [(README, b"x"), (EVIDENCE, to_json(made()[0]).encode())]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "files",
    [
        [],
        GOOD[:1],
        GOOD[1:],
        [*GOOD, GOOD[1]],
        [*GOOD, ("more.txt", b"")],
        [*GOOD, ("../evidence.warc.gz", b"")],
        [*GOOD, ("/etc/passwd", b"")],
        [*GOOD, ("evidence.warc.gz/", b"")],
        [GOOD[0], (EVIDENCE.upper(), b"{}")],
        [(README, b"\xff"), GOOD[1]],
        [GOOD[0], (EVIDENCE, b"\xff")],
        [(README, bytes(LIMITS[README] + 1)), GOOD[1]],
        [GOOD[0], (EVIDENCE, b" " * (LIMITS[EVIDENCE] + 1))],
    ],
)
def test_a_zip_with_other_files_is_refused(tmp_path: Path, files: list[tuple[str, bytes]]):
    path = zipped(tmp_path / "b.zip", files)
    with pytest.raises(UnreadableInput, match=r"b\.zip") as caught:
        read_bundle(path)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_huge_file_is_refused_unread(tmp_path: Path):
    with (tmp_path / "b.zip").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UnreadableInput, match="larger than a bundle"):
        read_bundle(tmp_path / "b.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_is_refused(tmp_path: Path, method: int):
    with pytest.raises(UnreadableInput, match="another way"):
        read_bundle(zipped(tmp_path / "b.zip", GOOD, method))


def test_a_size_that_lies_is_no_way_past_the_limit(tmp_path: Path):
    """The directory says that a large file is small."""
    large = b" " * (LIMITS[README] * 2)
    path = zipped(tmp_path / "b.zip", [(README, large), GOOD[1]])
    content = path.read_bytes().replace(struct.pack("<L", len(large)), struct.pack("<L", 10))
    path.write_bytes(content)
    with pytest.raises(UnreadableInput):
        read_bundle(path)


@pytest.mark.parametrize("seed", range(60))
def test_a_flip_anywhere_is_refused_or_changes_nothing(tmp_path: Path, seed: int):
    bundle, warc = made()
    write_bundle(tmp_path / "b.zip", bundle, warc)
    whole = bytearray((tmp_path / "b.zip").read_bytes())
    bit = random.Random(seed).randrange(len(whole) * 8)
    whole[bit // 8] ^= 1 << bit % 8
    (tmp_path / "flipped.zip").write_bytes(whole)
    try:
        opened = read_bundle(tmp_path / "flipped.zip")
    except UnreadableInput:
        return
    # Dates and attributes of the files in the zip mean nothing.
    assert (opened.bundle, opened.readme, opened.warc) == (bundle, readme(bundle), warc)


@pytest.mark.parametrize(("before", "after"), [(b"hello", b""), (b"", b"hello"), (b"", b"x" * 99)])
def test_other_bytes_around_a_bundle_are_refused(tmp_path: Path, before: bytes, after: bytes):
    write_bundle(tmp_path / "b.zip", *made())
    (tmp_path / "b.zip").write_bytes(before + (tmp_path / "b.zip").read_bytes() + after)
    with pytest.raises(UnreadableInput, match=r"b\.zip"):
        read_bundle(tmp_path / "b.zip")


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip", b"PK\5\6" + bytes(18)])
def test_a_file_that_is_no_bundle(tmp_path: Path, content: bytes):
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(UnreadableInput, match=r"b\.zip"):
        read_bundle(tmp_path / "b.zip")

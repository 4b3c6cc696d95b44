"""`registry check` of pictures: folders, columns of bytes, and what cannot be read."""

import json
import os
import random
import shutil
import struct
import zlib
from pathlib import Path

import pyarrow.parquet as pq
from checking import check, table
from drawn import draw
from made import Made
from PIL import Image

from registry.pictures.reading import fingerprint_file


def test_pictures_match_by_digest_and_by_look(tmp_path: Path, snapshot: Path, picture: Path):
    with Image.open(picture) as image:
        image.resize((160, 120)).save(tmp_path / "half.png")
    draw(2).save(tmp_path / "other.png")
    files = [picture, tmp_path / "half.png", tmp_path / "other.png"]
    content = [file.read_bytes() for file in files]
    as_bytes = table(tmp_path / "bytes.parquet", jpg=content)
    structs = table(
        tmp_path / "structs.parquet", image=[{"bytes": c, "path": None} for c in content]
    )
    folder = tmp_path / "folder"
    folder.mkdir()
    for file in files:
        shutil.copy(file, folder)
    for dataset in (as_bytes, structs, folder):
        result = check(dataset, "--json", snapshot=snapshot)
        report = json.loads(result.stdout)
        assert report["matched_by"] == {"url": 0, "digest": 1, "fingerprint": 1, "site": 0}
        assert report["outcomes"]["clear"] == 1


def bomb() -> bytes:
    """Return a small PNG that says it has 40,000 by 40,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        sum32 = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", sum32)

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(10_000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def test_unreadable_pictures_are_counted_never_clear(tmp_path: Path, snapshot: Path, picture: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("this is not a picture")
    (folder / "cut.jpg").write_bytes(picture.read_bytes()[:2000])
    (folder / "bomb.png").write_bytes(bomb())
    Image.new("RGB", (300, 300), "white").save(folder / "flat.png")
    rows = tmp_path / "rows.parquet"
    result = check(folder, "--json", "--out", rows, "--workers", "2", snapshot=snapshot)
    assert result.returncode == 3, result.stderr
    report = json.loads(result.stdout)
    assert report["outcomes"]["unchecked"] == 5
    reasons = {
        Path(row["file"]).name: row["optout_reason"] for row in pq.read_table(rows).to_pylist()
    }
    assert reasons == {
        "bomb.png": "image-too-many-pixels",
        "cut.jpg": "image-broken",
        "empty.jpg": "image-empty",
        "flat.png": "unfit-flat",
        "text.jpg": "image-not-an-image",
    }


def test_a_row_that_ships_a_digest_and_a_picture_is_looked_up_by_both(
    tmp_path: Path, snapshot: Path, picture: Path
):
    known = fingerprint_file(picture)
    draw(2).save(tmp_path / "other.png")
    other = (tmp_path / "other.png").read_bytes()
    rows = {"sha256": [known.sha256, known.sha256], "jpg": [None, other]}
    report = json.loads(
        check(table(tmp_path / "d.parquet", **rows), "--json", snapshot=snapshot).stdout
    )
    assert report["outcomes"]["reserved"] == 2
    assert report["matched_by"]["digest"] == 2


def test_a_picture_whose_name_is_no_utf8(tmp_path: Path, snapshot: Path, picture: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copy(picture, os.fsencode(folder) + b"/caf\xe9.jpg")
    rows = tmp_path / "rows.parquet"
    assert check(folder, "--out", rows, snapshot=snapshot).returncode == 1
    assert pq.read_table(rows)["file"][0].as_py().endswith("caf\\xe9.jpg")


def test_a_copy_behind_a_crowd_of_nearer_strangers_is_found(tmp_path: Path):
    rng = random.Random(3)
    image = draw(5)
    image.save(tmp_path / "copy.png")
    known = fingerprint_file(tmp_path / "copy.png").fingerprints
    code = int(known["phash64"]["full"], 16)
    made = Made()
    for _ in range(80):
        near = code
        for bit in rng.sample(range(64), 5):
            near ^= 1 << bit
        made.claim(phash64=near.to_bytes(8), phash256=rng.randbytes(32))
    far = code
    for bit in rng.sample(range(64), 6):
        far ^= 1 << bit
    made.claim(phash64=far.to_bytes(8), phash256=bytes.fromhex(known["phash256"]["full"]))
    path = made.snapshot(tmp_path).path
    result = check(tmp_path / "copy.png", "--json", snapshot=path)
    assert json.loads(result.stdout)["outcomes"]["reserved"] == 1


def test_a_hash_column_counts_beside_the_picture(tmp_path: Path, snapshot: Path, picture: Path):
    code = fingerprint_file(picture).fingerprints["phash64"]["full"]
    draw(2).save(tmp_path / "other.png")
    rows = {"phash": [code], "jpg": [(tmp_path / "other.png").read_bytes()]}
    assert check(table(tmp_path / "d.parquet", **rows), snapshot=snapshot).returncode == 1


def test_what_is_passed_over_in_a_folder_is_said(tmp_path: Path, snapshot: Path, picture: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    table(folder / "d.parquet", url=["https://x.example/1.jpg"])
    shutil.copy(picture, folder)
    (folder / "README").write_text("notes")
    result = check(folder, snapshot=snapshot)
    assert result.returncode == 3
    assert "pictures-left-out 1" in result.stdout
    assert "not read: 1 file beside the dataset (1 .jpg): pictures, not compared" in result.stderr
    assert "(1 no suffix): other files, not read" in result.stderr
    (folder / "d.parquet").unlink()
    (folder / "gone.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe.png")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    draw(7).save(elsewhere / "linked.png")
    (folder / "link").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)
    result = check(folder, "--json", snapshot=snapshot)
    assert json.loads(result.stdout)["rows"] == 4
    assert json.loads(result.stdout)["outcomes"]["unchecked"] == 2


def test_256_bits_confirm_or_deny_what_64_bits_suggest(tmp_path: Path, picture: Path):
    known = fingerprint_file(picture).fingerprints
    code = int(known["phash64"]["full"], 16)
    wide = int(known["phash256"]["full"], 16)
    outcomes = []
    for serial, differing in enumerate((0, 31, 60, 61), start=1):
        made = Made()
        other = wide ^ ((1 << differing) - 1)
        made.claim(phash64=(code ^ 1).to_bytes(8), phash256=other.to_bytes(32))
        path = made.snapshot(tmp_path, serial).path
        report = json.loads(check(picture, "--json", snapshot=path).stdout)
        outcomes.append((*report["tiers"], report["outcomes"]["review"]))
    assert outcomes == [("certain", 0), ("certain", 0), ("likely", 0), ("possible", 1)]

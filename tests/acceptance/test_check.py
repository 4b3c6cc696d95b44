"""`registry check` as installed: outcomes, outputs, exit codes and bad input."""

import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import Made
from PIL import Image, ImageDraw

from registry.fingerprints import fingerprint_file

MARKED = "https://art.example/works/1.jpg"
REGISTRY = Path(sys.executable).parent / "registry"


def draw(seed: int) -> Image.Image:
    """Draw a picture with enough structure to fingerprint."""
    rng = random.Random(seed)
    image = Image.new("RGB", (320, 240), (rng.randrange(256), 200, 90))
    pen = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = rng.randrange(320), rng.randrange(240)
        colour = tuple(rng.randrange(256) for _ in range(3))
        pen.ellipse((x, y, x + rng.randrange(9, 120), y + rng.randrange(9, 120)), fill=colour)
    return image


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "marked.jpg"
    draw(1).save(path, quality=90)
    return path


@pytest.fixture
def snapshot(tmp_path: Path, picture: Path) -> Path:
    known = fingerprint_file(picture)
    made = Made()
    image = made.image(
        int(known.fingerprints["phash64"]["full"], 16),
        phash256=bytes.fromhex(known.fingerprints["phash256"]["full"]),
        sha256=bytes.fromhex(known.sha256),
        md5=bytes.fromhex(known.md5),
    )
    made.observe(MARKED, [made.headers("noai", url=MARKED)], image_id=image)
    made.observe("https://art.example/works/free.jpg", refusal="http-404")
    made.robots("shut.example", "User-agent: GPTBot\nDisallow: /\n")
    made.claim(
        url="https://deal.example/3.jpg", meaning="conditional", licence_url="https://l.example"
    )
    return made.snapshot(tmp_path).path


def check(*arguments: object, snapshot: Path | None = None, env: dict[str, str] | None = None):
    where = ["--snapshot", str(snapshot)] if snapshot else []
    command = [str(REGISTRY), "check", *map(str, arguments), *where]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})}
    )


def table(path: Path, **columns: list[object]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def said_in_one_line(result: subprocess.CompletedProcess[str], code: int, *texts: str) -> None:
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    lines = [x for x in result.stderr.splitlines() if x.startswith("error:")]
    assert len(lines) == 1, result.stderr
    for text in texts:
        assert text in result.stderr


def test_every_row_gets_one_outcome_with_its_reason(tmp_path: Path, snapshot: Path, picture: Path):
    code = fingerprint_file(picture).fingerprints["phash64"]["full"]
    near = f"{int(code, 16) ^ 0b101:016x}"
    maybe = f"{int(code, 16) ^ 0b1111111:016x}"
    dataset = table(
        tmp_path / "dataset.parquet",
        url=[
            "http://ART.example:80/works/1.jpg#x",
            "https://art.example/works/free.jpg",
            "https://shut.example/a.jpg",
            "https://deal.example/3.jpg",
            "https://copy.example/1.jpg",
            "https://copy.example/2.jpg",
            "https://copy.example/3.jpg",
            None,
            "data:image/png;base64,AAAA",
            "https://copy.example/4.jpg",
        ],
        phash=[None, None, None, None, near, maybe, "00ff" * 4, None, None, "12"],
    )
    rows = tmp_path / "rows.parquet"
    result = check(dataset, "--out", rows, "--json", snapshot=snapshot)
    assert result.returncode == 1, result.stderr
    report = json.loads(result.stdout)
    assert report["outcomes"] == {
        "reserved": 3,
        "conditional": 1,
        "review": 1,
        "clear": 2,
        "unchecked": 3,
    }
    assert report["unchecked_reasons"] == {
        "bad-phash64": 1,
        "bad-url": 1,
        "nothing-to-check": 1,
    }
    assert report["matched_by"] == {"url": 2, "digest": 0, "fingerprint": 2, "site": 1}
    assert report["columns"]["url"]["column"] == "url"
    assert report["rows"] == sum(report["outcomes"].values()) == 10
    written = pq.read_table(rows).to_pylist()
    assert [row["optout_outcome"] for row in written] == [
        *("reserved", "clear", "reserved", "conditional", "reserved"),
        *("review", "clear", "unchecked", "unchecked", "unchecked"),
    ]
    assert written[0]["optout_reason"] == f"X-Robots-Tag: noai at {MARKED} (same URL)"
    assert written[0]["optout_signal"] == "noai"
    assert written[0]["optout_entry"] == "observation:1"
    assert written[1]["optout_reason"] == "seen on 2026-11-01, no mark"
    assert written[2]["optout_match"] == "site"
    assert "Disallow: /" in written[2]["optout_reason"]
    assert (written[4]["optout_match"], written[4]["optout_distance"]) == ("fingerprint", 2)
    assert written[7]["optout_reason"] == "nothing-to-check"


def test_keep_writes_the_rows_of_one_outcome_unchanged(tmp_path: Path, snapshot: Path):
    schema = pa.schema(
        [pa.field("URL", pa.dictionary(pa.int32(), pa.string())), ("n", pa.int64())],
        metadata={"made": "by a test"},
    )
    rows = {"URL": [MARKED, "https://x.example/1.jpg"], "n": [1, 2]}
    pq.write_table(pa.table(rows, schema=schema), tmp_path / "d.parquet")
    clean = tmp_path / "clean.parquet"
    result = check(tmp_path / "d.parquet", "--keep", "clear", "--out", clean, snapshot=snapshot)
    assert result.returncode == 1
    kept = pq.read_table(clean)
    assert kept["n"].to_pylist() == [2]
    assert kept.schema.metadata[b"made"] == b"by a test"


def test_a_clear_dataset_ends_with_0_and_one_to_review_with_3(
    tmp_path: Path, snapshot: Path, picture: Path
):
    clear = table(tmp_path / "c.parquet", url=["https://x.example/1.jpg"])
    assert check(clear, snapshot=snapshot).returncode == 0
    unsure = table(tmp_path / "u.parquet", url=["https://x.example/1.jpg", None])
    assert check(unsure, snapshot=snapshot).returncode == 3
    code = int(fingerprint_file(picture).fingerprints["phash64"]["full"], 16) ^ 0b1111111
    review = table(tmp_path / "r.parquet", phash=[f"{code:016x}"])
    assert check(review, snapshot=snapshot).returncode == 3
    assert check(review, "--distance", "7", snapshot=snapshot).returncode == 1
    assert check(review, "--distance", "6", snapshot=snapshot).returncode == 0


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


def test_a_report_page_stands_on_its_own(tmp_path: Path, snapshot: Path):
    dataset = table(tmp_path / "<b>.parquet", url=[MARKED, "https://x.example/1.jpg"])
    page = tmp_path / "report.html"
    check(dataset, "--report", page, snapshot=snapshot)
    text = page.read_text()
    assert "&lt;b&gt;.parquet" in text
    assert "<script" not in text
    assert "src=" not in text
    assert "<b>.parquet" not in text


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


def test_texts_that_are_no_utf8_are_counted(tmp_path: Path, snapshot: Path):
    for name in ("url", "sha256", "phash"):
        values = pa.array([b"\xff\xfe", MARKED.encode()], pa.binary())
        # No validation: this is what a careless writer leaves in a file.
        texts = pa.Array.from_buffers(pa.string(), 2, values.buffers())
        pq.write_table(
            pa.table({name: texts, "url": texts} if name != "url" else {"url": texts}),
            tmp_path / "d.parquet",
        )
        result = check(tmp_path / "d.parquet", "--json", snapshot=snapshot)
        assert result.returncode == 1, result.stderr
        report = json.loads(result.stdout)
        assert report["outcomes"]["reserved"] == report["outcomes"]["unchecked"] == 1
        assert set(report["unchecked_reasons"]) <= {"bad-url", "bad-sha256", "bad-phash64"}


def test_two_columns_of_one_name(tmp_path: Path, snapshot: Path):
    pq.write_table(pa.table([["a"], ["b"]], names=["url", "url"]), tmp_path / "d.parquet")
    said_in_one_line(check(tmp_path / "d.parquet", snapshot=snapshot), 4, "named url")


def test_a_picture_whose_name_is_no_utf8(tmp_path: Path, snapshot: Path, picture: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copy(picture, os.fsencode(folder) + b"/caf\xe9.jpg")
    rows = tmp_path / "rows.parquet"
    assert check(folder, "--out", rows, snapshot=snapshot).returncode == 1
    assert pq.read_table(rows)["file"][0].as_py().endswith("caf\\xe9.jpg")


@pytest.mark.parametrize("option", ["--out", "--report"])
def test_a_disk_that_takes_no_more(tmp_path: Path, snapshot: Path, option: str):
    urls = [f"https://x.example/{random.random()}.jpg" for _ in range(2000)]
    dataset = table(tmp_path / "d.parquet", url=[MARKED, *urls])
    target = tmp_path / "result"
    command = [
        str(REGISTRY),
        "check",
        str(dataset),
        option,
        str(target),
        "--snapshot",
        str(snapshot),
    ]
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
    )
    said_in_one_line(result, 4, "result cannot be written")
    assert not list(tmp_path.glob("*result*")) + list(tmp_path.glob(".result*"))


def test_a_copy_behind_a_crowd_of_nearer_strangers_is_for_a_person(tmp_path: Path):
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
    assert json.loads(result.stdout)["outcomes"]["review"] == 1


def test_no_usable_column_lists_what_was_seen(tmp_path: Path, snapshot: Path):
    dataset = table(tmp_path / "d.parquet", caption=["a cat"], score=[0.5])
    result = check(dataset, snapshot=snapshot)
    said_in_one_line(result, 4, "caption (string), score (double)", "--column url=NAME")


@pytest.mark.parametrize("harm", ["missing", "empty", "cut", "text", "folder", "unknown"])
def test_an_unreadable_dataset(tmp_path: Path, snapshot: Path, harm: str):
    path = table(tmp_path / "d.parquet", url=["https://x.example/1.jpg"] * 50)
    if harm == "missing":
        path.unlink()
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif harm == "text":
        path.write_text("url\nhttps://x.example/1.jpg\n")
    else:
        path = tmp_path / "nothing-here"
        path.mkdir() if harm == "folder" else path.write_text("?")
    said_in_one_line(check(path, snapshot=snapshot), 4, path.name)


def test_a_file_that_is_damaged_in_the_middle_leaves_no_output(tmp_path: Path, snapshot: Path):
    urls = [f"https://x.example/{random.random()}.jpg" for _ in range(40_000)]
    path = table(tmp_path / "d.parquet", url=urls)
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 4000] = os.urandom(4000)
    path.write_bytes(content)
    out = tmp_path / "out.parquet"
    said_in_one_line(check(path, "--out", out, snapshot=snapshot), 4, "d.parquet")
    assert sorted(p.name for p in tmp_path.glob("*out*")) == []


def test_a_damaged_snapshot_is_refused_by_file_name(tmp_path: Path, snapshot: Path):
    dataset = table(tmp_path / "d.parquet", url=[MARKED])
    with (snapshot / "entries.arrow").open("r+b") as file:
        file.truncate(100)
    said_in_one_line(check(dataset, snapshot=snapshot), 4, "entries.arrow")
    said_in_one_line(check(dataset, snapshot=tmp_path), 4, "is not a snapshot")


def test_a_database_that_is_down_makes_the_registry_unreadable(tmp_path: Path):
    dataset = table(tmp_path / "d.parquet", url=[MARKED])
    url = "postgresql://someone:secret@127.0.0.1:1/nowhere"
    env = {"REGISTRY_DATABASE_URL": url, "REGISTRY_HOME": str(tmp_path)}
    result = check(dataset, env=env)
    said_in_one_line(result, 4, "127.0.0.1:1", "--snapshot")
    assert "secret" not in result.stderr


def test_usage(tmp_path: Path, snapshot: Path):
    dataset = table(tmp_path / "d.parquet", url=[MARKED])
    said_in_one_line(check(dataset, "--keep", "clear", snapshot=snapshot), 2, "--out")
    said_in_one_line(check(dataset, "--out", dataset, snapshot=snapshot), 2, "itself")
    nowhere = tmp_path / "no" / "where.parquet"
    said_in_one_line(check(dataset, "--out", nowhere, snapshot=snapshot), 2, "where.parquet")
    said_in_one_line(check(dataset, "--policy", "x", snapshot=snapshot), 2, "cautious")
    said_in_one_line(check(dataset, "--column", "url=x", snapshot=snapshot), 2, "columns: url")
    said_in_one_line(
        check(dataset, "--report", tmp_path, snapshot=snapshot), 2, "cannot be written"
    )
    said_in_one_line(check(snapshot=snapshot), 2, "--help")
    assert dataset.exists()


def test_interrupted_it_leaves_no_half_file(tmp_path: Path, snapshot: Path):
    urls = [f"https://x{n % 999}.example/{n}.jpg" for n in range(300_000)]
    dataset = table(tmp_path / "d.parquet", url=urls)
    out = tmp_path / "rows.parquet"
    command = [REGISTRY, "check", dataset, "--out", out, "--snapshot", snapshot]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".rows.parquet.*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == "interrupted"
    assert "Traceback" not in errors
    assert [p.name for p in tmp_path.iterdir() if "rows" in p.name] == []

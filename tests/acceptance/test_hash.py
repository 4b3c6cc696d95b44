"""`registry hash` as installed: what it prints, and how it fails."""

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image

REGISTRY = Path(sys.executable).with_name("registry")


def run(*arguments: object, stdin: bytes = b"", cwd: Path | None = None):
    done = subprocess.run(
        [REGISTRY, "hash", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
        cwd=cwd,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    blocks = np.random.default_rng(1).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    art = Image.fromarray(np.kron(blocks, np.ones((10, 10, 1), np.uint8)))
    art.save(folder / "art.png")
    art.save(folder / "art two.jpg")
    Image.new("RGB", (64, 64), "white").save(folder / "white.png")
    (folder / "cut.jpg").write_bytes((folder / "art two.jpg").read_bytes()[:900])
    (folder / "empty.png").write_bytes(b"")
    (folder / "note.txt").write_text("not a picture")
    return folder


def test_json_is_one_object_a_line_as_documented(folder):
    code, out, err = run("--json", folder / "art.png", folder / "art two.jpg", folder / "white.png")
    assert (code, err) == (0, "")
    first, second, white = map(json.loads, out.splitlines())
    data = (folder / "art.png").read_bytes()
    image = Image.open(folder / "art.png")
    assert list(first.items()) == [
        ("file", str(folder / "art.png")),
        ("sha256", hashlib.sha256(data).hexdigest()),
        ("md5", hashlib.md5(data, usedforsecurity=False).hexdigest()),
        ("width", 120),
        ("height", 80),
        (
            "fingerprints",
            {
                "phash64": {"full": str(imagehash.phash(image))},
                "phash256": {"full": str(imagehash.phash(image, hash_size=16))},
            },
        ),
        ("unfit", None),
    ]
    assert second["file"].endswith("art two.jpg")
    assert (white["fingerprints"], white["unfit"]) == ({}, "flat")


def test_text_is_aligned(folder):
    code, out, err = run("art.png", "white.png", cwd=folder)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "art.png"
    labels = ["sha256", "md5", "picture", "phash64", "phash256"]
    assert [line.split()[0] for line in lines[1:6]] == labels
    assert {line.index(line.split()[1]) for line in lines[1:6]} == {12}
    assert "120 x 80, png" in lines[3]
    assert lines[-1].split()[:2] == ["unfit", "flat:"]


def test_standard_input(folder):
    code, out, _ = run("--json", "-", stdin=(folder / "art.png").read_bytes())
    assert code == 0
    assert json.loads(out)["file"] == "-"
    code, out, err = run("-", stdin=b"")
    assert (code, out) == (4, "")
    assert err.startswith("error: standard input: the file is empty")


def test_a_file_that_cannot_be_read_does_not_stop_the_others(folder):
    names = ["cut.jpg", "empty.png", "note.txt", "missing.jpg", ".", "art.png"]
    code, out, err = run("--json", *names, cwd=folder)
    assert code == 4
    assert [json.loads(line)["file"] for line in out.splitlines()] == ["art.png"]
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    said = dict(line.removeprefix("error: ").split(": ", 1) for line in errors)
    assert list(said) == names[:-1]
    assert said["cut.jpg"].startswith("the picture is damaged or cut short")
    assert said["empty.png"] == "the file is empty"
    assert said["note.txt"] == "not an image file"
    assert said["missing.jpg"] == "no such file"
    assert said["."] == "a folder, not a file"
    rest = [line for line in err.splitlines() if not line.startswith("error: ")]
    assert rest
    assert all(line.startswith("hint: ") for line in rest)
    assert len(rest) == len(set(rest))


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path):
    data = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(data, "PNG")
    (tmp_path / "bomb.png").write_bytes(data.getvalue())
    code, out, err = run(tmp_path / "bomb.png")
    assert (code, out) == (4, "")
    assert "20000 x 20000 pixels are more than the 100,000,000 allowed" in err
    assert "Traceback" not in err
    assert "Warning" not in err


def test_no_file_is_a_usage_error():
    code, out, err = run()
    assert (code, out) == (2, "")
    assert err.startswith("error: ")

"""What tests of the installed `registry check` share."""

import os
import random
import subprocess
import sys
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

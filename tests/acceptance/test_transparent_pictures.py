"""Copies of transparent pictures are recognised, whatever became of the alpha."""

from __future__ import annotations

import io
import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

Run = Callable[..., subprocess.CompletedProcess[str]]


def drawing(seed: int, *, colour: str | None = None) -> Image.Image:
    """Return strokes on clear ground, with colours under the clear parts as editors leave them."""
    rng = random.Random(seed)
    image = Image.effect_noise((240, 180), 80).convert("RGB")
    for box in ((0, 0, 120, 90), (120, 0, 240, 90), (0, 90, 240, 180)):
        image.paste(tuple(rng.randrange(256) for _ in range(3)), box)
    alpha = Image.new("L", image.size, 0)
    paint, cut = ImageDraw.Draw(image), ImageDraw.Draw(alpha)
    for _ in range(25):
        x, y = rng.randrange(240), rng.randrange(180)
        box = (x, y, x + rng.randrange(9, 80), y + rng.randrange(9, 80))
        paint.ellipse(box, fill=colour or tuple(rng.randrange(256) for _ in range(3)))
        cut.ellipse(box, fill=255)
    image.putalpha(alpha)
    return image


def flattened(image: Image.Image, ground: str) -> Image.Image:
    canvas = Image.new("RGB", image.size, ground)
    canvas.paste(image, (0, 0), image)
    return canvas


def jpeg(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.resize((160, 120)).save(content, "JPEG", quality=85)
    return content.getvalue()


def test_copies_over_white_over_black_and_without_alpha(
    run: Run, database_url: str, registry_home: Path, tmp_path: Path
) -> None:
    art = tmp_path / "art"
    art.mkdir()
    drawings = {f"{n}.png": drawing(n) for n in range(3)}
    drawings["white.png"] = drawing(9, colour="white")
    for name, image in drawings.items():
        image.save(art / name)
    assert run("registry", "import", art, database=database_url).returncode == 0
    copies = [
        (kind, jpeg(copy))
        for name, image in drawings.items()
        for kind, copy in (
            ("white", flattened(image, "white")),
            ("black", flattened(image, "black")),
            ("dropped", image.convert("RGB")),
        )
        # White strokes on white are nothing.
        if (name, kind) != ("white.png", "white")
    ]
    strange = [("strange", jpeg(drawing(seed).convert("RGB"))) for seed in range(20, 24)]
    kinds, contents = zip(*copies, *strange, strict=True)
    dataset = tmp_path / "d.parquet"
    pq.write_table(pa.table({"jpg": pa.array(contents, pa.binary())}), dataset)
    out = tmp_path / "rows.parquet"
    done = run("registry", "check", dataset, "--out", out, database=database_url)
    assert done.returncode == 1, done.stderr
    outcomes = pq.read_table(out)["optout_outcome"].to_pylist()
    expected = ["clear" if kind == "strange" else "reserved" for kind in kinds]
    assert list(zip(kinds, outcomes, strict=True)) == list(zip(kinds, expected, strict=True))
    (tmp_path / "copy.jpg").write_bytes(contents[1])
    found = run("registry", "lookup", "--json", tmp_path / "copy.jpg", database=database_url)
    assert json.loads(found.stdout)["decision"] == "reserved"

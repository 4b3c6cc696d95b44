"""Drawn pictures for tests of fingerprints, and what ImageHash says of them."""

import io
import random

import imagehash
import numpy as np
from PIL import Image, ImageDraw


def art(seed: int = 0, width: int = 120, height: int = 80) -> Image.Image:
    """A picture of random blocks and lines: structure in every direction."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (height // 10, width // 10, 3), dtype=np.uint8)
    image = Image.fromarray(np.kron(blocks, np.ones((10, 10, 1), np.uint8)))
    draw = ImageDraw.Draw(image)
    for _ in range(5):
        draw.line(rng.integers(0, width, 4).tolist(), fill=tuple(rng.integers(0, 256, 3).tolist()))
    return image


def draw(seed: int, width: int = 320, count: int = 40) -> Image.Image:
    """Draw a picture, four to three, of so many ellipses: enough structure to fingerprint."""
    rng = random.Random(seed)
    height, widest = 3 * width // 4, 3 * width // 8
    image = Image.new("RGB", (width, height), (rng.randrange(256), 200, 90))
    pen = ImageDraw.Draw(image)
    for _ in range(count):
        x, y = rng.randrange(width), rng.randrange(height)
        colour = tuple(rng.randrange(256) for _ in range(3))
        pen.ellipse((x, y, x + rng.randrange(9, widest), y + rng.randrange(9, widest)), fill=colour)
    return image


def saved(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def expected(image: Image.Image) -> dict[str, dict[str, str]]:
    return {
        "phash64": {"full": str(imagehash.phash(image))},
        "phash256": {"full": str(imagehash.phash(image, hash_size=16))},
    }


def on_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(image, mask=image.getchannel("A"))
    return canvas

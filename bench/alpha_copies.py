"""Chooses transparent pictures of a folder, and copies them as dataset builders do."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

# The size is checked below, before anything is decoded.
Image.MAX_IMAGE_PIXELS = None
# Larger files cost minutes and add no other kind of picture.
MAX_PIXELS = 20_000_000
SIDES = (512, 256)
JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Art:
    """One picture of the sample: its file, its sha256, and whether any pixel is transparent."""

    path: Path
    sha256: str
    is_transparent: bool


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a picture: the way its alpha was lost, its format, and its bytes."""

    way: str
    saved: str
    data: bytes


def flattened(image: Image.Image, ground: str) -> Image.Image:
    """Return a picture laid over a colour."""
    canvas = Image.new("RGB", image.size, ground)
    rgba = image.convert("RGBA")
    canvas.paste(rgba, (0, 0), rgba)
    return canvas


def resized(image: Image.Image, side: int) -> Image.Image:
    """Return a picture resampled so that its longer side has `side` pixels, as loaders do."""
    scale = side / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


# How the alpha of a file is lost. Pillow resizes RGBA premultiplied: fully transparent pixels
# are black afterwards, whatever their colour was.
WAYS: dict[str, Callable[[Image.Image, int], Image.Image]] = {
    "white": lambda image, side: resized(flattened(image, "white"), side),
    "black": lambda image, side: resized(flattened(image, "black"), side),
    "dropped": lambda image, side: resized(image.convert("RGB"), side),
    "resized, then dropped": lambda image, side: resized(image.convert("RGBA"), side).convert(
        "RGB"
    ),
}


def copies(path: Path) -> Iterator[Copy]:
    """Yield the copies of a picture: every way, side and format."""
    with Image.open(path) as image:
        image.load()
        for way, lose_alpha in WAYS.items():
            for side in SIDES:
                copy = lose_alpha(image, side)
                yield Copy(way, f"JPEG {side}", saved(copy, "JPEG", quality=JPEG_QUALITY))
                yield Copy(way, f"WebP {side}", saved(copy, "WEBP"))


def saved(image: Image.Image, kind: str, **options: int) -> bytes:
    """Return the bytes of a picture saved in a format."""
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def choose(
    folder: Path, count: int, *, least: int, most: int, seed: int, seen: set[str]
) -> Iterator[Art]:
    """Yield up to `count` random pictures of each kind, transparent and opaque.

    Their shorter side has `least` to `most` pixels. `seen` holds the sha256 of files that
    were chosen before; those chosen now are added.
    """
    paths = sorted(path for path in folder.rglob("*.png") if path.is_file())
    random.Random(seed).shuffle(paths)
    left = {True: count, False: count}
    for path in paths:
        if not any(left.values()):
            return
        is_transparent = transparency(path, least, most)
        if is_transparent is None or not left[is_transparent]:
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest not in seen:
            seen.add(digest)
            left[is_transparent] -= 1
            yield Art(path, digest, is_transparent)


def transparency(path: Path, least: int, most: int) -> bool | None:
    """Return whether a picture has a pixel that is not opaque; None if it cannot be used."""
    try:
        with Image.open(path) as image:
            fits = least <= min(image.size) <= most and image.width * image.height <= MAX_PIXELS
            if not fits:
                return None
            alpha = image.convert("RGBA").getchannel("A")
    except (OSError, SyntaxError, ValueError):
        return None  # damaged
    return any(alpha.histogram()[:255])

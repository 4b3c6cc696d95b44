"""Small copies of pictures for a report, made in sandboxed processes.

A copy is decoded, scaled and encoded again as JPEG without metadata: no byte of the file gets
into a report.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from registry.errors import UnreadablePicture
from registry.pictures.reading import sandboxed
from registry.sandbox import Pool

# Longest side in pixels, and quality of the JPEG: about 8 kB each.
SIDE, QUALITY = 240, 72


def thumbnails(pictures: Iterable[bytes]) -> Iterator[bytes | None]:
    """Yield a small JPEG of each picture, in order; None for one that cannot be read."""
    with Pool(1) as pool:
        for answer in pool.map(sandboxed(thumbnail), pictures):
            yield answer.value


def thumbnail(data: bytes) -> bytes | None:
    """Return a small JPEG of a picture, or None."""
    from PIL import Image

    from registry.fingerprints import MAX_PIXELS, _decode, _normalise

    try:
        image = _decode.open_picture(data, MAX_PIXELS)
    except UnreadablePicture:
        return None
    image = _normalise.normalise(image).convert("RGB")
    # A very long picture keeps a side of one pixel.
    image.thumbnail((SIDE, SIDE), reducing_gap=2.0)
    # A new picture: the other one carries the comment and the metadata of its file.
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    written = io.BytesIO()
    clean.save(written, "JPEG", quality=QUALITY)
    return written.getvalue()

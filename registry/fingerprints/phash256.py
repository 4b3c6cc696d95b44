"""`phash256`: 256 bits, `imagehash.phash` with `hash_size=16`.

Computed like `phash64`, but from 64 x 64 pixels and the 16 x 16 lowest frequencies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

BITS = 256
SIDE = 64
VERSION = "1"


def compute(image: Image.Image) -> str:
    """Return 64 lower-case hex digits for a normalised image."""
    import imagehash

    return str(imagehash.phash(image, hash_size=16))

"""`phash64`: 64 bits, `imagehash.phash` with its defaults.

Luminance, 32 x 32 pixels (Lanczos), two-dimensional DCT-II, the 8 x 8 lowest
frequencies, one bit each: 1 above their median, else 0. Written row by row, most
significant bit first, as `str(ImageHash)` writes it. ImageHash itself computes
it, so the two always agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

BITS = 64
SIDE = 32
VERSION = "1"


def compute(image: Image.Image) -> str:
    """Return 16 lower-case hex digits for a normalised image."""
    import imagehash

    return str(imagehash.phash(image))

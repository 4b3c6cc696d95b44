"""The picture inside a uniform border, as tools for datasets pad pictures to a square.

img2dataset does so by default (`resize_mode=border`), in white. A copy is compared with and without
its border; what is registered keeps its own, since there the artist drew it.

From each side lines are taken off while they have the grey of that side's outermost line:
their median is within NEAR of it, and so are all of their pixels but a SPECKLED share (JPEG makes
some beside an edge). The border is not cut if the picture would keep less than LEAST of a side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NEAR = 14
SPECKLED = 0.02
LEAST = 0.15

Pixels = NDArray[np.uint8]


def without_border(image: Image.Image) -> list[Image.Image]:
    """Return the parts of a picture of luminance that may be inside its border.

    There are none without a border, and three at most: a tool that pads to a square does so on two
    sides, above and below or left and right, and beside these the picture may have a margin of its
    own. So the parts between either two sides are tried, and that inside all four.
    """
    pixels = np.asarray(image)
    width, height = image.size
    above, below = _border(pixels), _border(pixels[::-1])
    rows = pixels[above : height - below]
    left, right = _border(rows.T), _border(rows.T[::-1])
    boxes = (
        (0, above, width, height - below),
        (_border(pixels.T), 0, width - _border(pixels.T[::-1]), height),
        (left, above, width - right, height - below),
    )
    return [image.crop(box) for box in dict.fromkeys(boxes) if _is_cut(box, image.size)]


def _is_cut(box: tuple[int, int, int, int], size: tuple[int, int]) -> bool:
    left, top, right, bottom = box
    width, height = size
    keeps = (right - left) >= LEAST * width and (bottom - top) >= LEAST * height
    return keeps and box != (0, 0, width, height)


def _border(lines: Pixels) -> int:
    """Return how many of the first lines are of one grey; 0 if all are."""
    grey = float(np.median(lines[0])) if len(lines) else 0.0
    for number, line in enumerate(lines):
        if not _has_grey(line, grey):
            return number
    return 0


def _has_grey(line: Pixels, grey: float) -> bool:
    far = np.count_nonzero(np.abs(line.astype(np.int16) - grey) > NEAR)
    return bool(far <= SPECKLED * len(line))

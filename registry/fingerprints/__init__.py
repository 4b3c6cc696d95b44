"""Digests and fingerprints of image files. Pure: bytes in, values out.

Every file here that does not start with `_` is an algorithm: it exports `BITS`,
`VERSION`, `SIDE` and `compute(image) -> hex` on a normalised image, which it scales to
SIDE x SIDE pixels of luminance (Lanczos), unless it has that size. Its full version
joins its own with that of the normalisation (`_normalise`), so that a change of
either shows in every snapshot.

Pillow, numpy and imagehash load with the first picture, not with this module.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from registry.fingerprints._version import NORMALISE
from registry.model import Picture
from registry.plugins import discover

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "MAX_PIXELS",
    "algorithms",
    "file_digests",
    "fingerprint",
    "versions",
]

MAX_PIXELS = 100_000_000


class Algorithm(NamedTuple):
    """One fingerprint algorithm: bits, side, full version, and the function itself."""

    bits: int
    side: int
    version: str
    compute: Callable[[Image.Image], str]


@functools.cache
def algorithms() -> dict[str, Algorithm]:
    """Return every algorithm by name, those with fewer bits first."""
    plugins = discover(__name__, ("BITS", "VERSION", "SIDE", "compute"))
    modules = sorted(plugins.items(), key=lambda item: item[1].BITS)
    return {
        name: Algorithm(
            module.BITS, module.SIDE, f"{module.VERSION}+normalise-{NORMALISE}", module.compute
        )
        for name, module in modules
    }


def versions() -> dict[str, str]:
    """Return the full version of every algorithm by name, as snapshots record it."""
    return {name: algorithm.version for name, algorithm in algorithms().items()}


def file_digests(data: bytes) -> tuple[str, str]:
    """Return sha256 and md5 of any file's bytes as lower-case hex."""
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return hashlib.sha256(data).hexdigest(), md5


def fingerprint(
    data: bytes, *, max_pixels: int = MAX_PIXELS, may_be_padded: bool = False
) -> Picture:
    """Return digests and fingerprints of an image file held in memory.

    Width and height are those displayed, after the rotation that Exif gives.
    A picture that is too small or too regular has no fingerprint of the view `full`,
    and `unfit` is the reason (`too-small`, `flat`). A transparent picture has further
    views, `black`, `dropped` and `cleared`, if these are fit and differ from the earlier
    ones. If it `may_be_padded`, as a copy in a dataset may, there are views of what is inside its
    border: `inside-1` and, if other parts may be meant, `inside-2` and `inside-3`. The peak of
    memory is 4 to 8 bytes a pixel, up to 18 for a picture with transparency.

    Time is not limited here; `registry.pictures` limits it.

    Raises UnreadablePicture with reason `empty`, `not-an-image`,
    `unsupported-format`, `broken`, `out-of-memory`, or `too-many-pixels` (by the
    header, before decoding).
    """
    from registry.fingerprints import _decode, _normalise, _structure

    image = _decode.open_picture(data, max_pixels)
    upright = _normalise.normalise(image)
    sha256, md5 = file_digests(data)
    # Every algorithm works on luminance; it is made once, and takes the place of the picture.
    upright = upright.convert("L")
    width, height = upright.size
    scaled = _structure.small(upright)
    reason = _structure.unfit(upright, scaled)
    views = {} if reason else {"full": _computed(upright, scaled)}
    if may_be_padded:
        views |= _inside(upright)
    del upright  # to free its memory before the other renderings, each as large
    for view, rendering in _normalise.renderings(image):
        grey = rendering.convert("L")
        scaled = _structure.small(grey)
        if not _structure.unfit(grey, scaled):
            views[view] = _computed(grey, scaled)
    return Picture(
        sha256=sha256,
        md5=md5,
        width=width,
        height=height,
        format=(image.format or "").lower(),
        size=len(data),
        fingerprints=_by_algorithm(views),
        unfit=reason,
    )


def _inside(upright: Image.Image) -> dict[str, dict[str, str]]:
    """Return the fingerprints of the parts of a picture that may be inside its border, by view."""
    from registry.fingerprints import _structure
    from registry.fingerprints._border import without_border

    parts = ((part, _structure.small(part)) for part in without_border(upright))
    fit = (_computed(part, small) for part, small in parts if not _structure.unfit(part, small))
    return {f"inside-{number}": codes for number, codes in enumerate(fit, 1)}


def _computed(image: Image.Image, scaled: Image.Image) -> dict[str, str]:
    return {
        name: one.compute(scaled if one.side == scaled.width else image)
        for name, one in algorithms().items()
    }


def _by_algorithm(views: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return hex by algorithm and view; a view with all hashes of an earlier one is left out.

    A view has the hashes of every algorithm or none.
    """
    distinct: dict[str, dict[str, str]] = {}
    for view, codes in views.items():
        if codes not in distinct.values():
            distinct[view] = codes
    if not distinct:
        return {}
    return {name: {view: codes[name] for view, codes in distinct.items()} for name in algorithms()}

"""Turns a decoded picture into the pixels that fingerprints are computed on.

This is part of every algorithm's version: a change here changes hashes, so it
raises `_version.NORMALISE`. Version 1 does this, in this order:

1. First frame of an animation, default image of an animated PNG (the state
   Pillow opens a file in; no other frame is ever decoded).
2. Alpha over white: an alpha channel, or a transparent colour of a palette, a
   grey or an RGB picture. White because most pages are white. A copy flattened on
   another colour has other perceptual hashes, so a transparent picture has further
   views: over black, and with its alpha dropped, as `convert("RGB")` shows the
   colours under it (most image loaders for training do that).
3. More than 8 bits a channel become 8: 16-bit grey by its upper byte; 32-bit
   integers and floats are scaled from their own least to their own greatest finite
   value, because the file does not say which values are black and white. Pillow's
   own conversion would clip all of these at 255 and so lose the picture.
4. Lab: the lightness channel only.
5. The rotation or reflection in the `Orientation` of Exif (or, without Exif, of XMP),
   so that the picture is upright, as it is displayed. Damaged Exif is ignored.

Everything else keeps its mode and values: Pillow's own conversion turns CMYK, palette
and YCbCr pictures to luminance, as in ImageHash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from registry.fingerprints._decode import DECODER_ERRORS

# Rows converted at a time, so that no copy of a large picture in wider numbers is in memory.
_BAND_ROWS = 256
_BAND_PIXELS = 1 << 18

_ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")
_CLEAR_COLOUR_MODES = ("1", "L", "P", "RGB")

_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def normalise(image: Image.Image) -> Image.Image:
    """Return the upright, opaque, 8-bit picture of a decoded image.

    The input is not changed. The mode of the result is one that converts
    to `L`; a picture that needs no change is itself the result.
    """
    return _upright(image, _over(image, "white") if has_alpha(image) else image)


def renderings(image: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    """Yield (view, picture) for the other looks of a transparent picture's copies, one at a time.

    `black` is the picture over black, `dropped` the colours without the alpha, `cleared` the
    same with black where the picture is fully transparent. An opaque picture has none.
    Each is normalised like the result of `normalise`.
    """
    if has_alpha(image) and _is_transparent(image):
        yield "black", _upright(image, _over(image, "black"))
        yield "dropped", _upright(image, _dropped(image))
        yield "cleared", _upright(image, _cleared(image))


def has_alpha(image: Image.Image) -> bool:
    """Return whether a picture's mode or metadata allow transparency, even if no pixel has it."""
    clear_colour = image.mode in _CLEAR_COLOUR_MODES and "transparency" in image.info
    return image.mode in _ALPHA_MODES or clear_colour


def _upright(image: Image.Image, opaque: Image.Image) -> Image.Image:
    turn = _TURNS.get(_orientation(image))
    opaque = _eight_bits(opaque)
    return opaque.transpose(turn) if turn is not None else opaque


def _orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    except DECODER_ERRORS:
        return 1
    return orientation if isinstance(orientation, int) else 1


def _over(image: Image.Image, colour: str) -> Image.Image:
    """Return a picture that has an alpha, laid over a colour."""
    canvas = Image.new("RGB", image.size, colour)
    for top, band in _bands(image):
        laid = _rgba(band)
        canvas.paste(laid, (0, top), laid)
    return canvas


def _dropped(image: Image.Image) -> Image.Image:
    """Return the colours of a picture without its alpha."""
    canvas = Image.new("RGB", image.size)
    for top, band in _bands(image):
        canvas.paste(_rgba(band).convert("RGB"), (0, top))
    return canvas


def _cleared(image: Image.Image) -> Image.Image:
    """Return the colours of a picture without its alpha, black where it is fully transparent."""
    canvas = Image.new("RGB", image.size)
    for top, band in _bands(image):
        laid = _rgba(band)
        visible = laid.getchannel("A").point([0] + [255] * 255)
        canvas.paste(laid.convert("RGB"), (0, top), visible)
    return canvas


def _is_transparent(image: Image.Image) -> bool:
    """Return whether any pixel is not opaque."""
    alphas = (np.asarray(_rgba(band).getchannel("A")) for _, band in _bands(image))
    return any(int(alpha.min()) < 255 for alpha in alphas)


def _rgba(image: Image.Image) -> Image.Image:
    return (image.convert("LA") if image.mode == "La" else image).convert("RGBA")


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode == "LAB":
        return image.getchannel(0)
    if image.mode.startswith("I;16"):
        return _by_bands(image, lambda values: values.astype(np.uint16) >> 8)
    if image.mode in ("I", "F"):
        return _stretched(image)
    return image


# A file may hold a signalling NaN; numpy shall not warn about it.
@np.errstate(invalid="ignore")
def _stretched(image: Image.Image) -> Image.Image:
    """Scale numbers of any range to 0..255; values that are not finite become 0."""
    low, high = _range(image)
    span = (high - low) or 1.0

    def scaled(values: np.ndarray) -> np.ndarray:
        values = values.astype(np.float64)
        return np.rint((np.where(np.isfinite(values), values, low) - low) * (255.0 / span))

    return _by_bands(image, scaled)


def _range(image: Image.Image) -> tuple[float, float]:
    """Return the least and the greatest finite value; zeros if there is none."""
    low, high = np.inf, -np.inf
    for _, band in _bands(image):
        values = np.asarray(band).astype(np.float64)
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, finite.min()), max(high, finite.max())
    return (float(low), float(high)) if low <= high else (0.0, 0.0)


def _by_bands(image: Image.Image, convert: Callable[[np.ndarray], np.ndarray]) -> Image.Image:
    """Return the grey picture of converted values."""
    grey = Image.new("L", image.size)
    for top, band in _bands(image):
        grey.paste(Image.fromarray(convert(np.asarray(band)).astype(np.uint8)), (0, top))
    return grey


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Yield the picture in bands of full width, each with the number of its first row."""
    rows = max(1, min(_BAND_ROWS, _BAND_PIXELS // image.width))
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        yield top, image.crop((0, top, image.width, bottom))

"""The parameters of imgix, which other platforms offer too.

Source: https://docs.imgix.com/en-US/apis/rendering (size, format, fit, crop).
"""

from __future__ import annotations

from registry.urls.variants._parts import value_of, without_query

# Sizes, formats, and how the picture is fitted; a signature and names of clients.
NAMES = frozenset(
    {
        *("w", "h", "ar", "dpr", "max-w", "max-h", "min-w", "min-h", "fit", "crop"),
        *("auto", "fm", "q", "cs", "ch", "lossless", "dpi", "bg", "fill", "fill-color"),
        *("sharp", "usm", "usmrad", "s", "expires", "ixlib", "ixid", "dl"),
    }
)
# `facearea` cuts a face out of the picture.
_FITS = frozenset({"clip", "clamp", "crop", "fill", "fillmax", "max", "min", "scale"})


def whole(key: str) -> str | None:
    """Return a key without parameters of size; None if one of them may change the picture."""
    fit = value_of(key.partition("?")[2], "fit")
    return without_query(key, NAMES) if fit is None or fit in _FITS else None

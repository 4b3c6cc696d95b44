"""Values of Python programs as Arrow takes them (pure): arrays as lists, pictures as bytes.

A picture that a program has decoded is no file any more. It is written as a PNG file, whose pixels
can be compared, but the digest of its file cannot; so its row gets a reason why it was not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

DECODED = "a decoded picture: its file cannot be compared"
# As for JSON: deeper values are no rows of a dataset.
_MOST_LEVELS = 100
_SIMPLE = frozenset({type(None), bool, int, float, str, bytes})
# Modules whose values are compared as text.
_AS_TEXT = frozenset({"datetime", "decimal", "fractions", "pathlib", "uuid"})


def plain_value(value: Any, notes: list[str], level: int = 0) -> Any:
    """Return a value as None, numbers, texts, bytes, lists and dictionaries of such.

    What cannot be compared (or not wholly) is noted.
    """
    if type(value) in _SIMPLE:
        return value
    if level > _MOST_LEVELS:
        notes.append("nested too deeply")
        return None
    if isinstance(value, Mapping):
        return {str(k): plain_value(v, notes, level + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        if _SIMPLE.issuperset(map(type, value)):
            return list(value)
        return [plain_value(one, notes, level + 1) for one in value]
    return _of_library(value, notes)


def _of_library(value: Any, notes: list[str]) -> Any:
    """Return a value of another type: a picture, an array, a time, a path."""
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if hasattr(value, "getbands"):
        notes.append(DECODED)
        return _as_png(value)
    if hasattr(value, "ndim") and hasattr(value, "tolist"):
        return _listed(value, notes)
    if type(value).__module__.partition(".")[0] in _AS_TEXT:
        return str(value)
    notes.append(f"a value of type {type(value).__name__} is not read")
    return None


def _as_png(picture: Any) -> bytes | None:
    """Return a picture of Pillow as a PNG file; None for one that cannot be written."""
    content = BytesIO()
    try:
        fits = picture.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16")
        (picture if fits else picture.convert("RGB")).save(content, "PNG", compress_level=1)
    except (OSError, ValueError, KeyError):
        return None
    return content.getvalue()


def _listed(array: Any, notes: list[str]) -> Any:
    """Return an array of NumPy or PyTorch as lists, unless it may be a picture."""
    is_vector = array.ndim <= 1 or (array.ndim == 2 and "float" in str(array.dtype))
    if is_vector:
        return plain_value(array.tolist(), notes)
    notes.append(DECODED)
    return None

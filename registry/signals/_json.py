"""JSON that strangers wrote, parsed within bounds."""

from __future__ import annotations

import json

MAX_TEXT = 4 * 1024 * 1024


def value_of(text: str) -> tuple[object, str]:
    """Return the value of a JSON text, numbers as their digits, and what is wrong with it.

    What cannot be read is None, with a fault; raises on no text.
    """
    if len(text) > MAX_TEXT:
        return None, f"longer than {MAX_TEXT} characters"
    text = text.lstrip("\ufeff\ufffd").removeprefix("\u00ef\u00bb\u00bf")
    try:
        # Huge numbers take long to convert, and none is looked at here.
        return json.loads(text, parse_int=str, parse_float=str), ""
    except (ValueError, RecursionError):
        return None, "not JSON"


def member(value: object, name: str) -> object:
    """Return a member of an object; None where there is none, or it is no object."""
    return value.get(name) if isinstance(value, dict) else None

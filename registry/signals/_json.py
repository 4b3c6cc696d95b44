"""Parses untrusted JSON, within limits."""

from __future__ import annotations

import json

MAX_TEXT = 4 * 1024 * 1024


def value_of(text: str) -> tuple[object, str]:
    """Return the value of a JSON text, with numbers as strings, and its fault.

    The fault is empty for valid JSON; otherwise the value is None. Never raises.
    """
    if len(text) > MAX_TEXT:
        return None, f"longer than {MAX_TEXT} characters"
    text = text.lstrip("\ufeff\ufffd").removeprefix("\u00ef\u00bb\u00bf")
    try:
        # Huge numbers take long to convert, and no caller uses numbers.
        return json.loads(text, parse_int=str, parse_float=str), ""
    except (ValueError, RecursionError):
        return None, "not JSON"


def member(value: object, name: str) -> object:
    """Return a member of an object; None if it is missing, or if `value` is not an object."""
    return value.get(name) if isinstance(value, dict) else None

"""Durations as users write them: 30m, 12h, 7d. Pure."""

from __future__ import annotations

from datetime import timedelta

UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}


def duration(text: str) -> timedelta:
    """Return a text such as `12h` as a timedelta. Raises ValueError for any other."""
    number, unit = text[:-1], text[-1:]
    if not number.isascii() or not number.isdigit() or unit not in UNITS:
        raise ValueError(f"{text!r} is not a duration such as 30m, 12h or 7d")
    try:
        return UNITS[unit] * int(number)
    except (OverflowError, ValueError) as error:  # ValueError: thousands of digits
        raise ValueError(f"{text[:20]!r} is too long") from error


def spelled(length: timedelta) -> str:
    """Return a duration in its two largest units from days to seconds: 7d, 1d12h, 90m is 1h30m."""
    left, parts = length, []
    for unit in "dhms":
        count, left = divmod(left, UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break
    return "".join(parts[:2]) or "0s"

"""Dates in sitemaps and feeds: W3C date and time formats, and RFC 822. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

# Longer texts are not dates.
_MOST_CHARACTERS = 100
# https://www.w3.org/TR/NOTE-datetime, and a space for the T, as many sites write it.
_W3C = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[Tt ]\s?(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,30}))?)?"
    r"\s?([Zz]|UTC|GMT|[+-]\d\d:?\d\d)?)?)?)?",
    re.ASCII,
)


def read_date(text: str) -> datetime | None:
    """Return the moment that a text states, in UTC; None if it is not a date.

    A date without a zone is in UTC. The missing parts of a shortened date are the first ones
    (`2026-11` is the first of November, at midnight).
    """
    text = text.strip()
    if len(text) > _MOST_CHARACTERS:
        return None
    try:
        match = _W3C.fullmatch(text)
        moment = _of_w3c(match) if match else _of_rfc_822(text)
        return moment.astimezone(UTC) if moment else None
    except (ValueError, OverflowError):
        # A month 13, a zone of 99 hours; a moment before the year 1.
        return None


def _of_w3c(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    return datetime(
        int(year),
        int(month or 1),
        int(day or 1),
        int(hour or 0),
        int(minute or 0),
        # A leap second has no value of its own.
        59 if second == "60" else int(second or 0),
        int((fraction or "0")[:6].ljust(6, "0")),
        _zone(zone),
    )


def _zone(text: str | None) -> timezone:
    if text is None or text[0] not in "+-":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _of_rfc_822(text: str) -> datetime | None:
    try:
        # Some feeds leave the time of day out.
        parts = parsedate_tz(text) or parsedate_tz(f"{text} 00:00")
    except (IndexError, TypeError):
        # The parser of the standard library fails so on some texts that are not dates.
        return None
    if parts is None:
        return None
    year, month, day, hour, minute, second = parts[:6]
    zone = timezone(timedelta(seconds=parts[9] or 0))
    return datetime(year, month, day, hour, minute, 59 if second == 60 else second, 0, zone)

"""Responses that ask for a pause, 429 and 503, and its length. Pure."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

REFUSALS = frozenset({429, 503})
_MOST_DIGITS = 10
_SECONDS = re.compile(r"([0-9]+)(?:\.[0-9]*)?")


def retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds of a `Retry-After` field; None if its value is invalid.

    The value is a number of seconds or a date (RFC 9110, section 10.2.3); a date in the past
    gives 0. Decimals, which are invalid, are rounded up.
    """
    value = value.strip()
    seconds = _SECONDS.fullmatch(value)
    if seconds:
        return float(math.ceil(float(value))) if len(seconds[1]) <= _MOST_DIGITS else math.inf
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())

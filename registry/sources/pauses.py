"""Answers that ask to be left alone for a while: 429 and 503, and how long. Pure."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

REFUSALS = frozenset({429, 503})
_MOST_DIGITS = 10
_SECONDS = re.compile(r"([0-9]+)(?:\.[0-9]*)?")


def retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` asks for; None for what is neither form.

    Its forms are seconds and a date (RFC 9110, section 10.2.3); a date in the past is 0.
    Decimals, which are no form, are rounded up.
    """
    value = value.strip()
    seconds = _SECONDS.fullmatch(value)
    if seconds:
        return float(math.ceil(float(value))) if len(seconds[1]) <= _MOST_DIGITS else math.inf
    try:
        named = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    named = named if named.tzinfo else named.replace(tzinfo=UTC)
    return max(0.0, (named - now).total_seconds())

"""Times of whole columns of a table, as `claim_from_row` parses them one by one. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from registry.claims.column_views import (
    Bytes,
    Mask,
    Parsed,
    as_text,
    bytes_of,
    kept,
    matches,
    matrix,
    not_null,
    without_values,
)

MOMENT = pa.timestamp("us", "UTC")
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_DAY = 86_400
# Seconds from 1970; times near the limits, which depend on the zone, are left to the row code.
_FROM, _BEFORE = _DAY, int(datetime(9000, 1, 1, tzinfo=UTC).timestamp()) - _DAY
# The length of a date, of a time without a zone, and what may follow it for UTC.
_DATE, _TIME, _ZONES = 10, 19, ("", "Z", "+00:00")
_FORM = r"^[0-9]{4}-[01][0-9]-[0-3][0-9](?:[T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:Z|\+00:00)?)?$"
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0, 0, 0, 0, 0])
Numbers = npt.NDArray[np.int64]


def parsed_moments(array: pa.Array) -> Parsed:
    """Return times as microseconds in UTC: of timestamps, dates, or text in ISO 8601."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        # Any other zone may be one that Python does not know.
        return _timed(array, kind.unit) if kind.tz in (None, "UTC") else without_values(array)
    if pa.types.is_date32(kind):
        days = pc.fill_null(array.cast(pa.int32()), 0).to_numpy().astype(np.int64)
        return _within(days * _DAY, np.zeros_like(days), ~not_null(array))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _in_text(as_text(array))
    return without_values(array)


def _timed(array: pa.Array, unit: str) -> Parsed:
    ticks = pc.fill_null(array.cast(pa.int64()), 0).to_numpy()
    seconds, rest = np.divmod(ticks, _PER_SECOND[unit])
    return _within(seconds, rest * 1_000_000 // _PER_SECOND[unit], ~not_null(array))


def _within(seconds: Numbers, micros: Numbers, blank: Mask) -> Parsed:
    """Return a column of times; those that are too early or too late are not certain."""
    good = (seconds >= _FROM) & (seconds < _BEFORE) & ~blank
    ticks = np.where(good, seconds, 0) * 1_000_000 + micros
    return Parsed(good | blank, kept(pa.array(ticks).view(MOMENT), good))


def _in_text(texts: pa.Array) -> Parsed:
    view = bytes_of(texts)
    right = matches(texts, _FORM) & ~view.blank
    seconds = np.zeros(len(right), np.int64)
    for size in (_DATE, *(_TIME + len(zone) for zone in _ZONES)):
        rows = right & (view.sizes == size)
        if rows.any():
            seconds[rows] = _seconds(_digits(view, rows, size))
    certain, values = _within(seconds, np.zeros_like(seconds), ~right)
    return Parsed((certain & right) | view.blank, values)


def _digits(view: Bytes, rows: Mask, size: int) -> Numbers:
    """Return the digits at their places, one place a row of the matrix."""
    return matrix(view, rows, size).T.astype(np.int64) - ord("0")


def _seconds(digits: Numbers) -> Numbers:
    """Return the seconds from 1970 of dates or times, -1 of those that do not exist."""

    def number(at: int, size: int = 2) -> Numbers:
        value: Numbers = digits[at]
        for place in range(at + 1, at + size):
            value = 10 * value + digits[place]
        return value

    year, month, day = number(0, 4), number(5), number(8)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    exists = (day >= 1) & (day <= _MONTH_DAYS[month] + (leap & (month == 2)))
    # The days of a proleptic Gregorian year that begins in March.
    shifted = np.where(month <= 2, year - 1, year)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + of_year - 719_468
    seconds = days * _DAY
    if len(digits) > _DATE:
        exists &= number(11) <= 23
        seconds += number(11) * 3600 + number(14) * 60 + number(17)
    return np.where(exists, seconds, -1)

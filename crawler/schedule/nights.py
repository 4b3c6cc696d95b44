"""The hours of a day in which a site may be visited. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from registry.errors import UsageError

_HOURS = re.compile(r"([01]?\d|2[0-4])(?::([0-5]\d))?-([01]?\d|2[0-4])(?::([0-5]\d))?", re.ASCII)

# Files beside the time zones that differ from machine to machine.
_OF_THE_MACHINE = {"localtime", "posixrules"}


@cache
def zone(name: str) -> ZoneInfo:
    """Return a time zone. Raises UsageError for an unknown name, and what each machine sets."""
    try:
        if name in _OF_THE_MACHINE:
            raise KeyError(name)
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise UsageError(f"{name!r} is no time zone", "a name such as Europe/Paris") from error


@dataclass(frozen=True, slots=True)
class Night:
    """The hours in which visits run, `start` to `end` of every day in one time zone.

    They may go past midnight. `text` is the form in which the user wrote them.
    """

    text: str
    start: time
    end: time
    zone: ZoneInfo

    def opens(self, at: datetime) -> datetime:
        """Return `at` if it is within the hours, else when they begin next. In UTC."""
        for day in self._days(at):
            begin, end = self._window(day)
            # Hours that the clock leaves out are none.
            if at < end and begin < end:
                return max(at, begin).astimezone(UTC)
        raise AssertionError("a day has a night")

    def closes(self, at: datetime) -> datetime | None:
        """Return the end of the hours that contain `at`, in UTC; None outside of them."""
        for day in self._days(at):
            begin, end = self._window(day)
            if begin <= at < end:
                return end.astimezone(UTC)
        return None

    def _days(self, at: datetime) -> list[date]:
        """Return the days on which hours may begin that contain or follow `at`."""
        today = at.astimezone(self.zone).date()
        return [today + timedelta(days=number) for number in (-1, 0, 1, 2)]

    def _window(self, day: date) -> tuple[datetime, datetime]:
        last = day if self.start < self.end else day + timedelta(days=1)
        # In UTC: local times of one zone are compared without their offset.
        begin = datetime.combine(day, self.start, self.zone).astimezone(UTC)
        return begin, datetime.combine(last, self.end, self.zone).astimezone(UTC)


def night(text: str, timezone: str = "UTC") -> Night:
    """Return the hours in a text such as `22-06` or `22:30-06:15`. Raises UsageError."""
    match = _HOURS.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} are no hours", "the form is 22-06 or 22:30-06:15")
    start, end = (_time(match[n], match[n + 1]) for n in (1, 3))
    if start is None or end is None or start == end:
        raise UsageError(f"{text!r} are no hours of a day", "the form is 22-06 or 22:30-06:15")
    return Night(text, start, end, zone(timezone))


def _time(hours: str, minutes: str | None) -> time | None:
    """Return a time of day; 24:00 is the midnight at the end, which is that at the start."""
    number, minute = int(hours), int(minutes or 0)
    if number == 24:
        return time(0) if minute == 0 else None
    return time(number, minute)

"""When the next visit of a site is due. Pure.

A rule says how often a site is visited: at an interval after the end of the visit before, or
at the times of a cron expression. An interval between `least` and `most` follows the
estimated rate of change of the site (`crawler.schedule.rates`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from croniter import CroniterBadDateError, CroniterError, croniter

from crawler.schedule.nights import Night, zone
from crawler.schedule.rates import Changes, interval
from registry.errors import UsageError

# Bounds of an interval that follows a site's rate of change, and its first length.
LEAST = timedelta(days=1)
MOST = timedelta(days=90)
FIRST = timedelta(days=7)
# Intervals differ by up to this share, so that sites added together are not due together.
SPREAD = 0.05
# Below this a site would be visited again before its pages can have changed.
SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=3650)
# Site files are asked for twice as often as pages, and once a day; never more often than this.
SITE_FILES = timedelta(days=1)
LEAST_SITE_FILES = timedelta(hours=1)
# A site that could not be read is tried again after a day, unless its next visit is sooner.
RETRY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """How often a site is visited.

    Either `cron`, an expression of five fields in the time zone `timezone`; or `every`, an
    interval. If `least` and `most` are given, `every` is only the first interval. `site_files`
    is the interval of the site files, None for the default.
    """

    every: timedelta | None = None
    cron: str | None = None
    least: timedelta | None = None
    most: timedelta | None = None
    night: Night | None = None
    timezone: str = "UTC"
    site_files: timedelta | None = None

    def __post_init__(self) -> None:
        """Raise UsageError for a rule that contradicts itself or is out of range."""
        zone(self.timezone)
        if self.site_files is not None and not SHORTEST <= self.site_files <= LONGEST:
            raise UsageError("--site-files is out of range", "from 1m to 3650d")
        if self.cron is not None:
            self._check_cron(self.cron)
            return
        if self.every is None:
            raise UsageError("a schedule needs --every or --cron", "--every 7d")
        for name, value in (("least", self.least), ("most", self.most), ("every", self.every)):
            if value is not None and not SHORTEST <= value <= LONGEST:
                raise UsageError(f"--{name} is out of range", "from 1m to 3650d")
        if (self.least or SHORTEST) > (self.most or LONGEST):
            raise UsageError("--least is longer than --most", "exchange them")

    def _check_cron(self, cron: str) -> None:
        if self.every or self.least or self.most:
            raise UsageError("--cron names the times itself", "leave --every, --least, --most out")
        if self.night:
            raise UsageError("--cron names the times itself", "leave --night out")
        try:
            is_valid = len(cron.split()) == 5 and croniter.is_valid(cron)
            croniter(cron, datetime(2026, 1, 1, tzinfo=UTC)).get_next(datetime)
        except CroniterBadDateError as error:
            raise UsageError(f"{cron!r} never comes", "correct the day or the month") from error
        except (CroniterError, ValueError, OverflowError):
            is_valid = False
        if not is_valid:
            raise UsageError(
                f"{cron!r} is no cron expression",
                "five fields: minute hour day month weekday, such as '0 3 * * 1'",
            )

    @property
    def is_adaptive(self) -> bool:
        """Return whether the interval follows the site's rate of change."""
        return self.least is not None and self.most is not None

    def interval(self, changes: Changes) -> timedelta | None:
        """Return the present interval; None for the times of a cron expression."""
        if self.every is None or self.least is None or self.most is None:
            return self.every
        if not changes.is_known:
            return min(max(self.every, self.least), self.most)
        return interval(changes, self.least, self.most)

    def first(self, now: datetime) -> datetime:
        """Return when the first visit is due, in UTC."""
        return self._cron_after(now) if self.cron else self._at_night(now)

    def after(self, ended: datetime, changes: Changes, chance: float) -> datetime:
        """Return when the visit after one that ended then is due, in UTC.

        `chance` is a random number from 0 to 1.
        """
        if self.cron:
            return self._cron_after(ended)
        length = self.interval(changes)
        assert length is not None
        return self._at_night(ended + _spread(length, chance))

    def after_failure(
        self, ended: datetime, changes: Changes, chance: float, tries: int = 1
    ) -> datetime:
        """Return when the visit after one that failed is due, like `after`.

        After each of several `tries` in a row the time doubles, up to the usual one.
        """
        usual = self.after(ended, changes, chance)
        again = _spread(RETRY * 2 ** min(tries - 1, 12), chance)
        return usual if self.cron else min(usual, self._at_night(ended + again))

    def site_files_after(self, ended: datetime, pages_due: datetime, chance: float) -> datetime:
        """Return when the site files are due after a visit that ended then, in UTC.

        Not after the pages, whose visit asks for them too.
        """
        usual = min(SITE_FILES, max((pages_due - ended) / 2, LEAST_SITE_FILES))
        return min(pages_due, self._at_night(ended + _spread(self.site_files or usual, chance)))

    def _at_night(self, at: datetime) -> datetime:
        return self.night.opens(at) if self.night else at.astimezone(UTC)

    def _cron_after(self, at: datetime) -> datetime:
        local = at.astimezone(zone(self.timezone))
        following: datetime = croniter(self.cron, local).get_next(datetime)
        return following.astimezone(UTC)


def _spread(length: timedelta, chance: float) -> timedelta:
    return length * (1 + SPREAD * (2 * chance - 1))

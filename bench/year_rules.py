"""Rules for the next visit of a site, that of this project and its peers.

Every rule keeps its intervals between LEAST and MOST, and varies them by SPREAD. All but ours
have one number, `scale`, by which their requests are made as many as ours.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bench.year_sites import World
from crawler.schedule.rates import Changes
from crawler.schedule.rules import FIRST, LEAST, MOST, SPREAD, Rule

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


class Ours:
    """The schedule of a site that `crawler schedule add URL` makes."""

    def __init__(self, world: World) -> None:
        """Begin without knowledge."""
        self.rule = Rule(every=FIRST, least=LEAST, most=MOST)
        self.sites = [Changes()] * len(world.rates)

    def after(
        self, site: int, ended: float, gap: float | None, changed: bool, chance: float
    ) -> float:
        """Return when the next visit is due."""
        if gap is not None:
            self.sites[site] = self.sites[site].with_visit(gap * DAY, changed=changed)
        return (self.rule.after(START + ended * DAY, self.sites[site], chance) - START) / DAY


@dataclass(slots=True)
class Peer:
    """A rule of others; this one has the same interval for all, `scale` days."""

    world: World
    scale: float

    def after(
        self, site: int, ended: float, gap: float | None, changed: bool, chance: float
    ) -> float:
        """Return when the next visit is due."""
        days = self.interval(site, gap, changed)
        bounded = min(max(days, LEAST / DAY), MOST / DAY)
        return ended + bounded * (1 + SPREAD * (2 * chance - 1))

    def interval(self, site: int, gap: float | None, changed: bool) -> float:
        """Return the days until the next visit, before they are bounded."""
        return self.scale


@dataclass(slots=True)
class Stretched(Peer):
    """The interval shrinks after a change and grows by the share `scale` without one."""

    shrink: float = 0.5
    first: float = FIRST / DAY
    intervals: dict[int, float] = field(default_factory=dict)

    def interval(self, site: int, gap: float | None, changed: bool) -> float:
        """Return the days until the next visit."""
        days = self.intervals.get(site, self.first)
        if gap is not None:
            days *= 1 - self.shrink if changed else 1 + self.scale
        self.intervals[site] = min(max(days, LEAST / DAY), MOST / DAY)
        return self.intervals[site]


@dataclass(slots=True)
class Nutch(Peer):
    """Nutch's rule with its own rates and `scale` days as the first interval.

    AdaptiveFetchSchedule.setFetchSchedule with the rates of nutch-default.xml. By default it
    also shifts the next visit towards the last change (`sync`); the interval, which grows to
    the time since then, may therefore have a year, Nutch's own limit. With a lower one a site
    that did not change for long would be due at once, again and again (NUTCH-1564).
    """

    sync: bool = False
    intervals: dict[int, float] = field(default_factory=dict)
    changed_at: dict[int, float] = field(default_factory=lambda: defaultdict(float))

    def interval(self, site: int, gap: float | None, changed: bool) -> float:
        """Return the days until the next visit."""
        days = self.intervals.get(site, self.scale)
        since = 0.0
        if gap is not None:
            days *= 0.8 if changed else 1.4
            since = 0.0 if changed else self.changed_at[site] + gap
            self.changed_at[site] = since
        if not self.sync:
            self.intervals[site] = min(max(days, LEAST / DAY), MOST / DAY)
            return self.intervals[site]
        self.intervals[site] = min(max(days, since, LEAST / DAY), 365)
        return self.intervals[site] - 0.3 * since


@dataclass(slots=True)
class Counted(Peer):
    """k/√λ with the estimate of Cho and Garcia-Molina from three sums, k = `scale`.

    λ = -ln((n - x + ½) / (n + ½)) · n/t of n visits in t days, of which x found a change; a visit
    weighs a tenth less than the one after it ("Estimating Frequency of Change", 2003).
    """

    sums: dict[int, tuple[float, float, float]] = field(default_factory=dict)

    def interval(self, site: int, gap: float | None, changed: bool) -> float:
        """Return the days until the next visit."""
        if gap is None:
            return FIRST / DAY
        n, x, t = self.sums.get(site, (1.0, 0.1, 14.0))
        n, x, t = self.sums[site] = 0.9 * n + 1, 0.9 * x + changed, 0.9 * t + gap
        return self.scale / math.sqrt(-math.log((n - x + 0.5) / (n + 0.5)) * n / t)


@dataclass(slots=True)
class Freshest(Peer):
    """The optimum for freshness with the rates as this project estimates them.

    `scale` is the cost of a request, in days that a site is not up to date.
    """

    sites: dict[int, Changes] = field(default_factory=dict)

    def interval(self, site: int, gap: float | None, changed: bool) -> float:
        """Return the days until the next visit."""
        if gap is None:
            return FIRST / DAY
        before = self.sites.get(site, Changes())
        self.sites[site] = before.with_visit(gap * DAY, changed=changed)
        return freshest(self.sites[site].rate, self.scale)


@dataclass(slots=True)
class KnownFreshest(Peer):
    """The optimum for freshness with the true rates."""

    def interval(self, site: int, gap: float | None, changed: bool) -> float:
        """Return the days until the next visit."""
        return freshest(self.world.rates[site], self.scale)


@dataclass(slots=True)
class KnownSoonest(Peer):
    """k/√λ with the true rates, k = `scale`: the least mean delay of all changes."""

    def interval(self, site: int, gap: float | None, changed: bool) -> float:
        """Return the days until the next visit."""
        return self.scale / math.sqrt(max(self.world.rates[site], 1e-9))


def freshest(rate: float, cost: float) -> float:
    """Return the interval with the most freshness for its requests (Cho and Garcia-Molina).

    A site that is visited every τ days is stale for a share 1 - (1 - e^(-λτ)) / λτ of the time.
    With a cost of c days for a request, that and c/τ are least where 1 - (1 + λτ) e^(-λτ) = λc;
    never for a site that changes too often ("Effective Page Refresh Policies for Web
    Crawlers", 2003, section 4).
    """
    wanted = rate * cost
    if wanted >= 1:
        return MOST / DAY
    low, high = 0.0, 100.0
    for _ in range(40):
        middle = (low + high) / 2
        below = 1 - (1 + middle) * math.exp(-middle) < wanted
        low, high = (middle, high) if below else (low, middle)
    return low / max(rate, 1e-9)

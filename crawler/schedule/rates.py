"""Estimates of how often a site changes, and the interval that follows from it. Pure.

A site changes at random moments, with a mean rate of λ a day: a visit finds no change in a gap
of t days with probability e^(-λt), and a change with 1 - e^(-λt) (Cho and Garcia-Molina,
"Estimating Frequency of Change", 2003). The rate is not known; it is taken to have a gamma
distribution of a shape a and b days, so its mean is a/b. Most sites hardly ever change and few
do so daily, which is what a small shape says.

- A visit without a change turns it into the gamma distribution of a and b + t, exactly.
- After one with a change, the distribution is the difference of two gamma distributions. Its
  moments are E[λ] = a/b · (1 - q^(a+1)) / (1 - q^a) and E[λ²] = a(a+1)/b² · (1 - q^(a+2)) /
  (1 - q^a) with q = b / (b + t). The gamma distribution of the same mean and variance takes its
  place (assumed-density filtering; Minka, "Expectation Propagation", 2001, section 2).

A change waits τ/2 days on average if visits are τ days apart. With a cost of c days for a
request, a site costs λτ/2 + c/τ a day, least if τ = √(2c/λ). The cost is linear in λ, so the
mean of an uncertain rate takes the place of λ. The optimum for freshness alone (Cho and
Garcia-Molina, "Effective Page Refresh Policies for Web Crawlers", 2003) finds changes later:
it gives up the sites that change most (docs/scheduling.md, with figures).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

# Shape and days are multiplied by this at a visit, so that the estimate follows a rate that
# changes: the mean stays, and is less certain. The shape stays at least that of a new site.
MEMORY = 0.9
# Before any visit; the defaults of the database, too.
VISITS, CHANGED, DAYS = 1.0, 0.1, 14.0
# The shape of the distribution, less `changed`. So a new site has 0.021 changes a day on average;
# half of such sites change less than twice a year.
SHAPE = 0.2
# Days between two visits of a site that changes once a day. Larger: fewer requests.
PACE = 2.1
_DAY = timedelta(days=1)
# The shortest gap between visits in days, a tenth of a second: a shorter one says nothing more.
_SHORTEST = 1e-6


@dataclass(frozen=True, slots=True)
class Changes:
    """What the visits of a site say about its rate of change.

    `visits` is their weighted number. `changed` and `days` give the distribution of the rate, and
    are about the number of changes found and the days in which they were made.
    """

    visits: float = VISITS
    changed: float = CHANGED
    days: float = DAYS

    @property
    def is_known(self) -> bool:
        """Return whether a second visit has shown what changed since the first."""
        return self.visits > VISITS

    def with_visit(self, gap: timedelta, *, changed: bool) -> Changes:
        """Return the estimate after another visit, `gap` after the one before."""
        shape = max(MEMORY * (SHAPE + self.changed), SHAPE + CHANGED)
        days = max(MEMORY * self.days, _SHORTEST)
        length = max(gap / _DAY, _SHORTEST)
        if changed:
            shape, days = _after_change(shape, days, length)
        else:
            days += length
        return Changes(MEMORY * self.visits + 1, shape - SHAPE, days)

    @property
    def rate(self) -> float:
        """Return the estimated number of changes a day."""
        return (SHAPE + self.changed) / max(self.days, _SHORTEST)


def interval(changes: Changes, least: timedelta, most: timedelta) -> timedelta:
    """Return the time until the next visit, from `least` to `most`."""
    days = PACE / math.sqrt(changes.rate)
    return min(max(timedelta(days=min(days, 36_500)), least), most)


def _after_change(shape: float, days: float, gap: float) -> tuple[float, float]:
    """Return shape and days of the distribution after a gap in which the site changed."""
    # 1 - q^p for q = days / (days + gap), without loss of digits if the gap is short.
    none, one, two = (-math.expm1(-(shape + n) * math.log1p(gap / days)) for n in range(3))
    mean = shape / days * one / none
    variance = shape * (shape + 1) / days**2 * two / none - mean**2
    return mean**2 / variance, mean / variance

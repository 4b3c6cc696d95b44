"""Estimates of how often a site changes, and the interval that follows from it. Pure.

A site that changes at random moments, with a mean rate of λ a day, changed in a share
1 - e^(-λτ) of the visits that are τ days apart. Turned around, with n visits in t days of
which x found a change, λ = -ln((n - x + ½) / (n + ½)) · n/t; the halves keep it finite if
every visit found a change (Cho and Garcia-Molina, "Estimating Frequency of Change", 2003).
With a fixed number of requests, intervals in proportion to 1/√λ keep more of a registry
fresh than equal ones, and find changes sooner than the optimum for freshness alone, which
neglects the sites that change most (docs/scheduling.md, with figures).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

# A visit long ago counts less than the last one: by this factor for every visit since.
MEMORY = 0.9
# Before any visit: one visit in 14 days that found a tenth of a change.
VISITS, CHANGED, DAYS = 1.0, 0.1, 14.0
# Days between two visits of a site that changes once a day. Larger: fewer requests.
PACE = 1.6
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Changes:
    """The visits of a site: their number, how many found a change, and the days between them.

    All three are weighted: old visits count less.
    """

    visits: float = VISITS
    changed: float = CHANGED
    days: float = DAYS

    @property
    def is_known(self) -> bool:
        """Return whether a second visit has shown what changed since the first."""
        return (self.visits, self.changed, self.days) != (VISITS, CHANGED, DAYS)

    def with_visit(self, gap: timedelta, *, changed: bool) -> Changes:
        """Return the estimate after another visit, `gap` after the one before."""
        return Changes(
            MEMORY * self.visits + 1,
            MEMORY * self.changed + changed,
            MEMORY * self.days + max(gap / _DAY, 0),
        )

    @property
    def rate(self) -> float:
        """Return the estimated number of changes a day."""
        unchanged = (self.visits - self.changed + 0.5) / (self.visits + 0.5)
        return -math.log(unchanged) * self.visits / max(self.days, 1e-6)


def interval(changes: Changes, least: timedelta, most: timedelta) -> timedelta:
    """Return the time until the next visit, from `least` to `most`."""
    if changes.rate <= 0:
        return most
    days = PACE / math.sqrt(changes.rate)
    return min(max(timedelta(days=min(days, 36_500)), least), most)

"""Sites that change at random, each with a rate of its own, and a crew of workers that visits them.

The clock is simulated: a visit is an event in a queue. Times are days since the start.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush, heapreplace
from typing import NamedTuple, Protocol

# Days after the end in which visits still find changes made before it; none is longer apart.
TAIL = 100.0
# The shortest and the longest visit.
VISIT_SECONDS = (10, 600)
_SECONDS = 86_400
# Changes of a burst, and the days in which they are made.
BURST, BURST_DAYS = 5, 2.0


class Policy(Protocol):
    """A rule for the next visit of each site."""

    def after(
        self, site: int, ended: float, gap: float | None, changed: bool, chance: float
    ) -> float:
        """Return when the visit after one that ended then is due.

        `gap` is the time since the visit before it, None for the first; `chance` a random
        number from 0 to 1.
        """


@dataclass(frozen=True, slots=True)
class World:
    """Sites: the rate of each, in changes a day, and the times of its changes in order."""

    days: float
    rates: list[float]
    changes: list[list[float]]


@dataclass(slots=True)
class Year:
    """What was measured in one run; delays in days, lateness in seconds."""

    requests: int = 0
    fresh: float = 0.0
    # From the first change since the visit before to the end of the visit that found it.
    delays: list[float] = field(default_factory=list)
    # The same of every change, also if several were found by one visit.
    waits: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    revisits_by_day: list[int] = field(default_factory=list)


def power_law(sites: int, exponent: float, chance: random.Random) -> list[float]:
    """Return rates from 1/1000 to 1 a day with a density in proportion to rate^-exponent."""
    low, power = 0.001, 1 - exponent
    if not power:
        return [low ** chance.random() for _ in range(sites)]
    least = low**power
    return [(least + chance.random() * (1 - least)) ** (1 / power) for _ in range(sites)]


def world(
    sites: int,
    days: float,
    seed: int,
    exponent: float = 1.6,
    drift: float = 0,
    bursts: bool = False,
) -> World:
    """Return sites whose rates follow a power law.

    A share `drift` of them gets a new rate in the middle. With `bursts`, a site's changes come
    five at a time.
    """
    chance = random.Random(seed)
    rates = power_law(sites, exponent, chance)
    later = [
        power_law(1, exponent, chance)[0] if chance.random() < drift else rate for rate in rates
    ]
    made = []
    for before, after in zip(rates, later, strict=True):
        if bursts:
            starts = _moments(before / BURST, 0, days + TAIL, chance)
            times = [at + chance.random() * BURST_DAYS for at in starts for _ in range(BURST)]
        else:
            times = _moments(before, 0, days / 2, chance)
            times += _moments(after, days / 2, days + TAIL, chance)
        made.append(sorted(times))
    return World(days, rates, made)


def _moments(rate: float, start: float, end: float, chance: random.Random) -> list[float]:
    """Return the times of a Poisson process."""
    found, at = [], start
    while rate and (at := at + chance.expovariate(rate)) < end:
        found.append(at)
    return found


class Visit(NamedTuple):
    """One visit: `before` is the begin of the site's visit before it, None for the first."""

    site: int
    before: float | None
    due: float
    begin: float
    end: float


def visits(world: World, policy: Policy, workers: int, seed: int = 1) -> Iterator[Visit]:
    """Let workers visit the sites; all are new and due at the start.

    The worker that is free first takes the site that is due for the longest time. A visit sees
    the site as it is when the visit begins.
    """
    chance = random.Random(seed)
    queue = [(0.0, site) for site in range(len(world.rates))]
    free = [0.0] * workers
    began: list[float | None] = [None] * len(world.rates)
    ended = [0.0] * len(world.rates)
    while queue:
        due, site = heappop(queue)
        begin = max(due, free[0])
        if begin >= world.days + TAIL:
            continue
        end = begin + chance.uniform(*VISIT_SECONDS) / _SECONDS
        heapreplace(free, end)
        visit = Visit(site, began[site], due, begin, end)
        yield visit
        gap = None if visit.before is None else end - ended[site]
        changed = bool(found(world, visit))
        began[site], ended[site] = begin, end
        heappush(queue, (policy.after(site, end, gap, changed, chance.random()), site))


def found(world: World, visit: Visit) -> list[float]:
    """Return the times of the changes that a visit finds; none if it is the first."""
    if visit.before is None:
        return []
    made = world.changes[visit.site]
    return made[bisect_right(made, visit.before) : bisect_right(made, visit.begin)]


def measured(world: World, made: Iterable[Visit]) -> Year:
    """Return what the visits of a year found, and when.

    Requests count within the days of the world, and changes that were made within them; they
    are found by later visits, too.
    """
    year = Year(revisits_by_day=[0] * int(world.days))
    stale = covered = 0.0
    for visit in made:
        if visit.begin < world.days:
            year.requests += 1
            if visit.before is None:
                covered += world.days - visit.end
            else:
                year.revisits_by_day[int(visit.begin)] += 1
                year.late.append((visit.begin - visit.due) * _SECONDS)
        changes = [at for at in found(world, visit) if at < world.days]
        if changes:
            year.delays.append(visit.end - changes[0])
            year.waits += [visit.end - at for at in changes]
            stale += min(visit.end, world.days) - changes[0]
    year.fresh = 1 - stale / covered
    return year

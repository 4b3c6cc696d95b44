"""How soon a host may be asked again, and when it has refused too often. Pure.

Times are seconds of one clock that only goes forward, given by the caller. Hosts are
names without ports: two servers on one machine share its pace.

- Between the starts of two requests to a host lies at least its least delay: `--delay`, or the
  `Crawl-delay` of its robots.txt where that is longer.
- 429 and 503 pause the host: for `Retry-After`, else for BACKOFF delays, twice as long each
  time in a row.
- The visit of a host ends when it refuses MOST_REFUSALS times in a row, or asks for a pause that
  is longer than MOST_PAUSE or than the visit: it is never asked before the time it named.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from registry.sources.pauses import REFUSALS

MOST_PAUSE = 600.0
MOST_CRAWL_DELAY = 60.0
MOST_REFUSALS = 3
BACKOFF = 5


@dataclass(slots=True)
class _Host:
    """What is known of one host; `ended` is the status for which it is asked no more."""

    least: float
    started: float = -math.inf
    paused_until: float = -math.inf
    refusals: int = 0
    ended: int | None = None


@dataclass(slots=True)
class Pace:
    """The pace of one visit. `least_delay` gives the seconds between requests to a host.

    `ends_at` is when the visit ends, on the clock of the other times.
    """

    least_delay: Callable[[str], float]
    ends_at: float = math.inf
    _hosts: dict[str, _Host] = field(default_factory=dict)

    def least(self, host: str) -> float:
        """Return the least seconds between the starts of two requests to a host."""
        return self._host(host).least

    def crawl_delay(self, host: str, seconds: float) -> None:
        """Take in the `Crawl-delay` of a host; what is longer than 60 s counts as 60 s."""
        known = self._host(host)
        known.least = max(known.least, min(seconds, MOST_CRAWL_DELAY))

    def reserve(self, host: str, now: float) -> float:
        """Return how many seconds from now the next request may start; it is taken to do so."""
        known = self._host(host)
        known.started = max(now, known.started + known.least, known.paused_until)
        return known.started - now

    def pause(self, host: str, now: float) -> float:
        """Return how many seconds a host's pause still lasts, 0 where it has none."""
        return max(0.0, self._host(host).paused_until - now)

    def paused(self, now: float) -> frozenset[str]:
        """Return the hosts that pause."""
        return frozenset(name for name, host in self._hosts.items() if host.paused_until > now)

    def ended(self, host: str) -> int | None:
        """Return the status for which a host is asked no more, None while it may be."""
        return self._host(host).ended

    def stopped(self) -> dict[str, int]:
        """Return every host that is asked no more, with its last status."""
        return {name: host.ended for name, host in self._hosts.items() if host.ended is not None}

    def answered(self, host: str, status: int, wait: float | None, now: float) -> None:
        """Take in an answer; `wait` is the seconds that its `Retry-After` asks for."""
        known = self._host(host)
        if status not in REFUSALS:
            # What was under way when the host refused says nothing of the time after.
            known.refusals = 0 if known.paused_until <= now else known.refusals
            return
        # Requests that were under way together are refused together: that counts once.
        known.refusals += known.paused_until <= now
        backoff = BACKOFF * known.least * 2 ** (known.refusals - 1)
        pause = backoff if wait is None else wait
        known.paused_until = max(known.paused_until, now + pause)
        too_long = pause > MOST_PAUSE or known.paused_until >= self.ends_at
        if known.refusals >= MOST_REFUSALS or too_long:
            known.ended = status

    def _host(self, host: str) -> _Host:
        if host not in self._hosts:
            self._hosts[host] = _Host(self.least_delay(host))
        return self._hosts[host]

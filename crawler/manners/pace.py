"""The time of the next request to a host, and when requests to it stop. Pure.

Times are seconds of a monotonic clock, given by the caller. Hosts are names without
ports: two servers on one machine share its pace.

- Two requests to a host start at least its minimum delay apart: `--delay`, or the
  `Crawl-delay` of its robots.txt if that is longer. It counts from the response: nobody knows
  when a request arrived before. MARGIN is added, as no clock is exact.
- 429 and 503 pause the host: for `Retry-After`, at most MOST_WAIT, else for BACKOFF delays,
  doubled for each refusal in a row.
- Requests to a host stop when it refuses MOST_REFUSALS times in a row, or when `Retry-After`
  is longer than MOST_PAUSE or than the visit: a host is never requested before that time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from registry.sources.pauses import REFUSALS

MOST_PAUSE = 600.0
# A host that names a later time, by mistake or not, is asked again after a week.
MOST_WAIT = 7 * 86_400.0
MOST_CRAWL_DELAY = 60.0
MOST_REFUSALS = 3
BACKOFF = 5
# Seconds beside a delay.
MARGIN = 0.02


@dataclass(slots=True)
class _Host:
    """The state of one host; `stopped` is the status after which requests stopped, or None.

    `least_delay` in seconds; it counts from `started`, the time of the last request, or of its
    response.
    """

    least_delay: float
    started: float = -math.inf
    paused_until: float = -math.inf
    paused_by: int | None = None
    refusals: int = 0
    stopped: int | None = None

    @property
    def next_at(self) -> float:
        """Return the time of the next request."""
        return max(self.started + self.turn_delay, self.paused_until)

    @property
    def turn_delay(self) -> float:
        """Return the least seconds until the next request, with the margin."""
        return self.least_delay + MARGIN if self.least_delay else 0.0


@dataclass(slots=True)
class Pace:
    """The pace of one visit. `default_delay` returns the minimum seconds between requests.

    `ends_at` is the time when the visit ends, on the same clock.
    """

    default_delay: Callable[[str], float]
    ends_at: float = math.inf
    _hosts: dict[str, _Host] = field(default_factory=dict)

    def least_delay(self, host: str) -> float:
        """Return the minimum seconds between the starts of two requests to a host."""
        return self._host(host).least_delay

    def crawl_delay(self, host: str, seconds: float) -> None:
        """Apply the `Crawl-delay` of a host, at most MOST_CRAWL_DELAY seconds."""
        known = self._host(host)
        known.least_delay = max(known.least_delay, min(seconds, MOST_CRAWL_DELAY))

    def turn_delay(self, host: str) -> float:
        """Return the seconds between two turns of a host."""
        return self._host(host).turn_delay

    def next_in(self, host: str, now: float) -> float:
        """Return the seconds until the next request may start."""
        return max(0.0, self._host(host).next_at - now)

    def reserve(self, host: str, now: float) -> float:
        """Return the seconds until the next request may start, and reserve that time for it."""
        known = self._host(host)
        known.started = max(now, known.next_at)
        return known.started - now

    def response_began(self, host: str, now: float) -> None:
        """Update a host when the response to its last request begins."""
        known = self._host(host)
        known.started = max(known.started, now)

    def pause(self, host: str, now: float) -> float:
        """Return the seconds until a host's pause ends, 0 if it has none."""
        return max(0.0, self._host(host).paused_until - now)

    def paused(self, now: float) -> frozenset[str]:
        """Return the hosts that are paused."""
        return frozenset(name for name, host in self._hosts.items() if host.paused_until > now)

    def stop(self, host: str, status: int) -> None:
        """Send no more requests to a host, as after a response with this status."""
        self._host(host).stopped = status

    def is_too_far(self, seconds: float, now: float) -> bool:
        """Return whether a pause of so many seconds is too long to wait for its end."""
        return seconds > MOST_PAUSE or now + seconds >= self.ends_at

    def pause_status(self, host: str, now: float) -> int | None:
        """Return the status of the response that paused a host, None if it is not paused."""
        known = self._host(host)
        return known.paused_by if known.paused_until > now else None

    def stop_status(self, host: str) -> int | None:
        """Return the status after which requests to a host stopped, None if they did not."""
        return self._host(host).stopped

    def stopped(self) -> dict[str, int]:
        """Return the hosts to which requests stopped, each with its last status."""
        return {
            name: host.stopped for name, host in self._hosts.items() if host.stopped is not None
        }

    def responded(self, host: str, status: int, wait: float | None, now: float) -> None:
        """Update a host after a response; `wait` is the seconds of its `Retry-After`."""
        known = self._host(host)
        if status not in REFUSALS:
            # A response to a request sent before the pause does not end a row of refusals.
            known.refusals = 0 if known.paused_until <= now else known.refusals
            return
        # Concurrent requests that are all refused count as one refusal.
        known.refusals += known.paused_until <= now
        backoff = BACKOFF * known.least_delay * 2 ** (known.refusals - 1)
        pause = backoff if wait is None else min(wait, MOST_WAIT)
        known.paused_until = max(known.paused_until, now + pause)
        known.paused_by = status
        if known.refusals >= MOST_REFUSALS or self.is_too_far(known.paused_until - now, now):
            known.stopped = status

    def _host(self, host: str) -> _Host:
        if host not in self._hosts:
            self._hosts[host] = _Host(self.default_delay(host))
        return self._hosts[host]

"""What a worker has counted since it started. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

# How a visit ends for its worker: `given_back` and `lost` ones go on in another.
End = Literal["finished", "suspect", "interrupted", "failed", "given_back", "lost"]
ENDS: tuple[End, ...] = get_args(End)
# Bounds in seconds by which the durations of visits are counted.
DURATIONS = (10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0)


@dataclass(slots=True)
class Totals:
    """Counts that only grow.

    `visits` counts ended visits by state and extent, `crashes` the processes that ended with
    visits in progress, or were killed. `counts` are those of the processes
    (`crawler.report.traffic`, and `events.KIND`). `durations` counts the visits by the least of
    DURATIONS that they did not exceed, `seconds` sums them up.
    """

    visits: Counter[tuple[str, str]] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    durations: Counter[float] = field(default_factory=Counter)
    seconds: float = 0.0
    crashes: int = 0

    def add(self, counts: Mapping[str, int]) -> None:
        """Add what a process has counted."""
        self.counts.update(counts)

    def end(self, state: str, extent: str, seconds: float | None = None) -> None:
        """Count the end of a visit, after so many seconds in this worker, if they are known."""
        self.visits[state, extent] += 1
        if seconds is not None:
            self.seconds += seconds
            self.durations[_bound(seconds)] += 1


def _bound(seconds: float) -> float:
    return next((bound for bound in DURATIONS if seconds <= bound), float("inf"))

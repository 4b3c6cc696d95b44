"""VisitProgress of a running visit on stderr: one line, rewritten on a terminal, else repeated."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from crawler.report.tally import VisitTally
from registry.terminal import Status, say

TERMINAL_SECONDS = 0.2
LOG_SECONDS = 10.0


@dataclass(slots=True)
class VisitProgress:
    """Shows a visit's counts at most every TERMINAL_SECONDS, or LOG_SECONDS in a log."""

    _status: Status = field(default_factory=Status)
    _next: float = 0.0

    def __post_init__(self) -> None:
        """Wait one pause before the counts are first shown."""
        self._next = time.monotonic() + self._pause

    def show(self, tally: VisitTally) -> None:
        """Show the counts if the pause since the last time is over."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._pause
        self._status.show(tally.line())

    @property
    def _pause(self) -> float:
        return TERMINAL_SECONDS if self._status.is_terminal else LOG_SECONDS

    def say(self, message: str) -> None:
        """Write a message on its own line."""
        self._status.clear()
        say(message)

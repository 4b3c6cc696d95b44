"""Talk about a running visit on stderr: one line that is rewritten, or one now and then."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from crawler.report.tally import Tally
from registry.terminal import Status, say

TERMINAL_SECONDS = 0.2
LOG_SECONDS = 10.0


@dataclass(slots=True)
class Progress:
    """Shows a visit's counts, no more often than a person can read."""

    _status: Status = field(default_factory=Status)
    _next: float = 0.0

    def __post_init__(self) -> None:
        """Leave the start of a visit its own line."""
        self._next = time.monotonic() + self._pause

    def show(self, tally: Tally) -> None:
        """Show the counts if it is time."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._pause
        self._status.show(tally.line())

    @property
    def _pause(self) -> float:
        return TERMINAL_SECONDS if self._status.is_terminal else LOG_SECONDS

    def say(self, message: str) -> None:
        """Write a line of its own."""
        self._status.clear()
        say(message)

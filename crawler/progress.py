"""Talk about a running visit on stderr: one line that is rewritten, or one now and then."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TextIO

from crawler.tally import Tally

TERMINAL_SECONDS = 0.2
LOG_SECONDS = 10.0


@dataclass(slots=True)
class Progress:
    """Writes a visit's counts to a stream, no more often than a person can read."""

    stream: TextIO
    _next: float = 0.0
    _width: int = 0

    def __post_init__(self) -> None:
        """Leave the start of a visit its own line."""
        self._next = time.monotonic() + self._pause

    def show(self, tally: Tally) -> None:
        """Show the counts if it is time."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._pause
        line = tally.line()
        if self.stream.isatty():
            self.stream.write("\r" + line.ljust(self._width))
            self._width = len(line)
        else:
            self.stream.write(line + "\n")
        self.stream.flush()

    @property
    def _pause(self) -> float:
        return TERMINAL_SECONDS if self.stream.isatty() else LOG_SECONDS

    def say(self, message: str) -> None:
        """Write a line of its own."""
        if self._width:
            self.stream.write("\r" + " " * self._width + "\r")
            self._width = 0
        self.stream.write(message + "\n")
        self.stream.flush()

"""Talk about a running visit on stderr: one line that is rewritten, or one now and then."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TextIO

from crawler.tally import Tally

TERMINAL_SECONDS = 0.2
LOG_SECONDS = 10.0


@dataclass(slots=True)
class Progress:
    """Writes a visit's counts to a stream, no more often than a person can read."""

    stream: TextIO
    _next: float = field(default_factory=time.monotonic)
    _width: int = 0

    def show(self, tally: Tally) -> None:
        """Show the counts if it is time."""
        now = time.monotonic()
        if now < self._next:
            return
        terminal = self.stream.isatty()
        self._next = now + (TERMINAL_SECONDS if terminal else LOG_SECONDS)
        line = tally.line()
        if terminal:
            self.stream.write("\r" + line.ljust(self._width))
            self._width = len(line)
        else:
            self.stream.write(line + "\n")
        self.stream.flush()

    def say(self, message: str) -> None:
        """Write a line of its own."""
        if self._width:
            self.stream.write("\r" + " " * self._width + "\r")
            self._width = 0
        self.stream.write(message + "\n")
        self.stream.flush()

"""Progress on stderr: one rewritten line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from registry.terminal import Status


class Progress:
    """Call with (done, total or None); says count, rate and time left."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._started = time.monotonic()
        self._status = Status()
        self._every = 0.2 if self._status.is_terminal else 10.0
        self._last = self._started

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._status.clear()

    def __call__(self, done: int, total: int | None) -> None:
        """Show progress if it is time to."""
        now = time.monotonic()
        if now - self._last < self._every:
            return
        self._last = now
        rate = done / max(now - self._started, 1e-9)
        text = f"{done:,} {self._unit}, {rate:,.0f}/s"
        if total and rate:
            text += f", {100 * done / total:.0f} %, {max(total - done, 0) / rate:.0f} s left"
        self._status.show(text)

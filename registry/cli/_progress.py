"""Progress on standard error: one rewritten line on a terminal, a line every 10 s elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from registry.terminal import Status


class Progress:
    """Shows count, rate and time left when called with (done, total or None)."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._started = time.monotonic()
        self._status = Status()
        self._interval = 0.2 if self._status.is_terminal else 10.0
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
        """Show progress, unless it was shown a moment ago."""
        now = time.monotonic()
        if now - self._last < self._interval:
            return
        self._last = now
        rate = done / max(now - self._started, 1e-9)
        text = f"{done:,} {self._unit}, {rate:,.0f}/s"
        if total and rate:
            text += f", {100 * done / total:.0f} %, {max(total - done, 0) / rate:.0f} s left"
        self._status.show(text)

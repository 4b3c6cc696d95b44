"""How a visit ends: by itself, at its time limit, at a signal, or because of a lost database."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from scrapy.exceptions import CloseSpider

from crawler.manners.downloader import downloader_of
from crawler.manners.refusals import Refused

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from registry.errors import RegistryError

# Seconds that a visit which has ended waits for what workers are still reading.
GRACE = 5.0
Read = TypeVar("Read")


class Ending:
    """Ends one visit, and the waiting for its workers.

    `reason` is the refusal of everything that was not read: `limit`, `interrupted`, `failed`,
    and `crashed` until one is known. `error` is why nothing can be recorded any more.
    """

    def __init__(self, crawler: Crawler) -> None:
        """Prepare; the visit has not begun."""
        self._crawler = crawler
        self.reason = "crashed"
        self.is_interrupted = False
        self.error: RegistryError | None = None
        self._is_begun = False
        self._is_over = False
        self._timers: list[asyncio.TimerHandle] = []
        self._reading: set[asyncio.Future[Any]] = set()

    def begin(self, seconds: float) -> None:
        """Start the clock. Raises CloseSpider if the visit was interrupted before."""
        self._is_begun = True
        if self.is_interrupted:
            raise CloseSpider("interrupted")
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(seconds, self._end, "limit"))
        downloader_of(self._crawler).pace.ends_at = monotonic() + seconds

    def interrupt(self) -> None:
        """End politely: requests under way are finished, no others are made."""
        self.is_interrupted = True
        self._end("interrupted")

    def lose(self, error: RegistryError) -> None:
        """End because nothing can be recorded any more."""
        self.error = self.error or error
        self._end("failed")

    def stop_clock(self) -> None:
        """Cancel the timers of a visit that is over."""
        for timer in self._timers:
            timer.cancel()

    async def in_time(self, reading: Coroutine[Any, Any, Read]) -> Read | None:
        """Return what a worker reads; None if the visit ended and did not wait for it."""
        task = asyncio.ensure_future(reading)
        self._reading.add(task)
        if self._is_over:
            task.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            if not self._is_over:
                raise
            return None
        finally:
            self._reading.discard(task)

    def _end(self, reason: str) -> None:
        self.reason = reason
        if not self._is_begun:
            return
        self._timers.append(asyncio.get_running_loop().call_later(GRACE, self._give_up))
        assert self._crawler.engine is not None
        # Kept: a task that nobody holds may be collected before it is done.
        self._closing = asyncio.ensure_future(
            self._crawler.engine.close_spider_async(reason=reason)
        )
        # Requests that wait for their turn, a delay apart, would delay the end.
        downloader_of(self._crawler).refuse_queued(Refused(reason, "the visit ended"))

    def _give_up(self) -> None:
        """Stop waiting for workers."""
        self._is_over = True
        for reading in self._reading:
            reading.cancel()

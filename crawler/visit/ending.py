"""Ends a visit early: at its time limit, at a signal, or after a database error."""

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

# Seconds that an ended visit waits for its workers.
GRACE = 5.0
Result = TypeVar("Result")


class VisitEnding:
    """Ends one visit, and stops waiting for its workers.

    `reason` is the refusal of pages and images not read: `limit`, `interrupted`, `failed`,
    or `crashed` until the reason is known. `error` is the database error, if there was one.
    """

    def __init__(self, crawler: Crawler) -> None:
        """Prepare; the visit has not started."""
        self._crawler = crawler
        self.reason = "crashed"
        self.is_interrupted = False
        self.gives_back = False
        self.error: RegistryError | None = None
        self._is_begun = False
        self._is_over = False
        self._timers: list[asyncio.TimerHandle] = []
        self._reading: set[asyncio.Future[Any]] = set()

    def begin(self, seconds: float) -> None:
        """Start the time limit of `seconds`. Raises CloseSpider if the visit was ended already."""
        self._is_begun = True
        if self.is_interrupted or self.gives_back:
            raise CloseSpider("interrupted")
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(seconds, self._end, "limit"))
        downloader_of(self._crawler).pace.ends_at = monotonic() + seconds

    def interrupt(self) -> None:
        """End the visit: finish the requests in progress and send no more."""
        self.is_interrupted = True
        self._end("interrupted")

    def give_back(self) -> None:
        """End the visit, to be resumed: finish the requests in progress and send no more."""
        self.gives_back = True
        self._end("interrupted")

    def fail(self, error: RegistryError) -> None:
        """End the visit because the database failed."""
        self.error = self.error or error
        self._end("failed")

    def stop_clock(self) -> None:
        """Cancel the timers of an ended visit."""
        for timer in self._timers:
            timer.cancel()

    async def in_time(self, reading: Coroutine[Any, Any, Result]) -> Result | None:
        """Return the result of a worker; None if the visit ended without waiting for it."""
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
        # A reference is kept: the event loop alone does not keep a task alive.
        self._closing = asyncio.ensure_future(
            self._crawler.engine.close_spider_async(reason=reason)
        )
        # Queued requests, one delay apart, would postpone the end.
        ended = Refused(reason, "the visit ended")
        downloader_of(self._crawler).refuse_queued(lambda _: ended)

    def _give_up(self) -> None:
        """Cancel the waiting for workers."""
        self._is_over = True
        for reading in self._reading:
            reading.cancel()

"""AutoThrottle with a minimum: no host gets requests faster than its minimum delay.

Each host has its own minimum. A visit to this machine may run without delay, but images
that it shows from other hosts keep LEAST_DELAY, and a `Crawl-delay` in a host's robots.txt
is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy import Request, Spider, signals
from scrapy.extensions.throttle import AutoThrottle

from crawler.manners.downloader import downloader_of
from registry.urls.key import hostname_of

if TYPE_CHECKING:
    from scrapy.core.downloader import Slot
    from scrapy.crawler import Crawler
    from scrapy.http import Response


class HostThrottle(AutoThrottle):
    """Scrapy's AutoThrottle, with a minimum delay per host."""

    def __init__(self, crawler: Crawler) -> None:
        """Set the minimum delay whenever a request is queued for its host."""
        super().__init__(crawler)
        crawler.signals.connect(self._queued, signal=signals.request_reached_downloader)

    def _queued(self, request: Request, spider: Spider) -> None:
        slot = self._get_slot(request, spider)[1]
        if slot is not None:
            slot.delay = max(slot.delay, self._least_delay(request.url))

    def _adjust_delay(self, slot: Slot, latency: float, response: Response) -> None:
        super()._adjust_delay(slot, latency, response)
        slot.delay = max(slot.delay, self._least_delay(response.url))

    def _least_delay(self, url: str) -> float:
        return downloader_of(self.crawler).pace.least_delay(hostname_of(url))

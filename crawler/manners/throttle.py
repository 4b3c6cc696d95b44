"""AutoThrottle with a floor: no host is asked faster than its least delay.

The start URL alone does not decide the pace. A visit to this machine may run
without delay, but an image elsewhere that it shows is asked for politely, and a host
whose robots.txt has a `Crawl-delay` as slowly as that says.
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
    """Scrapy's AutoThrottle, with the least delay per host."""

    def __init__(self, crawler: Crawler) -> None:
        """Listen for requests that are about to be queued for their host."""
        super().__init__(crawler)
        crawler.signals.connect(self._queued, signal=signals.request_reached_downloader)

    def _queued(self, request: Request, spider: Spider) -> None:
        slot = self._get_slot(request, spider)[1]
        if slot is not None:
            slot.delay = max(slot.delay, self._least(request.url))

    def _adjust_delay(self, slot: Slot, latency: float, response: Response) -> None:
        super()._adjust_delay(slot, latency, response)
        slot.delay = max(slot.delay, self._least(response.url))

    def _least(self, url: str) -> float:
        return downloader_of(self.crawler).pace.least(hostname_of(url))

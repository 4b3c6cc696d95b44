"""AutoThrottle with a floor: other hosts are never asked faster than LEAST_DELAY.

The start URL alone does not decide the pace. A visit to this machine may run
without delay, but an image elsewhere that it shows is asked for politely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy import Request, Spider, signals
from scrapy.extensions.throttle import AutoThrottle

from crawler.settings import LEAST_DELAY
from registry.urls.key import hostname_of
from registry.urls.networks import is_loopback

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
        if slot is not None and not is_loopback(hostname_of(request.url)):
            slot.delay = max(slot.delay, LEAST_DELAY)

    def _adjust_delay(self, slot: Slot, latency: float, response: Response) -> None:
        super()._adjust_delay(slot, latency, response)
        if not is_loopback(hostname_of(response.url)):
            slot.delay = max(slot.delay, LEAST_DELAY)

"""429 and 503: requests to the host pause, then stop. `crawler.manners.pace` decides when."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from scrapy import signals

from crawler.manners.downloader import PacedDownloader, downloader_of
from crawler.manners.refusals import stopped_host
from crawler.manners.responses import plain
from registry.sources.pauses import retry_after
from registry.urls.key import hostname_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

_logger = logging.getLogger(__name__)


class PausesMiddleware:
    """Pauses hosts that refuse, and refuses requests to hosts that were stopped."""

    def __init__(self, crawler: Crawler) -> None:
        """Keep the crawler, whose downloader has the pace."""
        self._crawler = crawler
        # Before the next request leaves the queue, and before Scrapy retries.
        crawler.signals.connect(self._responded, signal=signals.response_downloaded)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PausesMiddleware:
        """Make the middleware."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Raise Refused if requests to the host stopped."""
        host = hostname_of(request.url)
        status = self._downloader.pace.stop_status(host)
        if status is not None:
            raise stopped_host(host, status)

    def _responded(self, response: Response, request: Request) -> None:
        pace, host = self._downloader.pace, hostname_of(request.url)
        was_stopped = pace.stop_status(host) is not None
        value = plain(response.headers.get(b"Retry-After") or b"")
        now = monotonic()
        pace.responded(host, response.status, retry_after(value, datetime.now(UTC)), now)
        status = pace.stop_status(host)
        if status is not None and not was_stopped:
            _logger.warning("%s: no more requests in this visit (http-%d)", host, status)
            self._downloader.refuse_host(host, stopped_host(host, status))
        elif pace.pause(host, now):
            _logger.info("%s: paused for %.0f s", host, pace.pause(host, now))

    @property
    def _downloader(self) -> PacedDownloader:
        return downloader_of(self._crawler)

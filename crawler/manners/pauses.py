"""429 and 503: the host that refuses is left alone for a while, then for good.

`crawler.manners.pace` decides how long.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from scrapy import signals

from crawler.manners.downloader import PacedDownloader, downloader_of
from crawler.manners.refusals import Refused
from crawler.manners.responses import plain
from registry.sources.pauses import retry_after
from registry.urls.key import hostname_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

_logger = logging.getLogger(__name__)


class PausesMiddleware:
    """Pauses hosts that refuse, and refuses requests to those that are asked no more."""

    def __init__(self, crawler: Crawler) -> None:
        """Remember the crawler, whose downloader keeps the pace."""
        self._crawler = crawler
        # Before the next request leaves the queue, and before Scrapy tries again.
        crawler.signals.connect(self._answered, signal=signals.response_downloaded)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PausesMiddleware:
        """Make the middleware."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Raise Refused where the host is asked no more."""
        host = hostname_of(request.url)
        status = self._downloader.pace.ended(host)
        if status is not None:
            raise _refused(host, status)

    def _answered(self, response: Response, request: Request) -> None:
        pace, host = self._downloader.pace, hostname_of(request.url)
        had_ended = pace.ended(host)
        said = plain(response.headers.get(b"Retry-After") or b"")
        now = monotonic()
        pace.answered(host, response.status, retry_after(said, datetime.now(UTC)), now)
        status = pace.ended(host)
        if status is not None and had_ended is None:
            _logger.warning("%s refuses (%d): it is asked no more in this visit", host, status)
            self._downloader.refuse_queued(_refused(host, status), host)
        elif pace.pause(host, now):
            _logger.info("%s asks to wait %.0f s", host, pace.pause(host, now))

    @property
    def _downloader(self) -> PacedDownloader:
        return downloader_of(self._crawler)


def _refused(host: str, status: int) -> Refused:
    return Refused(f"http-{status}", f"{host} answered {status} again and again")

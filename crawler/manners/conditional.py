"""Conditional requests: an image that did not change is not downloaded again.

The conditions are set for the URL that is requested, so a redirected request
never has those of another image (RFC 9110, section 13.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from crawler.site_spider import SiteSpider


class ConditionalMiddleware:
    """Sets If-None-Match and If-Modified-Since on requests for known images."""

    def __init__(self, crawler: Crawler) -> None:
        """Keep the crawler, whose spider has the known images."""
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ConditionalMiddleware:
        """Make the middleware."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Replace the conditions of an image request by those of its own URL."""
        if request.meta.get("kind") != "image":
            return
        spider: SiteSpider = self._crawler.spider  # type: ignore[assignment]
        known = spider.recorder.known.get(request.url)
        for name, value in (
            ("If-None-Match", known and known.etag),
            ("If-Modified-Since", known and known.last_modified),
        ):
            request.headers.pop(name, None)
            if value:
                request.headers[name] = value

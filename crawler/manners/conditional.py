"""Conditional requests: a page or an image that did not change is not downloaded again.

The conditions are set for the URL that is requested, so a redirected request
never has those of another image (RFC 9110, section 13.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from crawler.site_spider import SiteSpider

_FIELDS = ("If-None-Match", "If-Modified-Since")


class ConditionalMiddleware:
    """Sets If-None-Match and If-Modified-Since on requests for known pages and images."""

    def __init__(self, crawler: Crawler) -> None:
        """Keep the crawler, whose spider knows them."""
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ConditionalMiddleware:
        """Make the middleware."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Replace the conditions of a request by those of its own URL."""
        kind = request.meta.get("kind")
        if kind not in ("page", "image", "guide") or request.meta.get("is_fresh"):
            return
        spider: SiteSpider = self._crawler.spider  # type: ignore[assignment]
        for name in _FIELDS:
            request.headers.pop(name, None)
        for name, value in zip(_FIELDS, spider.revisit.conditions(kind, request.url), strict=True):
            if value:
                request.headers[name] = value

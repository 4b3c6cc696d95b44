"""Requests that a visit never makes: other sites' pages, and private networks.

A public page may name `http://192.168.0.1/` as an image, or redirect there;
asking would turn the crawler into somebody's tool inside our own network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.addresses import hostname_of, is_private
from crawler.refusals import Refused

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from crawler.site_spider import SiteSpider


class BoundsMiddleware:
    """Refuses requests outside a visit's bounds, redirects included."""

    def __init__(self, crawler: Crawler) -> None:
        """Remember the crawler, whose spider knows the bounds."""
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BoundsMiddleware:
        """Make the middleware."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Raise Refused for what lies outside."""
        spider: SiteSpider = self._crawler.spider  # type: ignore[assignment]
        if not spider.is_local and is_private(hostname_of(request.url)):
            raise Refused("private-address", f"{request.url} is in a private network")
        if request.meta.get("kind") == "page" and not spider.is_own_page(request.url):
            raise Refused("other-site", f"{request.url} is another site's page")

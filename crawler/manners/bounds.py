"""Requests that a visit never makes: pages of other sites, private addresses, invalid URLs.

A public page may name `http://192.168.0.1/` as an image, or redirect there; a request
would let a stranger reach hosts in our own network through the crawler. URLs are
normalised before robots.txt is checked: `/open/../private/` is `/private/`, and user
names and passwords are removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.manners.refusals import Refused
from registry.urls.absolute import MAX_ADDRESS, absolute
from registry.urls.key import hostname_of
from registry.urls.networks import is_private

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from crawler.site_spider import SiteSpider


class BoundsMiddleware:
    """Refuses requests outside a visit's bounds, redirects included."""

    def __init__(self, crawler: Crawler) -> None:
        """Keep the crawler, whose spider has the bounds."""
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BoundsMiddleware:
        """Make the middleware."""
        return cls(crawler)

    def process_request(self, request: Request) -> Request | None:
        """Raise Refused for a URL out of bounds; return a request if its URL was normalised."""
        spider: SiteSpider = self._crawler.spider  # type: ignore[assignment]
        url = absolute(request.url, request.url)
        if url is None:
            raise Refused("connection", f"{request.url} has no valid host")
        if len(url) > MAX_ADDRESS:
            raise Refused("too-long", f"the URL has {len(url)} characters")
        if not spider.visit.is_private and is_private(hostname_of(url)):
            raise Refused("private-address", f"{request.url} is in a private network")
        if request.meta.get("kind") == "page" and not spider.visit.is_own_page(request.url):
            raise Refused("other-site", f"{request.url} is a page of another site")
        normalised = request.replace(url=url)
        return normalised if normalised.url != request.url else None

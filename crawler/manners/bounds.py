"""Requests that a visit never makes: other sites' pages, private networks, no addresses.

A public page may name `http://192.168.0.1/` as an image, or redirect there;
asking would turn the crawler into somebody's tool inside our own network. And what
is asked for is what the rules are asked about: a redirect to `/open/../private/`
is one to `/private/`, and passwords in it are not sent.
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
        """Remember the crawler, whose spider knows the bounds."""
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BoundsMiddleware:
        """Make the middleware."""
        return cls(crawler)

    def process_request(self, request: Request) -> Request | None:
        """Raise Refused for what lies outside; return the request to make in its place."""
        spider: SiteSpider = self._crawler.spider  # type: ignore[assignment]
        address = absolute(request.url, request.url)
        if address is None:
            raise Refused("connection", "there can be no such host")
        if len(address) > MAX_ADDRESS:
            raise Refused("too-long", f"an address of {len(address)} characters")
        if not spider.visit.is_private and is_private(hostname_of(address)):
            raise Refused("private-address", f"{request.url} is in a private network")
        if request.meta.get("kind") == "page" and not spider.visit.is_own_page(request.url):
            raise Refused("other-site", f"{request.url} is another site's page")
        plain = request.replace(url=address)
        return plain if plain.url != request.url else None

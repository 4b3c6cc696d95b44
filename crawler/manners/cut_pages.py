"""Truncated pages: retried once, then the longest response is kept.

Marks in the received part count. A truncated response is kept until the retry ends: a
complete response replaces it, a failure does not. A page longer than PAGE_BYTES is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import StopDownload

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

# The longest page that is read; compressed responses may be larger when decompressed.
PAGE_BYTES = 10 * 1024 * 1024
_TRUNCATED = "dataloss"
_TOO_LONG = "download_stopped"
_RECEIVED = "page_bytes"
_EARLIER = "truncated_page"


class CutPagesMiddleware:
    """Keeps the longest response of a truncated page; `is_cut` is True for such a response."""

    def __init__(self, crawler: Crawler) -> None:
        """Count received bytes, to stop pages that are too long."""
        self._crawler = crawler
        crawler.signals.connect(self._bytes_received, signal=signals.bytes_received)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> CutPagesMiddleware:
        """Make the middleware."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Reset the count of received bytes."""
        request.meta.pop(_RECEIVED, None)

    def process_response(self, request: Request, response: Response) -> Response | Request:
        """Return the longest response for a page so far, or the request for a retry."""
        if request.meta.get("kind") != "page":
            return response
        earlier = request.meta.get(_EARLIER)
        if earlier is not None:
            return _longer(earlier, response)
        response = _bounded(response)
        retry = None
        if _TRUNCATED in response.flags and _is_success(response):
            spider = self._crawler.spider
            assert spider is not None
            retry = get_retry_request(request, spider=spider, reason=_TRUNCATED)
        if retry is None:
            return response
        retry.meta[_EARLIER] = response
        return retry

    def process_exception(self, request: Request, exception: Exception) -> Response | None:
        """Return the truncated response if the retry fails."""
        earlier: Response | None = request.meta.get(_EARLIER)
        return earlier

    def _bytes_received(self, data: bytes, request: Request) -> None:
        if request.meta.get("kind") != "page":
            return
        received = request.meta.get(_RECEIVED, 0) + len(data)
        request.meta[_RECEIVED] = received
        if received > PAGE_BYTES:
            raise StopDownload(fail=False)


def is_cut(response: Response) -> bool:
    """Return whether a response was truncated."""
    return _TRUNCATED in response.flags or _TOO_LONG in response.flags


def _longer(earlier: Response, later: Response) -> Response:
    later = _bounded(later)
    shorter = is_cut(later) and len(later.body) < len(earlier.body)
    return earlier if shorter or not _is_success(later) else later


def _bounded(response: Response) -> Response:
    if len(response.body) <= PAGE_BYTES:
        return response
    flags = [*response.flags, _TOO_LONG]
    return response.replace(body=response.body[:PAGE_BYTES], flags=flags)


def _is_success(response: Response) -> bool:
    return 200 <= response.status < 300

"""Pages that break off: asked for once more; then what came of them is kept.

A mark in the part that came is as good as any. An answer that breaks off waits until the
second try is in: a whole page takes its place, a failure does not. Of a page longer than
PAGE_BYTES the beginning is kept.
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

# The longest page that is read; it may be longer where it is packed.
PAGE_BYTES = 10 * 1024 * 1024
_BROKE_OFF = "dataloss"
_TOO_LONG = "download_stopped"
_RECEIVED = "page_bytes"
_EARLIER = "page_that_broke_off"


class CutPagesMiddleware:
    """Hands on the most that came of a page; `is_cut` tells whether that is all of it."""

    def __init__(self, crawler: Crawler) -> None:
        """Listen to what comes, to stop what is too long."""
        self._crawler = crawler
        crawler.signals.connect(self._bytes_received, signal=signals.bytes_received)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> CutPagesMiddleware:
        """Make the middleware."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Count the bytes of every answer anew."""
        request.meta.pop(_RECEIVED, None)

    def process_response(self, request: Request, response: Response) -> Response | Request:
        """Return the fullest answer for a page so far, or the request for a second try."""
        if request.meta.get("kind") != "page":
            return response
        earlier = request.meta.get(_EARLIER)
        if earlier is not None:
            return _fuller(earlier, response)
        response = _bounded(response)
        again = None
        if _BROKE_OFF in response.flags and _is_success(response):
            spider = self._crawler.spider
            assert spider is not None
            again = get_retry_request(request, spider=spider, reason=_BROKE_OFF)
        if again is None:
            return response
        again.meta[_EARLIER] = response
        return again

    def process_exception(self, request: Request, exception: Exception) -> Response | None:
        """Return the answer that broke off where the second try fails."""
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
    """Return whether an answer lacks its end."""
    return _BROKE_OFF in response.flags or _TOO_LONG in response.flags


def _fuller(earlier: Response, later: Response) -> Response:
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

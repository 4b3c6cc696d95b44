"""Scrapy's downloader and HTTP handler, with a minimum delay per host.

Scrapy's own delay starts when a request leaves its queue, but the time to connect differs
between requests. Here the minimum delay is also kept when the request is sent. Queued
requests to a paused host do not count against the limit of concurrent requests.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from scrapy.core.downloader import Downloader, Slot
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler, _ScrapyAgent
from scrapy.http import Response
from scrapy.utils._download_handlers import wrap_twisted_exceptions
from scrapy.utils.asyncio import call_later
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.web.client import HTTPConnectionPool

from crawler.manners.pace import Pace
from crawler.settings import LEAST_DELAY
from registry.urls.key import hostname_of
from registry.urls.networks import is_loopback

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from twisted.internet.defer import Deferred

_BEGUN = "begun_response"


class PacedDownloader(Downloader):
    """Scrapy's downloader; `pace` holds the time of each host's next request."""

    def __init__(self, crawler: Crawler) -> None:
        """Read the delay from the settings; hosts other than loopback get at least LEAST_DELAY."""
        delay = crawler.settings.getfloat("DOWNLOAD_DELAY")
        self.pace = Pace(lambda host: delay if is_loopback(host) else max(delay, LEAST_DELAY))
        super().__init__(crawler)

    def needs_backout(self) -> bool:
        """Return whether the downloader is full; requests to paused hosts do not count."""
        if not super().needs_backout():
            return False
        paused = self.pace.paused(monotonic())
        waiting = sum(hostname_of(request.url) in paused for request in self.active)
        return bool(self.total_concurrency <= len(self.active) - waiting)

    def refuse_queued(self, error: Exception, host: str | None = None) -> None:
        """Fail the queued requests of one host, or of all hosts, with this error."""
        for slot in self.slots.values():
            while slot.queue and host in (None, hostname_of(slot.queue[0][0].url)):
                _, queued = slot.queue.popleft()
                queued.errback(Failure(error))  # type: ignore[no-untyped-call]

    def _process_queue(self, slot: Slot) -> None:
        if slot.queue and not slot.latercall:
            pause = self.pace.pause(hostname_of(slot.queue[0][0].url), monotonic())
            if pause > 0:
                slot.latercall = call_later(pause, self._latercall, slot)
                return
        super()._process_queue(slot)


def downloader_of(crawler: Crawler) -> PacedDownloader:
    """Return the downloader of a crawler that was started."""
    assert crawler.engine is not None
    downloader = crawler.engine.downloader
    assert isinstance(downloader, PacedDownloader)
    return downloader


class PacedHandler(HTTP11DownloadHandler):
    """Scrapy's HTTP handler, on connections that wait until a request is due."""

    def __init__(self, crawler: Crawler) -> None:
        """Replace Scrapy's connection pool by a paced one with the same settings."""
        super().__init__(crawler)
        from twisted.internet import reactor

        pool = _PacedPool(reactor, crawler)
        pool.maxPersistentPerHost = self._pool.maxPersistentPerHost
        pool._factory = self._pool._factory
        self._pool = pool

    async def download_request(self, request: Request) -> Response:
        """Return the response; the request's meta keeps its status and headers on arrival."""
        agent = _Agent(
            contextFactory=self._contextFactory,
            bindAddress=self._bind_address,
            pool=self._pool,
            maxsize=self._default_maxsize,
            warnsize=self._default_warnsize,
            fail_on_dataloss=self._fail_on_dataloss,
            crawler=self._crawler,
        )
        with wrap_twisted_exceptions():
            return await maybe_deferred_to_future(agent.download_request(request))


def begun_response(request: Request) -> Response | None:
    """Return the last response whose headers arrived for a request, without its body."""
    begun: Response | None = request.meta.get(_BEGUN)
    return begun


class _Agent(_ScrapyAgent):
    """Scrapy's agent; also keeps the status and headers of a response that fails later."""

    def _cb_bodyready(self, txresponse: Any, request: Request) -> Any:
        headers = self._headers_from_twisted_response(txresponse)
        request.meta[_BEGUN] = Response(request.url, status=txresponse.code, headers=headers)
        return super()._cb_bodyready(txresponse, request)


class _PacedPool(HTTPConnectionPool):
    """A connection pool that returns a connection when the next request to its host is due."""

    def __init__(self, reactor: Any, crawler: Crawler) -> None:
        super().__init__(reactor, persistent=True)  # type: ignore[no-untyped-call]
        self._crawler = crawler
        self._is_new = False

    def getConnection(self, key: Any, endpoint: Any) -> Deferred[Any]:  # noqa: N802
        self._is_new = False
        connection = super().getConnection(key, endpoint)
        return connection if self._is_new else connection.addCallback(self._when_due, key)

    def _newConnection(self, key: Any, endpoint: Any) -> Deferred[Any]:  # noqa: N802
        # Called also if a persistent connection was closed by the host.
        self._is_new = True
        connection = super()._newConnection(key, endpoint)
        return connection.addCallback(self._when_due, key)

    def _when_due(self, connection: Any, key: tuple[Any, ...]) -> Any:
        """Return the connection, or a Deferred that returns it when the request is due."""
        name = key[1].decode("ascii").strip("[]")
        host = hostname_of(f"http://[{name}]/" if ":" in name else f"http://{name}/")
        wait = downloader_of(self._crawler).pace.reserve(host, monotonic())
        return deferLater(self._reactor, wait, lambda: connection) if wait > 0 else connection

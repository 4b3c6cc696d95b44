"""Scrapy's downloader and its handler for the web, held to the pace of every host.

Scrapy's own delay counts from when a request leaves its queue; connecting takes longer for one
request than for the next. Here the least delay is also kept where the bytes are sent:
nothing is written before it is due. Requests for a host that pauses wait without taking the
places of others.
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

_BEGUN = "answer_begun"


class PacedDownloader(Downloader):
    """Scrapy's downloader; `pace` says when each host may be asked."""

    def __init__(self, crawler: Crawler) -> None:
        """Prepare with the delay of the settings; other people's hosts get LEAST_DELAY at least."""
        delay = crawler.settings.getfloat("DOWNLOAD_DELAY")
        self.pace = Pace(lambda host: delay if is_loopback(host) else max(delay, LEAST_DELAY))
        super().__init__(crawler)

    def needs_backout(self) -> bool:
        """Return whether no more requests fit; those that wait for a pause take no place."""
        if not super().needs_backout():
            return False
        paused = self.pace.paused(monotonic())
        waiting = sum(hostname_of(request.url) in paused for request in self.active)
        return bool(self.total_concurrency <= len(self.active) - waiting)

    def refuse_queued(self, error: Exception, host: str | None = None) -> None:
        """Let the requests that wait for their turn fail, of all hosts or of one."""
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
    """Return the downloader of a crawler that has begun."""
    assert crawler.engine is not None
    downloader = crawler.engine.downloader
    assert isinstance(downloader, PacedDownloader)
    return downloader


class PacedHandler(HTTP11DownloadHandler):
    """Scrapy's handler for the web, on connections that wait until a request is due."""

    def __init__(self, crawler: Crawler) -> None:
        """Take the connections of the pool that Scrapy made from one of ours."""
        super().__init__(crawler)
        from twisted.internet import reactor

        pool = _PacedPool(reactor, crawler)
        pool.maxPersistentPerHost = self._pool.maxPersistentPerHost
        pool._factory = self._pool._factory
        self._pool = pool

    async def download_request(self, request: Request) -> Response:
        """Return the answer; the request keeps its status and headers from when they come."""
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


def begun_answer(request: Request) -> Response | None:
    """Return the last answer that began to come for a request, without its body, if one did."""
    begun: Response | None = request.meta.get(_BEGUN)
    return begun


class _Agent(_ScrapyAgent):
    """Scrapy's agent; what it tells of an answer that fails later lacks the status."""

    def _cb_bodyready(self, txresponse: Any, request: Request) -> Any:
        headers = self._headers_from_twisted_response(txresponse)
        request.meta[_BEGUN] = Response(request.url, status=txresponse.code, headers=headers)
        return super()._cb_bodyready(txresponse, request)


class _PacedPool(HTTPConnectionPool):
    """Connections that are handed out when their host may be asked."""

    def __init__(self, reactor: Any, crawler: Crawler) -> None:
        super().__init__(reactor, persistent=True)  # type: ignore[no-untyped-call]
        self._crawler = crawler
        self._is_new = False

    def getConnection(self, key: Any, endpoint: Any) -> Deferred[Any]:  # noqa: N802
        self._is_new = False
        found = super().getConnection(key, endpoint)
        return found if self._is_new else found.addCallback(self._when_due, key)

    def _newConnection(self, key: Any, endpoint: Any) -> Deferred[Any]:  # noqa: N802
        # Asked for also where a kept connection turns out to be closed.
        self._is_new = True
        made = super()._newConnection(key, endpoint)
        return made.addCallback(self._when_due, key)

    def _when_due(self, connection: Any, key: tuple[Any, ...]) -> Any:
        """Return the connection, or a Deferred that gives it later."""
        name = key[1].decode("ascii").strip("[]")
        host = hostname_of(f"http://[{name}]/" if ":" in name else f"http://{name}/")
        wait = downloader_of(self._crawler).pace.reserve(host, monotonic())
        return deferLater(self._reactor, wait, lambda: connection) if wait > 0 else connection

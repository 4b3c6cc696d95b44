"""Scrapy's downloader and HTTP handler, with a minimum delay per host over all processes.

A request takes a turn of its host before it is sent, and ends the turn with its response.
Scrapy's own delay starts when a request leaves its queue, but the time to connect differs
between requests. Here the minimum delay is also kept when the request is sent. Requests to a
paused host, or one whose turns others have, do not count against the limit of concurrent
requests.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
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
from crawler.manners.refusals import refused_host, stopped_host
from crawler.settings import LEAST_DELAY
from registry.urls.key import hostname_of
from registry.urls.networks import is_loopback

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from twisted.internet.defer import Deferred

    from crawler.record.turns import Turns
    from registry.db.hosts import Turn

_BEGUN = "begun_response"
_logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request that waits for the turn of its host; an `error` ends it."""

    request: Request
    is_denied: bool = False
    error: Exception | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)


class PacedDownloader(Downloader):
    """Scrapy's downloader; `pace` holds the time of each host's next request.

    `refused` are the hosts that were met and are never visited.
    """

    def __init__(self, crawler: Crawler) -> None:
        """Read the delay from the settings; hosts other than loopback get at least LEAST_DELAY."""
        delay = crawler.settings.getfloat("DOWNLOAD_DELAY")
        self.pace = Pace(lambda host: delay if is_loopback(host) else max(delay, LEAST_DELAY))
        self.refused: set[str] = set()
        self._holder = secrets.randbits(63)
        self._waiting: set[_Waiting] = set()
        super().__init__(crawler)

    def needs_backout(self) -> bool:
        """Return whether the downloader is full; requests to hosts that must wait do not count."""
        if not super().needs_backout():
            return False
        late = self.pace.paused(monotonic())
        late |= {hostname_of(waiting.request.url) for waiting in self._waiting if waiting.is_denied}
        if not late:
            return True
        waiting = sum(hostname_of(request.url) in late for request in self.active)
        return bool(self.total_concurrency <= len(self.active) - waiting)

    def refuse_queued(self, refusal: Callable[[Request], Exception | None]) -> None:
        """Fail the waiting requests for which `refusal` returns an error."""
        for waiting in self._waiting:
            if error := refusal(waiting.request):
                waiting.error = error
                waiting.stop.set()
        for slot in self.slots.values():
            queued, slot.queue = slot.queue, deque()
            for request, result in queued:
                if error := refusal(request):
                    result.errback(Failure(error))  # type: ignore[no-untyped-call]
                else:
                    slot.queue.append((request, result))

    def refuse_host(self, host: str, error: Exception) -> None:
        """Fail the waiting requests to a host."""
        self.refuse_queued(lambda request: error if hostname_of(request.url) == host else None)

    async def _download(self, slot: Slot, request: Request) -> Response:
        host = hostname_of(request.url)
        # One that waits is in progress, too: a host has one request at a time.
        slot.transferring.add(request)
        try:
            await self._turn(request, host)
        except Exception:  # whatever it is, the slot goes on without this request
            slot.transferring.remove(request)
            self._process_queue(slot)
            raise
        try:
            return await super()._download(slot, request)
        finally:
            now = monotonic()
            seconds, status = self.pace.next_in(host, now), self.pace.pause_status(host, now)
            self._turns.end(host, holder=self._holder, seconds=seconds, status=status)

    async def _turn(self, request: Request, host: str) -> None:
        """Wait until it is the turn of a request. Raises Refused if it has none."""
        waiting = _Waiting(request)
        self._waiting.add(waiting)
        try:
            while not (turn := await self._tried(request, host)).taken:
                self._refuse_stopped(host, turn)
                waiting.is_denied = True
                with suppress(TimeoutError):
                    await asyncio.wait_for(waiting.stop.wait(), turn.wait)
                if waiting.error is not None:
                    raise waiting.error
            await asyncio.sleep(turn.wait)
        finally:
            self._waiting.remove(waiting)

    async def _tried(self, request: Request, host: str) -> Turn:
        delay = self.pace.turn_delay(host)
        timeout = request.meta.get("download_timeout") or 0.0
        return await self._turns.take(host, holder=self._holder, delay=delay, timeout=timeout)

    def _refuse_stopped(self, host: str, turn: Turn) -> None:
        """Raise Refused if a host is never visited, or its turn is too far away."""
        is_known = host in self.refused or self.pace.stop_status(host) is not None
        if turn.refused is not None:
            error = refused_host(host, turn.refused)
            self.refused.add(host)
        elif turn.status is not None and self.pace.is_too_far(turn.wait, monotonic()):
            error = stopped_host(host, turn.status)
            self.pace.stop(host, turn.status)
        else:
            return
        if not is_known:
            _logger.warning("%s; no more requests in this visit", error)
        self.refuse_host(host, error)
        raise error

    @property
    def _turns(self) -> Turns:
        turns: Turns = self.crawler.spider.turns  # type: ignore[union-attr]
        return turns

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
        pace = downloader_of(self._crawler).pace
        pace.response_began(hostname_of(request.url), monotonic())
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

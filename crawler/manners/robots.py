"""robots.txt: always obeyed, and recorded as evidence.

`registry.sources.robots` decides what a response means; here the file is requested for each
host, and again after a day, and its rules are applied. No request, spider or setting can turn
this off.
"""

from __future__ import annotations

import asyncio
import logging
import math
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.exceptions import StopDownload
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from crawler.manners.downloader import begun_response, downloader_of
from crawler.manners.pace import MOST_CRAWL_DELAY
from crawler.manners.refusals import HostStopped, Refused, refusal_of
from crawler.manners.responses import response_of
from crawler.record.events import site_file_read
from crawler.settings import PRODUCT_TOKEN, refuse_disobedience
from registry.model import Evidence, SiteFile
from registry.signals import read
from registry.sources import robots
from registry.sources.robots import RobotsAnswer
from registry.urls.key import host_of, hostname_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

# Most bytes of a decompressed file; the first READ_BYTES of them are read.
UNPACKED_BYTES = 64 * 1024 * 1024
# Reasons that come from the end of a visit, not from the file's host: not recorded.
ENDINGS = ("interrupted", "limit")
# Seconds after which the file is requested again (RFC 9309, section 2.4).
MOST_AGE = 24 * 3600.0
_PASS = "robots_txt_pass"
_RECEIVED = "robots_txt_bytes"
_logger = logging.getLogger(__name__)


class RobotsTxtMiddleware:
    """Refuses requests that the host's robots.txt does not allow for our product token."""

    def __init__(self, crawler: Crawler) -> None:
        """Raise UsageError for settings that would turn robots.txt off."""
        refuse_disobedience(crawler.settings)
        self._crawler = crawler
        self._most_age = min(crawler.settings.getfloat("ROBOTS_AGE", MOST_AGE), MOST_AGE)
        # By authority: the time of the request, and the answer.
        self._answers: dict[str, tuple[float, asyncio.Task[RobotsAnswer]]] = {}
        # Only the request for robots.txt itself has this object in its meta.
        self._pass = object()
        crawler.signals.connect(self._bytes_received, signal=signals.bytes_received)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsTxtMiddleware:
        """Make the middleware."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Raise Refused for a URL that robots.txt disallows; fetch it first, once per host."""
        if request.meta.get(_PASS) is self._pass:
            request.meta.pop(_RECEIVED, None)
            return
        # Other requests wait for the same file: cancelling one must not cancel it.
        answer = await asyncio.shield(self._answer(_authority(request.url)))
        if refusal := _refusal(answer, request.url):
            raise refusal

    def _answer(self, authority: str) -> asyncio.Task[RobotsAnswer]:
        now = monotonic()
        asked_at, answer = self._answers.get(authority, (-math.inf, None))
        if answer is None or now - asked_at > self._most_age:
            is_again = answer is not None
            answer = asyncio.ensure_future(self._fetch(f"{authority}/robots.txt"))
            self._answers[authority] = now, answer
            if is_again:
                answer.add_done_callback(partial(self._refuse_queued, authority))
        return answer

    def _refuse_queued(self, authority: str, answer: asyncio.Task[RobotsAnswer]) -> None:
        """Refuse the requests that the rules before allowed, and the new ones do not."""

        def refusal(request: Request) -> Refused | None:
            is_file = request.meta.get(_PASS) is self._pass
            is_there = _authority(request.url) == authority
            return _refusal(answer.result(), request.url) if is_there and not is_file else None

        if not answer.cancelled():
            downloader_of(self._crawler).refuse_queued(refusal)

    async def _fetch(self, url: str) -> RobotsAnswer:
        meta = {_PASS: self._pass, "download_maxsize": UNPACKED_BYTES}
        headers = {"Accept": "text/plain, */*;q=0.1"}
        request = Request(url, headers=headers, meta=meta, callback=NO_CALLBACK)
        assert self._crawler.engine is not None
        try:
            response = await self._crawler.engine.download_async(request)
        except Exception as error:  # noqa: BLE001 (any failure means: send no requests)
            word, _ = refusal_of(error, request)
            if isinstance(error, HostStopped) and begun_response(request) is None:
                # It was not requested in this visit.
                return RobotsAnswer(None, word, word)
            answer = robots.failed(word)
            if word not in ENDINGS:
                self._record(url, answer)
            return answer
        answer = await asyncio.to_thread(_meaning, url, response)
        self._keep_delay(hostname_of(url), answer.crawl_delay(PRODUCT_TOKEN) or 0.0)
        self._record(url, answer, response)
        return answer

    def _keep_delay(self, host: str, seconds: float) -> None:
        pace = downloader_of(self._crawler).pace
        pace.crawl_delay(host, seconds)
        self._crawler.spider.turns.crawl_delay(host, min(seconds, MOST_CRAWL_DELAY))  # type: ignore[union-attr]

    def _bytes_received(self, data: bytes, request: Request) -> None:
        """Stop the download of a robots.txt after READ_BYTES."""
        if request.meta.get(_PASS) is not self._pass:
            return
        received = request.meta.get(_RECEIVED, 0) + len(data)
        request.meta[_RECEIVED] = received
        if received >= robots.READ_BYTES:
            raise StopDownload(fail=False)

    def _record(self, url: str, answer: RobotsAnswer, response: Response | None = None) -> None:
        for warning in answer.warnings:
            _logger.warning("%s: %s", url, warning)
        text = answer.text
        site_file = SiteFile(
            observed_at=datetime.now(UTC),
            host=host_of(url) or "",
            url=url,
            kind=robots.CARRIER,
            status=None if response is None else response.status,
            refusal=answer.refusal,
            evidence=None if text is None else _evidence(url, text),
        )
        self._crawler.signals.send_catch_log(site_file_read, site_file=site_file, response=response)


def _authority(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _refusal(answer: RobotsAnswer, url: str) -> Refused | None:
    """Return the refusal of a URL of the host, or None if it may be requested."""
    if answer.stay_away is not None:
        return Refused(answer.stay_away, f"the robots.txt of {url} cannot be fetched")
    if not answer.allows(url, PRODUCT_TOKEN):
        return Refused("robots-txt", f"the robots.txt of its host disallows {url}")
    return None


def _meaning(url: str, response: Response) -> RobotsAnswer:
    """Return what a response means; runs in a thread, as a long file takes time to parse.

    Its marks are read here too: `read` caches them.
    """
    answer = robots.answer_to(response_of(response))
    answer.allows(response.url, PRODUCT_TOKEN)
    if answer.text is not None:
        read(_evidence(url, answer.text))
    return answer


def _evidence(url: str, text: str) -> Evidence:
    return Evidence(robots.CARRIER, "site", url, text=text)

"""What all spiders share: pages are read, their images asked for, and both recorded.

A spider is a file in `crawler/spiders/` named as its class's `name`. It may
override how pages are read (`parse`); manners, limits, evidence and
records are the same for all.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from scrapy import Request, Spider
from scrapy.exceptions import CloseSpider
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.manners.downloader import begun_answer, downloader_of
from crawler.manners.refusals import Refused, refusal_of
from crawler.manners.robots import ENDINGS, RobotsTxtMiddleware
from crawler.pages.links import PageLink
from crawler.pages.reading import Page, PageParser, PageResponse, parse_page
from crawler.record.database import Recorder
from crawler.record.events import site_file_read
from crawler.settings import refuse_disobedience
from crawler.visit.frontier import Frontier, Limits, Step
from crawler.visit.images import ImageRead, PageRead, Visit
from crawler.visit.readers import Readers
from crawler.visit.requests import NOT_MODIFIED, image_request, page_request, site_file_request
from crawler.visit.responses import header_lines, image_evidence, page_evidence, response_of
from crawler.visit.site_files import SiteFiles, Wanted, refused, site_file
from crawler.visit.tally import Tally
from crawler.visit.url_shapes import page_key
from registry.db.visits import KnownImage, State
from registry.errors import RegistryError
from registry.evidence.headers import refreshed
from registry.model import PAGE_TRUNCATED, Evidence, Observation, SiteFile
from registry.pictures.reading import FileRead
from registry.sources.kinds import page_kind
from registry.urls.key import host_of, hostname_of
from registry.urls.networks import is_private
from registry.urls.sites import site_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

# Seconds that a visit which has ended waits for what workers are still reading.
GRACE = 5.0
Read = TypeVar("Read")


class SiteSpider(Spider):
    """Visits one site. Arguments come from `crawler.visit.run`."""

    about: ClassVar[str] = ""
    # The hosts that it is for, with their subdomains: a URL of one of them finds this spider.
    hosts: ClassVar[tuple[str, ...]] = ()
    # Where a visit starts if no address is named; "" if one must be.
    starts_at: ClassVar[str] = ""
    # The kinds of responses that are pages: `json` is for sites that show theirs by it.
    kinds: ClassVar[tuple[str, ...]] = ("html",)
    # Finds the images and links of a page: a pure function of a PageResponse that a worker
    # process can import by its name, on the top level of a module or a static method.
    parse: ClassVar[PageParser] = staticmethod(parse_page)  # type: ignore[misc, assignment]

    def __init__(
        self,
        *,
        start_url: str,
        limits: Limits,
        recorder: Recorder,
        readers: Readers,
        report: Callable[[Tally], None],
        **kwargs: Any,
    ) -> None:
        """Prepare a visit that starts at `start_url`; `report` is told of every step."""
        super().__init__(**kwargs)
        self.start_url = start_url
        self.host = host_of(start_url) or ""
        self.is_local = is_private(hostname_of(start_url))
        self.limits = limits
        self.recorder = recorder
        self.known: Mapping[str, KnownImage] = recorder.known
        self.readers = readers
        self.report = report
        self.tally = Tally()
        self.visit = Visit(limits.images)
        self.frontier = Frontier(limits)
        self.site_files = SiteFiles()
        self.start_refusal: str | None = None
        self.lost: RegistryError | None = None
        self._pages_read: set[str] = set()
        self._warned: set[str] = set()
        self._left: Counter[str] = Counter()
        self._ending = "crashed"
        self._interrupted = False
        self._started = False
        self._timer: asyncio.TimerHandle | None = None
        self._reading: set[asyncio.Future[Any]] = set()
        self._grace: asyncio.TimerHandle | None = None
        self._is_over = False

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> SiteSpider:
        """Make the spider, if robots.txt will be obeyed."""
        refuse_disobedience(crawler.settings)
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.is_local |= crawler.settings.getbool("PRIVATE_RUN")
        crawler.signals.connect(spider._site_file_read, signal=site_file_read)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        """Ask for the first page, with robots.txt surely in force."""
        if self.crawler.get_downloader_middleware(RobotsTxtMiddleware) is None:
            raise CloseSpider("robots.txt would not be obeyed")
        self._started = True
        if self._interrupted:
            raise CloseSpider("interrupted")
        self._timer = asyncio.get_running_loop().call_later(self.limits.seconds, self._end, "limit")
        downloader_of(self.crawler).pace.ends_at = monotonic() + self.limits.seconds
        self.frontier.admit(self.start_url, 0)
        yield self._page_request(Step(PageLink(self.start_url), 0))

    def is_own_page(self, url: str) -> bool:
        """Return whether a page is this visit's: same host, or, for the first, same site."""
        if self._pages_read:
            return host_of(url) == self.host
        return site_of(hostname_of(url)) == site_of(hostname_of(self.start_url))

    async def page_read(self, response: Response, step: Step) -> AsyncIterator[Any]:
        """Take in a page, and ask for those that waited for it."""
        async for found in self._page_read(response, step):
            yield found
        for request in self._released(step):
            yield request

    async def _page_read(self, response: Response, step: Step) -> AsyncIterator[Any]:
        answer = response_of(response)
        kind = page_kind(answer)
        if kind not in self.kinds:
            self._refuse_page("not-a-page", response.url)
            return
        key = page_key(response.url)
        if key in self._pages_read:
            return
        is_first = not self._pages_read
        if is_first:
            # The site may live at another name than the one we were given.
            self.host = host_of(response.url) or ""
        self._pages_read.add(key)
        read_at = datetime.now(UTC)
        page = PageResponse(answer.text(kind), response.url, kind)
        read = await self._in_time(self.readers.page(Page(page, type(self).parse)))
        if read is None:
            self._refuse_page(self._ending, response.url, is_first=is_first)
            return
        text, refusal = read
        if refusal is not None or answer.cut:
            self._refuse_page(refusal or PAGE_TRUNCATED, response.url, is_first=is_first)
        self._left.update(text.content.left)
        evidence = page_evidence(answer, kind, text.excerpt)
        images, links = text.content.images, text.content.links
        seen = PageRead(response.url, read_at, evidence, images, links, answer.cut)
        for found in self._page_steps(seen, step, refusal):
            yield found

    def _page_steps(self, page: PageRead, step: Step, refusal: str | None) -> Iterator[Any]:
        """Take in what a page says; yield what to ask for now, and what is complete."""
        self.count(page.evidence)
        self.frontier.shows(step.link.url, (image.url for image in page.images))
        if refusal is None:
            self.tally.pages += not page.is_cut
            yield from map(self._image_request, self.visit.page(page))
        else:
            self.visit.refused(page, refusal)
        yield from map(self._site_file_request, self.site_files.about_page(page.url, page.evidence))
        yield from self._ready()
        yield from self._follow(page.links, step.depth)

    def _follow(self, links: tuple[PageLink, ...], depth: int) -> Iterator[Request]:
        for link in links:
            # The next page of a series is no step further into the site.
            further = depth if link.is_next else depth + 1
            is_own = self.is_own_page(link.url)
            if is_own and self.frontier.admit(link.url, further, is_next=link.is_next):
                yield self._page_request(Step(link, further))

    def _released(self, step: Step) -> Iterator[Request]:
        """Ask for the pages that waited for one to be read."""
        return map(self._page_request, self.frontier.read(step.link.url))

    def page_failed(self, failure: Failure) -> Iterator[Request]:
        """Count a page that could not be had; ask for those that waited for it."""
        request: Request = failure.request  # type: ignore[attr-defined]
        word, _ = refusal_of(failure.value, request)  # type: ignore[arg-type]
        self._refuse_page(word, request.url)
        return self._released(request.cb_kwargs["step"])

    async def image_read(self, response: Response, shown: str) -> AsyncIterator[Any]:
        """Take in an image: fingerprint it, forget its bytes."""
        if response.status == NOT_MODIFIED:
            read = self._unchanged(response)
        else:
            read = await self._fingerprinted(response)
        for step in self._after_image(shown, read):
            yield step

    def image_failed(self, failure: Failure) -> Iterator[Any]:
        """Take in that an image could not be had, and what its headers said if they came."""
        request: Request = failure.request  # type: ignore[attr-defined]
        word, status = refusal_of(failure.value, request)  # type: ignore[arg-type]
        read = ImageRead(datetime.now(UTC), word, status)
        begun = begun_answer(request)
        # Another status is said of something else than the image.
        if begun is not None and 200 <= begun.status < 300:
            read = replace(read, fetched_url=begun.url, evidence=image_evidence(begun))
        return self._after_image(request.cb_kwargs["shown"], read)

    def file_read(self, response: Response, wanted: Wanted) -> None:
        """Hand over a file that speaks for its site."""
        self._record(site_file(wanted, datetime.now(UTC), response_of(response)))

    def file_failed(self, failure: Failure) -> None:
        """Hand over that such a file could not be had."""
        request: Request = failure.request  # type: ignore[attr-defined]
        word, status = refusal_of(failure.value, request)  # type: ignore[arg-type]
        if word not in ENDINGS:
            self._record(refused(request.cb_kwargs["wanted"], datetime.now(UTC), word, status))

    def interrupt(self) -> None:
        """End the visit politely: what is under way is finished, nothing new is asked for."""
        self._interrupted = True
        self._end("interrupted")

    def lose(self, error: RegistryError) -> None:
        """End the visit because nothing can be recorded any more."""
        self.lost = self.lost or error
        self._end("failed")

    def rest(self) -> list[Observation]:
        """End the book-keeping; return the observations not handed over yet."""
        for timer in filter(None, (self._timer, self._grace)):
            timer.cancel()
        return self.visit.rest(self._ending, datetime.now(UTC))

    @property
    def state(self) -> State:
        """Return how the visit ended, as the database names it."""
        if self._interrupted:
            return "interrupted"
        unread = self.start_refusal not in (None, "robots-txt")
        return (
            "failed"
            if unread or hostname_of(f"http://{self.host}/") in self.stopped
            else "finished"
        )

    @property
    def stopped(self) -> dict[str, int]:
        """Return the hosts that refused until they were asked no more, with the status."""
        return downloader_of(self.crawler).pace.stopped() if self.crawler.engine else {}

    def counts(self) -> dict[str, int]:
        """Return the counts of the visit, those of the frontier among them."""
        self.tally.errors = int(self.crawler.stats.get_value("spider_exceptions/count", 0))
        words = self.frontier.turned_away() | self._left
        partly = {"marks": self.tally.unread, "licences": self.site_files.licences_left}
        words |= {word: n for word, n in partly.items() if n}
        left = {f"left.{word}": n for word, n in sorted(words.items())}
        return self.tally.counts() | left

    def count(self, evidence: Iterable[Evidence]) -> None:
        """Count the marks in evidence; warn once of each kind of part that was not read."""
        for url, text in self.tally.evidence(evidence):
            self._warn(text, url, once=True)

    def _warn(self, text: str, url: str, *, once: bool) -> None:
        """Log a warning: the first of its text visibly if `once`, the others at INFO."""
        is_first = once and text not in self._warned
        self._warned.add(text)
        self.logger.log(logging.WARNING if is_first else logging.INFO, "%s: %s", url, text)

    def _end(self, refusal: str) -> None:
        self._ending = refusal
        if not self._started:
            return
        self._grace = asyncio.get_running_loop().call_later(GRACE, self._give_up)
        engine = self.crawler.engine
        self._closing = asyncio.ensure_future(engine.close_spider_async(reason=refusal))
        # Waiting their turn, a delay apart: the end would wait for each.
        downloader_of(self.crawler).refuse_queued(Refused(refusal, "the visit ended"))

    def _give_up(self) -> None:
        """Wait no longer for what is being read, now that the visit has ended."""
        self._is_over = True
        for reading in self._reading:
            reading.cancel()

    async def _in_time(self, reading: Coroutine[Any, Any, Read]) -> Read | None:
        """Return what a worker reads, or None where the visit ended and did not wait for it."""
        task = asyncio.ensure_future(reading)
        self._reading.add(task)
        if self._is_over:
            task.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            if not self._is_over:
                raise
            return None
        finally:
            self._reading.discard(task)

    def _page_request(self, step: Step) -> Request:
        return page_request(step, self.page_read, self.page_failed)

    def _image_request(self, url: str) -> Request:
        return image_request(url, self.limits.bytes, self.image_read, self.image_failed)

    def _site_file_request(self, wanted: Wanted) -> Request:
        return site_file_request(wanted, self.file_read, self.file_failed)

    def _record(self, file: SiteFile) -> None:
        self.crawler.signals.send_catch_log(site_file_read, site_file=file)

    def _site_file_read(self, site_file: SiteFile) -> None:
        """Learn from a robots.txt, which the middleware reads, where licences are."""
        if site_file.kind == "robots-txt" and site_file.evidence is not None:
            self.site_files.robots_txt(site_file.evidence)

    def _refuse_page(self, word: str, url: str, *, is_first: bool = False) -> None:
        self.tally.pages_refused[word] += 1
        if (is_first or not self._pages_read) and not self._interrupted:
            self.start_refusal = word
        self.logger.info("page refused (%s): %s", word, url)
        self.report(self.tally)

    def _after_image(self, shown: str, read: ImageRead) -> Iterator[Any]:
        if read.fetched_url is not None:
            self.count(read.evidence)
            wanted = self.site_files.about_image(read.fetched_url, read.evidence)
            yield from map(self._site_file_request, wanted)
        yield from map(self._image_request, self.visit.image(shown, read))
        yield from self._ready()

    def _ready(self) -> Iterator[Observation]:
        yield from self.visit.ready()
        self.report(self.tally)

    def _unchanged(self, response: Response) -> ImageRead:
        """Return the picture known from an earlier visit, dated now."""
        now = datetime.now(UTC)
        known = self.known.get(response.url)
        if known is None:
            return ImageRead(now, f"http-{NOT_MODIFIED}", NOT_MODIFIED)
        self.tally.unchanged += 1
        evidence = refreshed(known.evidence, header_lines(response.headers))
        return ImageRead(now, None, NOT_MODIFIED, known.picture, response.url, evidence)

    async def _fingerprinted(self, response: Response) -> ImageRead:
        read_at = datetime.now(UTC)
        reading = self.readers.image(response.body, response.url)
        file = await self._in_time(reading) or FileRead(refusal=self._ending)
        marks = (*image_evidence(response), *file.evidence)
        for text in file.warnings:
            # What the operator can fix: a package to install.
            self._warn(text, response.url, once="optout-registry[" in text)
        return ImageRead(read_at, file.refusal, response.status, file.picture, response.url, marks)

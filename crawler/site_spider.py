"""The base of all spiders: reads pages, requests their images, and yields observations.

A spider is a file in `crawler/spiders/` with the `name` of its class. It may override the
parsing of pages (`parse`); manners, limits, evidence and records are the same for all.
`crawler.visit.state` decides the requests, `crawler.visit.ending` when the visit ends.
"""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from scrapy import Request, Spider
from scrapy.exceptions import CloseSpider
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.manners.downloader import begun_response, downloader_of
from crawler.manners.refusals import refusal_of
from crawler.manners.responses import response_of
from crawler.manners.robots import ENDINGS, RobotsTxtMiddleware
from crawler.pages.reading import Page, PageParser, PageResponse, parse_page
from crawler.record.database import Recorder
from crawler.record.events import site_file_read
from crawler.report.tally import VisitTally
from crawler.report.warnings import Warnings
from crawler.settings import refuse_disobedience
from crawler.visit.ending import VisitEnding
from crawler.visit.evidence import image_evidence, page_evidence, unchanged_image
from crawler.visit.frontier import Step, VisitLimits
from crawler.visit.images import ImageRead, PageRead
from crawler.visit.readers import Readers
from crawler.visit.requests import NOT_MODIFIED, image_request, page_request, site_file_request
from crawler.visit.site_files import SiteFileUrl, refused, site_file
from crawler.visit.state import ImageUrl, Next, VisitState
from registry.db.visits import State
from registry.model import PAGE_TRUNCATED, Evidence, Observation, SiteFile
from registry.pictures.reading import FileRead
from registry.sources.kinds import page_kind
from registry.urls.key import hostname_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class SiteSpider(Spider):
    """Visits one site. Arguments come from `crawler.visit.run`."""

    about: ClassVar[str] = ""
    # The hosts of this spider, with their subdomains: their URLs are crawled by it.
    hosts: ClassVar[tuple[str, ...]] = ()
    # The default start URL; "" if the user must name one.
    starts_at: ClassVar[str] = ""
    # The types of responses that are pages: `json` for sites whose pages are JSON.
    kinds: ClassVar[tuple[str, ...]] = ("html",)
    # Returns the PageContent of a PageResponse. A pure function that a worker process can
    # import by its name: on the top level of a module, or a static method.
    parse: ClassVar[PageParser] = staticmethod(parse_page)  # type: ignore[misc, assignment]

    def __init__(
        self,
        *,
        start_url: str,
        limits: VisitLimits,
        recorder: Recorder,
        readers: Readers,
        report: Callable[[VisitTally], None],
        **kwargs: Any,
    ) -> None:
        """Prepare a visit of `start_url`; `report` is called with the counts at every step."""
        super().__init__(**kwargs)
        self.visit = VisitState(start_url, limits)
        self.recorder = recorder
        self.readers = readers
        self.report = report
        self.warnings = Warnings(self.logger)
        self.ending: VisitEnding

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> SiteSpider:
        """Make the spider. Raises UsageError for settings that would disable robots.txt."""
        refuse_disobedience(crawler.settings)
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.ending = VisitEnding(crawler)
        spider.visit.is_private |= crawler.settings.getbool("PRIVATE_RUN")
        crawler.signals.connect(spider._site_file_read, signal=site_file_read)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        """Request the first page. Raises CloseSpider if robots.txt would not be obeyed."""
        if self.crawler.get_downloader_middleware(RobotsTxtMiddleware) is None:
            raise CloseSpider("robots.txt would not be obeyed")
        self.ending.begin(self.visit.limits.seconds)
        yield self._request(self.visit.first())

    async def page_read(self, response: Response, step: Step) -> AsyncIterator[Any]:
        """Read a page, then request the pages that waited for it."""
        try:
            async for item in self._page_read(response, step):
                yield item
        except Exception as error:  # noqa: BLE001 (pages that wait for this one must not be lost)
            self._count_error(error, response.url)
            self._refuse_page("crashed", response.url)
        for waiting in self.visit.page_done(step):
            yield self._request(waiting)

    async def _page_read(self, fetched: Response, step: Step) -> AsyncIterator[Any]:
        response = response_of(fetched)
        kind = page_kind(response)
        if kind not in self.kinds:
            self._refuse_page("not-a-page", response.url)
            return
        if not self.visit.is_new_page(response.url):
            return
        read_at = datetime.now(UTC)
        page = PageResponse(response.text(kind), response.url, kind)
        read = await self.ending.in_time(self.readers.page(Page(page, type(self).parse)))
        if read is None:
            self._refuse_page(self.ending.reason, response.url)
            return
        text, refusal = read
        if text.error:
            self._count_error(text.error, response.url)
        if refusal is not None or response.cut:
            self._refuse_page(refusal or PAGE_TRUNCATED, response.url)
        evidence = page_evidence(response, kind, text.excerpt)
        self.count(evidence)
        seen = PageRead(
            response.url,
            read_at,
            evidence,
            text.content.images,
            text.content.links,
            response.cut,
            text.content.left,
        )
        for item in self._next(self.visit.page(seen, step, refusal)):
            yield item

    def page_failed(self, failure: Failure) -> Iterator[Request]:
        """Count a page that could not be fetched; request the pages that waited for it."""
        request: Request = failure.request  # type: ignore[attr-defined]
        reason, _ = refusal_of(failure.value, request)  # type: ignore[arg-type]
        self._refuse_page(reason, request.url)
        yield from map(self._request, self.visit.page_done(request.cb_kwargs["step"]))

    async def image_read(self, response: Response, shown: str) -> AsyncIterator[Any]:
        """Fingerprint an image, and drop its bytes."""
        if response.status == NOT_MODIFIED:
            read = self._unchanged(response)
        else:
            read = await self._fingerprinted(response)
        for item in self._image_done(shown, read):
            yield item

    def image_failed(self, failure: Failure) -> Iterator[Any]:
        """Record that an image could not be fetched, with its headers if they arrived."""
        request: Request = failure.request  # type: ignore[attr-defined]
        reason, status = refusal_of(failure.value, request)  # type: ignore[arg-type]
        read = ImageRead(datetime.now(UTC), reason, status)
        begun = begun_response(request)
        # A response with another status does not describe the image.
        if begun is not None and 200 <= begun.status < 300:
            read = replace(read, fetched_url=begun.url, evidence=image_evidence(begun))
        return self._image_done(request.cb_kwargs["shown"], read)

    def file_read(self, response: Response, file: SiteFileUrl) -> None:
        """Record a site file."""
        self._record(site_file(file, datetime.now(UTC), response_of(response)))

    def file_failed(self, failure: Failure) -> None:
        """Record that a site file could not be fetched."""
        request: Request = failure.request  # type: ignore[attr-defined]
        reason, status = refusal_of(failure.value, request)  # type: ignore[arg-type]
        if reason not in ENDINGS:
            self._record(refused(request.cb_kwargs["file"], datetime.now(UTC), reason, status))

    def rest(self) -> list[Observation]:
        """End the visit; return the remaining observations."""
        self.ending.stop_clock()
        return self.visit.rest(self.ending.reason, datetime.now(UTC))

    @property
    def state(self) -> State:
        """Return the state in which the visit ended: `finished`, `interrupted` or `failed`."""
        if self.ending.is_interrupted:
            return "interrupted"
        unread = self.visit.start_refusal not in (None, "robots-txt")
        is_stopped = hostname_of(f"http://{self.visit.host}/") in self.stopped
        return "failed" if unread or is_stopped else "finished"

    @property
    def stopped(self) -> Mapping[str, int]:
        """Return the hosts to which requests stopped, each with its last status."""
        return downloader_of(self.crawler).pace.stopped() if self.crawler.engine else {}

    def counts(self) -> dict[str, int]:
        """Return the counts of the visit, as the database stores them."""
        counts = self.visit.counts()
        counts["errors"] += int(self.crawler.stats.get_value("spider_exceptions/count", 0))
        return counts

    def count(self, evidence: Iterable[Evidence]) -> None:
        """Count the marks in evidence; warn once about each type of part that was not read."""
        for url, text in self.visit.tally.evidence(evidence):
            self.warnings.once(text, url)

    def _next(self, items: Iterable[Next]) -> Iterator[Request | Observation]:
        """Yield the requests for the URLs among the items, and the observations."""
        for item in items:
            yield item if isinstance(item, Observation) else self._request(item)
        self.report(self.visit.tally)

    def _request(self, item: Step | ImageUrl | SiteFileUrl) -> Request:
        if isinstance(item, Step):
            return page_request(item, self.page_read, self.page_failed)
        if isinstance(item, SiteFileUrl):
            return site_file_request(item, self.file_read, self.file_failed)
        size = self.visit.limits.bytes
        return image_request(item.url, size, self.image_read, self.image_failed)

    def _record(self, file: SiteFile) -> None:
        self.crawler.signals.send_catch_log(site_file_read, site_file=file)

    def _site_file_read(self, site_file: SiteFile) -> None:
        """Pass on a robots.txt that the middleware read."""
        self.visit.site_file(site_file)

    def _refuse_page(self, reason: str, url: str) -> None:
        self.visit.refuse_page(reason, interrupted=self.ending.is_interrupted)
        self.logger.info("page refused (%s): %s", reason, url)
        self.report(self.visit.tally)

    def _count_error(self, error: Exception | str, url: str) -> None:
        """Count an error of our own code or of the spider's; log its last line, and all of it."""
        trace = error if isinstance(error, str) else "".join(traceback.format_exception(error))
        self.visit.tally.errors += 1
        self.warnings.once(trace.rstrip().rpartition("\n")[2], url)
        self.logger.debug("%s", trace)

    def _image_done(self, shown: str, read: ImageRead) -> Iterator[Any]:
        if read.fetched_url is not None:
            self.count(read.evidence)
        return self._next(self.visit.image(shown, read))

    def _unchanged(self, response: Response) -> ImageRead:
        """Return the picture of an earlier visit, with the current time."""
        known = self.recorder.known.get(response.url)
        self.visit.tally.unchanged += known is not None
        return unchanged_image(response, known, datetime.now(UTC))

    async def _fingerprinted(self, response: Response) -> ImageRead:
        read_at = datetime.now(UTC)
        reading = self.readers.image(response.body, response.url)
        file = await self.ending.in_time(reading) or FileRead(refusal=self.ending.reason)
        marks = (*image_evidence(response), *file.evidence)
        for text in file.warnings:
            # The operator can install a missing package.
            warn = self.warnings.once if "optout-registry[" in text else self.warnings.detail
            warn(text, response.url)
        return ImageRead(read_at, file.refusal, response.status, file.picture, response.url, marks)

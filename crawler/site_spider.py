"""The base of all spiders: reads pages, requests their images, and yields observations.

A spider is a file in `crawler/spiders/` with the `name` of its class. It may override the
parsing of pages (`parse`); manners, limits, evidence and records are the same for all.
`crawler.visit.state` decides the requests, `crawler.visit.ending` when the visit ends.
"""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from scrapy import Request, Spider
from scrapy.exceptions import CloseSpider
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.guides.entries import Guide
from crawler.manners.downloader import begun_response, downloader_of
from crawler.manners.refusals import refusal_of
from crawler.manners.responses import header_lines, response_of
from crawler.manners.robots import ENDINGS, RobotsTxtMiddleware
from crawler.options import VisitLimits
from crawler.pages.reading import Page, PageParser, PageResponse, parse_page
from crawler.record.database import Recorder
from crawler.record.events import site_file_read
from crawler.record.turns import Turns
from crawler.report.tally import VisitTally
from crawler.report.traffic import HASHED
from crawler.report.warnings import Warnings
from crawler.settings import refuse_disobedience
from crawler.visit.batches import Batches
from crawler.visit.ending import VisitEnding
from crawler.visit.evidence import captured, image_evidence, page_evidence, unchanged_image
from crawler.visit.frontier import Step
from crawler.visit.guides import GuideRead, GuideUrl
from crawler.visit.images import NOT_MODIFIED, ImageRead, PageRead
from crawler.visit.readers import Readers
from crawler.visit.requests import guide_request, image_request, page_request, site_file_request
from crawler.visit.results import (
    FileResult,
    GuideResult,
    ImageResult,
    PageResult,
    Result,
    RobotsResult,
    UnreadableJournal,
    unpack,
)
from crawler.visit.results import Request as StateRequest
from crawler.visit.revisit import Revisit
from crawler.visit.site_files import SiteFileUrl, refused, site_file
from crawler.visit.state import VisitState
from crawler.warc.captures import Capture
from registry import __version__
from registry.db.visits import State
from registry.evidence.responses import Response as EvidenceResponse
from registry.model import Evidence, Observation, SiteFile
from registry.pictures.reading import FileRead
from registry.sources.kinds import page_kind
from registry.urls.key import hostname_of

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class SiteSpider(Spider):
    """Visits one site. Arguments come from `crawler.visit.crawl`."""

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
        turns: Turns,
        ending: VisitEnding,
        report: Callable[[VisitTally], None],
        **kwargs: Any,
    ) -> None:
        """Prepare a visit of `start_url`; `report` is called with the counts at every step."""
        super().__init__(**kwargs)
        self.recorder = recorder
        self.readers = readers
        self.turns = turns
        self.ending = ending
        self.report = report
        self.warnings = Warnings(self.logger)
        reader = f"{self.name} {__version__}"
        self.revisit = Revisit(recorder.begun.extent, recorder.known, start_url, reader)
        self.visit = VisitState(start_url, limits, self.revisit.site)
        self.visit.replay(self._journal())
        # What other processes have counted, if they began the visit.
        self.counted_before = self.visit.counts()
        self.batches = Batches(recorder, ending.fail)
        # What the monitors say of the visit, by their names.
        self.suspicions: Mapping[str, str] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> SiteSpider:
        """Make the spider. Raises UsageError for settings that would disable robots.txt."""
        refuse_disobedience(crawler.settings)
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.visit.is_private |= crawler.settings.getbool("PRIVATE_RUN")
        crawler.signals.connect(spider._robots_read, signal=site_file_read)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        """Request what has no result yet. Raises CloseSpider if robots.txt would not be obeyed."""
        if self.crawler.get_downloader_middleware(RobotsTxtMiddleware) is None:
            raise CloseSpider("robots.txt would not be obeyed")
        self.ending.begin(self.visit.limits.seconds - self.recorder.begun.seconds)
        self.batches.begin()
        for item in self.visit.requests():
            yield self._request(item)
        for request in self._due():
            yield request

    async def page_read(self, response: Response, step: Step) -> AsyncIterator[Request]:
        """Read a page; request its images and links, and the pages that waited for it."""
        try:
            if response.status == NOT_MODIFIED:
                result = self._unchanged_page(response, step)
            else:
                result = await self._page(response_of(response), step)
        except Exception as error:  # noqa: BLE001 (pages that wait for this one must not be lost)
            self._count_error(error, response.url)
            result = PageResult(step, response.url, refusal="crashed")
        for request in self._taken(result, self._page_captures(response, result.page)):
            yield request
        await self.batches.room()

    def _unchanged_page(self, response: Response, step: Step) -> PageResult:
        """Return a page that was read by an earlier visit."""
        url = response.url
        if self.visit.was_read(url):
            return PageResult(step, url)
        lines = header_lines(response.headers)
        page = self.revisit.pages.unchanged(url, lines, datetime.now(UTC))
        return PageResult(step, url, page, None if page else f"http-{NOT_MODIFIED}")

    async def _page(self, response: EvidenceResponse, step: Step) -> PageResult:
        kind = page_kind(response)
        if kind not in self.kinds:
            return PageResult(step, response.url, refusal="not-a-page")
        if self.visit.was_read(response.url):
            return PageResult(step, response.url)
        read_at = datetime.now(UTC)
        page = PageResponse(response.text(kind), response.url, kind)
        read = await self.ending.in_time(self.readers.page(Page(page, type(self).parse)))
        if read is None:
            return PageResult(step, response.url, refusal=self.ending.reason)
        text, refusal = read
        if text.error:
            self._count_error(text.error, response.url)
        seen = PageRead(
            response.url,
            read_at,
            page_evidence(response, kind, text.excerpt),
            text.content.images,
            text.content.links,
            response.cut,
            text.content.left,
            response.field("etag") or None,
            response.field("last-modified") or None,
            text.content.feeds,
        )
        return PageResult(step, response.url, seen, refusal)

    def page_failed(self, failure: Failure) -> Iterator[Request]:
        """Count a page that could not be fetched; request the pages that waited for it."""
        request: Request = failure.request  # type: ignore[attr-defined]
        reason, _ = refusal_of(failure.value, request)  # type: ignore[arg-type]
        return self._taken(PageResult(request.cb_kwargs["step"], request.url, refusal=reason))

    async def image_read(self, response: Response, shown: str) -> AsyncIterator[Request]:
        """Fingerprint an image, and drop its bytes."""
        known = self.recorder.known.images.get(response.url)
        if response.status == NOT_MODIFIED:
            read = unchanged_image(response, known, datetime.now(UTC))
        else:
            read = await self._fingerprinted(response)
        before = known.evidence if known else ()
        captures = self._captures(response, read.evidence, read.read_at, before)
        for request in self._taken(ImageResult(shown, read), captures):
            yield request
        await self.batches.room()

    def image_failed(self, failure: Failure) -> Iterator[Request]:
        """Record that an image could not be fetched, with its headers if they arrived."""
        request: Request = failure.request  # type: ignore[attr-defined]
        reason, status = refusal_of(failure.value, request)  # type: ignore[arg-type]
        read = ImageRead(datetime.now(UTC), reason, status)
        begun = begun_response(request)
        captures: Sequence[Capture] = ()
        # A response with another status does not describe the image.
        if begun is not None and 200 <= begun.status < 300:
            read = replace(read, fetched_url=begun.url, evidence=image_evidence(begun))
            captures = self._captures(begun, read.evidence, read.read_at, request=request)
        return self._taken(ImageResult(request.cb_kwargs["shown"], read), captures)

    async def guide_read(self, response: Response, guide: GuideUrl) -> AsyncIterator[Request]:
        """Read a sitemap or feed; request the pages of which it tells."""
        now = datetime.now(UTC)
        if response.status == NOT_MODIFIED:
            result = GuideResult(guide, GuideRead(now, is_whole=True))
        else:
            body = response_of(response)
            reading = self.readers.guide(body.body, response.url)
            found = await self.ending.in_time(reading) or Guide()
            read = self.revisit.guide(guide, found, now)
            validators = body.field("etag") or None, body.field("last-modified") or None
            result = GuideResult(guide, read._replace(validators=validators))
        for request in self._taken(result):
            yield request

    def guide_failed(self, failure: Failure) -> Iterator[Request]:
        """Go on without a sitemap or feed that could not be fetched."""
        request: Request = failure.request  # type: ignore[attr-defined]
        reason, _ = refusal_of(failure.value, request)  # type: ignore[arg-type]
        yield from self._taken(GuideResult(request.cb_kwargs["guide"], refusal=reason))

    def file_read(self, response: Response, file: SiteFileUrl) -> Iterator[Request]:
        """Record a site file."""
        record = site_file(file, datetime.now(UTC), response_of(response))
        return self._taken(FileResult(file, record), self._file_captures(response, record))

    def file_failed(self, failure: Failure) -> Iterator[Request]:
        """Record that a site file could not be fetched."""
        request: Request = failure.request  # type: ignore[attr-defined]
        reason, status = refusal_of(failure.value, request)  # type: ignore[arg-type]
        file = request.cb_kwargs["file"]
        is_over = reason in ENDINGS
        record = None if is_over else refused(file, datetime.now(UTC), reason, status)
        return self._taken(FileResult(file, record))

    async def finish(self) -> None:
        """Write the remaining observations and the end of the visit."""
        self.ending.stop_clock()
        if self.ending.gives_back:
            await self.batches.give_back()
        else:
            rest = self.visit.rest(self.ending.reason, datetime.now(UTC))
            self.suspicions = await self.batches.finish(self.state, self.counts(), rest)
        self.batches.close()

    @property
    def state(self) -> State:
        """Return how the visit ended: `finished`, `suspect`, `interrupted` or `failed`."""
        if self.suspicions:
            return "suspect"
        host = hostname_of(f"http://{self.visit.host}/")
        refused = downloader_of(self.crawler).refused if self.crawler.engine else ()
        # A visit whose host is refused from now on is not complete.
        if self.ending.is_interrupted or host in refused:
            return "interrupted"
        unread = self.visit.start_refusal not in (None, "robots-txt")
        return "failed" if unread or host in self.stopped else "finished"

    @property
    def stopped(self) -> Mapping[str, int]:
        """Return the hosts to which requests stopped, each with its last status."""
        return downloader_of(self.crawler).pace.stopped() if self.crawler.engine else {}

    def counts(self) -> dict[str, int]:
        """Return the counts of the visit, as the database stores them."""
        counts = self.visit.counts()
        counts["errors"] += int(self.crawler.stats.get_value("spider_exceptions/count", 0))
        return counts

    def _due(self) -> Iterator[Request]:
        """Request the known pages that are due, once the guides have told what changed.

        A visit to all pages requests those that it did not find, at its end.
        """
        if self.visit.is_planned or not self.revisit.pages.by_key:
            return
        waits = self.revisit.asks_for_all and not self.visit.is_idle
        if not waits and not self.visit.awaits_guides:
            due = self.revisit.due(self.recorder.begun.started_at, self.visit.guides)
            yield from self._taken(due)

    def _taken(self, result: Result, captures: Sequence[Capture] = ()) -> Iterator[Request]:
        """Pass a result to the state, its records to the database; yield the next requests."""
        if self.ending.gives_back and self._is_unasked(result):
            return
        items = self.visit.take(result)
        records = [item for item in items if isinstance(item, Observation | SiteFile)]
        noted, self.visit.guides.noted = self.visit.guides.noted, []
        known = self.revisit.after(result, noted, datetime.now(UTC))
        self.batches.add(result, records, known, captures)
        for url, text in self.visit.unread:
            self.warnings.once(text, url)
        self.visit.unread.clear()
        if isinstance(result, PageResult) and result.refusal is not None:
            self.logger.info("page refused (%s): %s", result.refusal, result.url)
        self.report(self.visit.tally)
        for item in items:
            if not isinstance(item, Observation | SiteFile):
                yield self._request(item)
        yield from self._due()

    def _journal(self) -> list[Result]:
        """Return the results of the visit until here; an unreadable journal is dropped."""
        try:
            return [result for part in self.recorder.begun.journal for result in unpack(part)]
        except UnreadableJournal as error:
            self.logger.warning("%s; the visit begins anew", error)
            self.recorder.drop_journal()
            return []

    def _is_unasked(self, result: Result) -> bool:
        """Return whether a request ended only because the visit is given back."""
        match result:
            case PageResult(refusal=reason) | ImageResult(read=ImageRead(refusal=reason)):
                return reason in ENDINGS
            case GuideResult(refusal=reason):
                return reason in ENDINGS
            case FileResult(record=record):
                return record is None
        return False

    def _request(self, item: StateRequest) -> Request:
        request = self._made(item)
        if self.revisit.is_fresh(item):
            request.meta["is_fresh"] = True
        return request

    def _made(self, item: StateRequest) -> Request:
        if isinstance(item, Step):
            return page_request(item, self.page_read, self.page_failed)
        if isinstance(item, GuideUrl):
            return guide_request(item, self.guide_read, self.guide_failed)
        if isinstance(item, SiteFileUrl):
            return site_file_request(item, self.file_read, self.file_failed)
        size = self.visit.limits.bytes
        return image_request(item.url, size, self.image_read, self.image_failed)

    def _robots_read(self, site_file: SiteFile, response: Response | None) -> None:
        """Take a robots.txt that the middleware read."""
        for _ in self._taken(RobotsResult(site_file), self._file_captures(response, site_file)):
            raise AssertionError("a robots.txt leads to no requests")

    def _page_captures(self, response: Response, page: PageRead | None) -> Sequence[Capture]:
        if page is None or self.recorder.archive is None:
            return ()
        is_unchanged = response.status == NOT_MODIFIED
        known = self.revisit.pages.evidence(response.url) if is_unchanged else ()
        return self._captures(response, page.evidence, page.read_at, known)

    def _file_captures(self, response: Response | None, record: SiteFile) -> Sequence[Capture]:
        if response is None or record.evidence is None:
            return ()
        return self._captures(response, [record.evidence], record.observed_at)

    def _captures(
        self, response: Response, evidence: Sequence[Evidence], *rest: Any, **named: Any
    ) -> Sequence[Capture]:
        """Return what `captured` does; nothing if no WARC files are written."""
        return captured(response, evidence, *rest, **named) if self.recorder.archive else ()

    def _count_error(self, error: Exception | str, url: str) -> None:
        """Count an error of our own code or of the spider's; log its last line, and all of it."""
        trace = error if isinstance(error, str) else "".join(traceback.format_exception(error))
        self.visit.tally.errors += 1
        self.warnings.once(trace.rstrip().rpartition("\n")[2], url)
        self.logger.debug("%s", trace)

    async def _fingerprinted(self, response: Response) -> ImageRead:
        read_at = datetime.now(UTC)
        reading = self.readers.image(response.body, response.url)
        file = await self.ending.in_time(reading) or FileRead(refusal=self.ending.reason)
        if file.picture is not None:
            self.crawler.stats.inc_value(HASHED)
        marks = (*image_evidence(response), *file.evidence)
        for text in file.warnings:
            # The operator can install a missing package.
            warn = self.warnings.once if "optout-registry[" in text else self.warnings.detail
            warn(text, response.url)
        return ImageRead(read_at, file.refusal, response.status, file.picture, response.url, marks)

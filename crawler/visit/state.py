"""The state of one visit: the pages and images read, and the next requests. Pure.

Callers pass in the results of requests, in any order. Each gives the next requests and the
complete records. The same results in the same order give the same state: `replay` brings a
visit back to where its journal ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from crawler.options import VisitLimits
from crawler.pages.links import PageLink
from crawler.pages.relation import HostSightings
from crawler.report.tally import VisitTally
from crawler.visit.frontier import Frontier, Step
from crawler.visit.guides import Guides, GuideUrl
from crawler.visit.images import PageRead, Showings
from crawler.visit.known import KnownSite
from crawler.visit.results import (
    DueResult,
    FileResult,
    GuideResult,
    ImageResult,
    ImageUrl,
    PageResult,
    Request,
    Result,
    RobotsResult,
)
from crawler.visit.site_files import SiteFileUrls
from crawler.visit.url_shapes import page_key
from registry.model import PAGE_TRUNCATED, Evidence, Observation, SiteFile
from registry.urls.key import host_of, hostname_of
from registry.urls.networks import is_private
from registry.urls.sites import site_of

Record = Observation | SiteFile
Next = Request | Record


@dataclass(slots=True)
class VisitState:
    """The state of one visit that starts at `start_url`.

    `known` is what an earlier visit found, if this one asks for a part of the pages only.
    `host` is the host of the start page, after redirects. `is_private`: private addresses may
    be requested. `start_refusal` is the reason why the start page was not read. `unread` holds
    the URL and a warning for each part of evidence that no reader read, until they are shown.
    """

    start_url: str
    limits: VisitLimits
    known: KnownSite | None = None
    is_private: bool = False
    host: str = ""
    start_refusal: str | None = None
    tally: VisitTally = field(default_factory=VisitTally)
    images: Showings = field(init=False)
    frontier: Frontier = field(init=False)
    site_files: SiteFileUrls = field(default_factory=SiteFileUrls)
    guides: Guides = field(default_factory=Guides)
    unread: list[tuple[str, str]] = field(default_factory=list)
    # Requests without a result, in their order.
    _open: dict[Request, None] = field(default_factory=dict)
    _pages_read: set[str] = field(default_factory=set)
    _robots: set[str] = field(default_factory=set)
    is_planned: bool = False
    _left: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Start with the first requests: for the start page, or for the site files."""
        known = self.known or KnownSite()
        self.host = known.host or host_of(self.start_url) or ""
        self.is_private = self.is_private or is_private(hostname_of(self.start_url))
        self.images = Showings(self.limits.images, HostSightings(known.relations))
        self.frontier = Frontier(self.limits, known.pages)
        self._open.update(dict.fromkeys(self.guides.wanted(self.start_url, known.guides)))
        if known.site_files is not None:
            self._open.update(dict.fromkeys(self.site_files.again(known.site_files)))
            return
        start = Step(PageLink(self.start_url), 0)
        self.frontier.expect(start)
        self._open[start] = None

    def replay(self, results: Iterable[Result]) -> None:
        """Take the results of a journal; their records were written before."""
        for result in results:
            self.take(result)
        self.unread.clear()
        self.guides.noted.clear()

    def requests(self) -> list[Request]:
        """Return the requests without a result, in their order."""
        return list(self._open)

    def take(self, result: Result) -> list[Next]:
        """Take the result of a request; return the next requests and the records."""
        items = list(self._taken(result))
        if result.request is not None:
            self._open.pop(result.request, None)
        for item in items:
            if isinstance(item, Observation):
                self.tally.observation(item)
            elif not isinstance(item, SiteFile):
                self._open[item] = None
        return items

    @property
    def awaits_guides(self) -> bool:
        """Return whether a guide is requested that may tell which pages changed."""
        return any(isinstance(request, GuideUrl) for request in self._open)

    @property
    def is_idle(self) -> bool:
        """Return whether no request waits for its result."""
        return not self._open

    def is_own_page(self, url: str) -> bool:
        """Return whether a page belongs to this visit: same host; for the first page, same site."""
        if self._pages_read:
            return host_of(url) == self.host
        return site_of(hostname_of(url)) == site_of(hostname_of(self.start_url))

    def was_read(self, url: str) -> bool:
        """Return whether the page at a URL was read."""
        return page_key(url) in self._pages_read

    def rest(self, reason: str, now: datetime) -> list[Observation]:
        """Return the remaining observations; images without a result get the reason."""
        rest = self.images.rest(reason, now)
        for observation in rest:
            self.tally.observation(observation)
        return rest

    def counts(self) -> dict[str, int]:
        """Return all counts; `left.*` counts the items left out, by reason."""
        left = self.frontier.dropped() | self._left
        unread = {"marks": self.tally.unread, "licences": self.site_files.licences_left}
        left |= {word: n for word, n in unread.items() if n}
        return self.tally.counts() | {f"left.{word}": n for word, n in sorted(left.items())}

    def _taken(self, result: Result) -> Iterator[Next]:
        match result:
            case PageResult():
                yield from self._page(result)
            case ImageResult():
                yield from self._image(result)
            case FileResult(record=record) if record is not None:
                yield from self._recorded(record)
            case RobotsResult(record):
                if record.evidence is not None:
                    self.site_files.robots_txt(record.evidence)
                    self.guides.robots_txt(record.evidence.text, record.evidence.url)
                # A resumed visit requests it again; its marks are counted once.
                is_again = record.url in self._robots
                self._robots.add(record.url)
                yield from [record] if is_again else self._recorded(record)
            case GuideResult(guide, read) if read is not None:
                yield from self.guides.read(guide, read)
                yield from self._followed((PageLink(entry.url) for entry in read.entries), 0)
            case DueResult(steps):
                self.is_planned = True
                yield from (step for step in steps if self.frontier.expect(step))

    def _page(self, result: PageResult) -> Iterator[Next]:
        page = result.page
        is_start = result.step.link.url == self.start_url and result.step.depth == 0
        if page is not None and not self.was_read(page.url):
            if is_start:
                # The start URL may redirect to another host of the site.
                self.host = host_of(page.url) or ""
            self._pages_read.add(page_key(page.url))
            self._count(page.evidence)
            yield from self._read(page, result.step, result.refusal)
            if is_start:
                yield from self._guides(page)
        refusal = result.refusal or (PAGE_TRUNCATED if page is not None and page.is_cut else None)
        if refusal is not None:
            self.tally.pages_refused[refusal] += 1
            if is_start and refusal != "interrupted":
                self.start_refusal = refusal
        yield from self.frontier.read(result.step.link.url)

    def _read(self, page: PageRead, step: Step, refusal: str | None) -> Iterator[Next]:
        """Add a page; with a refusal, its images are not requested."""
        self._left.update(page.left)
        self.frontier.shows(step.link.url, (image.url for image in page.images))
        if refusal is None:
            self.tally.pages += not page.is_cut
            yield from map(ImageUrl, self.images.page(page))
        else:
            self.images.refused(page, refusal)
        yield from self.site_files.about_page(page.url, page.evidence)
        yield from self.images.ready()
        yield from self._followed(page.links, step.depth)

    def _guides(self, page: PageRead) -> list[GuideUrl]:
        """Return the guides to request; a visit to all pages asks for none."""
        found = self.guides.start_page(page.url, page.feeds)
        if self.known is not None:
            return found
        self.guides.noted += found
        return []

    def _image(self, result: ImageResult) -> Iterator[Next]:
        read = result.read
        self.tally.unchanged += read.is_unchanged
        if read.fetched_url is not None:
            self._count(read.evidence)
            yield from self.site_files.about_image(read.fetched_url, read.evidence)
        yield from map(ImageUrl, self.images.image(result.shown, read))
        yield from self.images.ready()

    def _recorded(self, record: SiteFile) -> Iterator[SiteFile]:
        if record.evidence is not None:
            self._count([record.evidence])
        yield record

    def _count(self, evidence: Iterable[Evidence]) -> None:
        self.unread += self.tally.evidence(evidence)

    def _followed(self, links: Iterable[PageLink], depth: int) -> Iterator[Step]:
        for link in links:
            # The next page of a series has the same depth.
            further = depth if link.is_next else depth + 1
            is_own = self.is_own_page(link.url)
            if is_own and self.frontier.admit(link.url, further, is_next=link.is_next):
                yield Step(link, further)

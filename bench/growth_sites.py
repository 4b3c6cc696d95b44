"""Sites whose answers are made up, and visits of them that write what a crawler writes.

No request is sent: each request of a visit's state (`crawler.visit.state`) gets its result at
once, and the visit's recorder (`crawler.record.database`) writes the results, as for a spider.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from zlib import crc32

from crawler.options import VisitLimits
from crawler.pages.images import ImageCandidate
from crawler.pages.links import PageLink
from crawler.record.database import Recorder, start
from crawler.record.schedules import PlanRow
from crawler.record.values import Batch
from crawler.visit.frontier import Step
from crawler.visit.images import ImageRead, PageRead
from crawler.visit.known import KnownPages
from crawler.visit.results import (
    FileResult,
    GuideResult,
    ImageResult,
    ImageUrl,
    PageResult,
    Request,
    Result,
    RobotsResult,
    pack,
    readings_of,
)
from crawler.visit.revisit import Revisit
from crawler.visit.site_files import SiteFileUrl, refused
from crawler.visit.state import VisitState
from registry.db.known_rows import KnownImage, KnownPage
from registry.db.schedules import Terms
from registry.db.session import Session
from registry.evidence.headers import kept
from registry.model import Evidence, Observation, Picture, SiteFile
from registry.signals import page_excerpt

# How the hosts answer for what they were asked before: 304, or again with the body.
Answers = Literal["304", "bodies"]
SPIDER, READER = "gallery", "gallery bench"
LIMITS = VisitLimits(pages=10**6, images=10**6)
DATE = "Sun, 01 Mar 2026 12:00:00 GMT"
# Links of a page besides those to its neighbours, as of a menu.
MENU = 12
NOTICE = "<p>All works by the artist. No part of this site may be used to train models."


@dataclass(frozen=True, slots=True)
class Site:
    """One host: an index, and pages with pictures of their own.

    Each of `rounds` rounds of changes has changed a `share` of the pages and of the pictures.
    """

    name: str
    pages: int
    pictures: int
    rounds: int = 0
    share: float = 0.01

    @property
    def url(self) -> str:
        """Return the URL of the index."""
        return f"https://{self.name}/"

    @property
    def plan(self) -> PlanRow:
        """Return the plan of its visits."""
        return {"spider": SPIDER, "start_url": self.url, "host": self.name}

    @property
    def terms(self) -> Terms:
        """Return its schedule."""
        week = timedelta(days=7)
        return Terms(SPIDER, self.url, self.name, every=week, options={"every_page": True})

    def page(self, url: str, read_at: datetime) -> PageRead:
        """Return the page at a URL: the index, or one with pictures."""
        name = url.removeprefix(self.url)
        linked: Iterable[int] = range(self.pages)
        images: list[ImageCandidate] = []
        version = 0
        if name:
            number = int(name.removeprefix("works/work-").removesuffix(".html"))
            version = self._version(name)
            linked = (number - 1, number + 1, *range(MENU))
            images = [
                ImageCandidate(f"{self.url}uploads/2026/03/work-{number}-view-{view}-large.jpg")
                for view in range(self.pictures)
            ]
        return PageRead(
            url,
            read_at,
            self._page_evidence(url, version),
            tuple(images),
            tuple(PageLink(f"{self.url}works/work-{n % self.pages}.html") for n in linked),
            etag=f'"{crc32(url.encode()):08x}-{version}"',
            last_modified=DATE,
        )

    def image(self, url: str, read_at: datetime) -> ImageRead:
        """Return the image at a URL."""
        version = self._version(url)
        digest = hashlib.sha256(f"{url} {version}".encode()).digest()
        lines = [("Content-Type", "image/jpeg"), ("Date", DATE)]
        kind = crc32(url.encode()) % 5
        if kind:  # else no more header lines
            lines += [
                ("Content-Length", str(200_000 + digest[0])),
                ("ETag", f'"{digest[:8].hex()}"'),
                ("Last-Modified", DATE),
                ("Cache-Control", "public, max-age=31536000"),
            ]
        if kind == 1:
            lines.append(("X-Robots-Tag", "noai, noimageai"))
        evidence = Evidence("headers", "image", url, kept(lines))
        return ImageRead(read_at, None, 200, _picture(digest), url, (evidence,))

    def robots(self, now: datetime) -> SiteFile:
        """Return the robots.txt of the host."""
        url, text = f"{self.url}robots.txt", "User-agent: GPTBot\nDisallow: /\n"
        evidence = Evidence("robots-txt", "site", url, text=text)
        return SiteFile(now, self.name, url, "robots-txt", 200, evidence=evidence)

    def _version(self, what: str) -> int:
        """Return how often a page or an image has changed."""
        least = int(self.share * 2**32)
        return sum(crc32(f"{r} {what}".encode()) < least for r in range(1, self.rounds + 1))

    def _page_evidence(self, url: str, version: int) -> tuple[Evidence, ...]:
        # One page in four has a mark at first; a change adds or removes it.
        is_marked = (crc32(url.encode()) % 4 == 0) != (version % 2 == 1)
        mark = '<meta name="robots" content="noai, noimageai">' if is_marked else ""
        tags = (
            f'<html lang="en"><head><title>A work</title>{mark}'
            f'<link rel="canonical" href="{url}"><link rel="license" href="{self.url}terms">'
            f'<meta name="generator" content="Made up"></head>{NOTICE}'
        )
        lines = [("Content-Type", "text/html; charset=utf-8"), ("Server", "bench")]
        html = Evidence("html", "page", url, text=page_excerpt(tags, url))
        return Evidence("headers", "page", url, kept(lines, "page")), html


def _picture(digest: bytes) -> Picture:
    more = hashlib.sha256(digest).hexdigest()
    prints = {"phash64": {"full": more[:16]}, "phash256": {"full": more}}
    md5 = digest[:16].hex()
    return Picture(digest.hex(), md5, 1600, 1200, "JPEG", 200_000 + digest[0], prints)


@dataclass(slots=True)
class Visit:
    """One visit of a site, which asks for everything; `size` is that of its batches."""

    site: Site
    recorder: Recorder
    answers: Answers
    size: int
    state: VisitState = field(init=False)
    _revisit: Revisit = field(init=False)
    _results: list[Result] = field(default_factory=list)
    _records: list[Observation | SiteFile] = field(default_factory=list)
    _pages: list[KnownPage] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with the first requests."""
        extent = self.recorder.begun.extent
        self._revisit = Revisit(extent, self.recorder.known, self.site.url, READER)
        self.state = VisitState(self.site.url, LIMITS, self._revisit.site)

    def make(self) -> int:
        """Make the visit; return the number of observations."""
        waiting = deque(self.state.requests())
        waiting.extend(self._taken(RobotsResult(self.site.robots(datetime.now(UTC)))))
        while waiting:
            waiting.extend(self._taken(self._result(waiting.popleft())))
            if not waiting and self._revisit.pages.by_key and not self.state.is_planned:
                due = self._revisit.due(self.recorder.begun.started_at, self.state.guides)
                waiting.extend(self._taken(due))
        self._write()
        rest = self.state.rest("interrupted", datetime.now(UTC))
        counts = self.state.counts()
        said = self.recorder.finish("finished", counts, rest)
        self.recorder.let_go()
        assert not said, said
        return counts["observations"]

    def _taken(self, result: Result) -> Iterator[Request]:
        items = self.state.take(result)
        self._results.append(result)
        known = self._revisit.after(result, (), datetime.now(UTC))
        self._pages += [one for one in known if isinstance(one, KnownPage)]
        self._records += [item for item in items if isinstance(item, Observation | SiteFile)]
        if len(self._results) + len(self._records) >= self.size:
            self._write()
        yield from (item for item in items if not isinstance(item, Observation | SiteFile))

    def _write(self) -> None:
        batch = Batch(
            pack(self._results),
            [record for record in self._records if isinstance(record, Observation)],
            [record for record in self._records if isinstance(record, SiteFile)],
            [reading for result in self._results for reading in readings_of(result)],
            self._pages,
        )
        self._results, self._records, self._pages = [], [], []
        self.recorder.write(batch)

    def _result(self, request: Request) -> Result:
        now = datetime.now(UTC)
        match request:
            case Step(link):
                return PageResult(request, link.url, self._page(link.url, now))
            case ImageUrl(url):
                return ImageResult(url, self._image(url, now))
            case SiteFileUrl():
                return FileResult(request, refused(request, now, "http-404", 404))
            case _:
                return GuideResult(request, refusal="http-404")

    def _page(self, url: str, now: datetime) -> PageRead:
        page = self.site.page(url, now)
        pages: KnownPages = self._revisit.pages
        if self.answers == "304" and pages.conditions(url) == (page.etag, page.last_modified):
            known = pages.unchanged(url, (), now)
            assert known is not None  # its content is kept
            return known
        return page

    def _image(self, url: str, now: datetime) -> ImageRead:
        image = self.site.image(url, now)
        known: KnownImage | None = self.recorder.known.images.get(url)
        if (
            self.answers == "304"
            and known is not None
            and known.etag
            and known.picture == image.picture
        ):
            return ImageRead(now, None, 304, known.picture, url, known.evidence)
        return image


def visited(session: Session, site: Site, answers: Answers, size: int) -> int:
    """Visit a site; return the number of observations, stored or counted again."""
    extent: Literal["full", "fresh"] = "full" if answers == "304" else "fresh"
    return Visit(site, start(session, site.plan, extent, "bench"), answers, size).make()

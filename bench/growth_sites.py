"""Sites whose answers are made up, and visits of them that write what a crawler writes.

No request is sent: the results of requests are made up. What follows from them is the crawler's:
the observations, what is known of pages, the journal, and all that its recorder writes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from zlib import crc32

from crawler.pages.images import ImageCandidate
from crawler.pages.links import PageLink
from crawler.record.database import Recorder, start
from crawler.record.schedules import PlanRow
from crawler.record.values import Batch
from crawler.report.tally import VisitTally
from crawler.visit.frontier import Step
from crawler.visit.images import NOT_MODIFIED, ImageRead, PageRead, Showings
from crawler.visit.known import KnownPages
from crawler.visit.results import (
    FileResult,
    ImageResult,
    PageResult,
    Result,
    RobotsResult,
    pack,
    readings_of,
)
from crawler.visit.site_files import SiteFileUrls, refused
from registry.db.known_rows import KnownPage
from registry.db.schedules import Terms
from registry.db.session import Session
from registry.evidence.headers import kept
from registry.model import Evidence, Observation, Picture, SiteFile
from registry.signals import page_excerpt

# How the hosts answer for what they were asked before: 304, or again with the body.
Answers = Literal["304", "bodies"]
SPIDER, READER = "gallery", "gallery bench"
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

    def work(self, number: int) -> str:
        """Return the URL of a page."""
        return f"{self.url}works/work-{number}.html"

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
            tuple(PageLink(self.work(n % self.pages)) for n in linked),
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
    """One visit of a site, which asks for everything; `size` is the records of a batch."""

    site: Site
    recorder: Recorder
    answers: Answers
    size: int
    _known: KnownPages = field(init=False)
    _images: Showings = field(default_factory=lambda: Showings(limit=10**6))
    _tally: VisitTally = field(default_factory=VisitTally)
    _results: list[Result] = field(default_factory=list)
    _observations: list[Observation] = field(default_factory=list)
    _files: list[SiteFile] = field(default_factory=list)
    _pages: list[KnownPage] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Index the known pages."""
        self._known = KnownPages(self.recorder.known.pages, READER, is_estimated=False)

    def make(self) -> int:
        """Make the visit; return the number of observations."""
        self._take_files()
        urls = [self.site.work(number) for number in range(self.site.pages)]
        for depth, url in enumerate([self.site.url, *urls]):
            self._take_page(Step(PageLink(url), min(depth, 1)))
        self._write()
        rest = self._images.rest("interrupted", datetime.now(UTC))
        said = self.recorder.finish("finished", self._tally.counts(), rest)
        self.recorder.let_go()
        if said:
            raise SystemExit(f"{self.site.name}: {said}")
        return self._tally.observations

    def _take_files(self) -> None:
        """Take robots.txt, and that the host has none of the other files."""
        now = datetime.now(UTC)
        missing = SiteFileUrls().about_page(self.site.url, ())
        files = [refused(file, now, "http-404", 404) for file in missing]
        self._results += [FileResult(*pair) for pair in zip(missing, files, strict=True)]
        robots = self.site.robots(now)
        self._results.append(RobotsResult(robots))
        self._files += [robots, *files]

    def _take_page(self, step: Step) -> None:
        now = datetime.now(UTC)
        result = PageResult(step, step.link.url, self._page(step.link.url, now))
        assert result.page is not None
        self._results.append(result)
        self._pages.append(self._known.after(result, now))
        self._tally.pages += 1
        self._tally.evidence(result.page.evidence)
        for url in self._images.page(result.page):
            read = self._image(url, now)
            self._tally.unchanged += read.is_unchanged
            self._tally.evidence(read.evidence)
            self._results.append(ImageResult(url, read))
            self._images.image(url, read)
        for observation in self._images.ready():
            self._tally.observation(observation)
            self._observations.append(observation)
        if len(self._results) + len(self._observations) >= self.size:
            self._write()

    def _write(self) -> None:
        readings = [reading for result in self._results for reading in readings_of(result)]
        results = pack(self._results)
        batch = Batch(results, self._observations, self._files, readings, self._pages)
        self.recorder.write(batch)
        self._results, self._observations, self._files, self._pages = [], [], [], []

    def _page(self, url: str, now: datetime) -> PageRead:
        page = self.site.page(url, now)
        if self.answers == "304" and self._known.conditions(url) == (page.etag, page.last_modified):
            known = self._known.unchanged(url, (), now)
            assert known is not None  # its content is kept
            return known
        return page

    def _image(self, url: str, now: datetime) -> ImageRead:
        image = self.site.image(url, now)
        known = self.recorder.known.images.get(url)
        if self.answers == "304" and known and known.etag and known.picture == image.picture:
            return ImageRead(now, None, NOT_MODIFIED, known.picture, url, known.evidence)
        return image


def visited(session: Session, site: Site, answers: Answers, size: int) -> int:
    """Visit a site; return the number of observations, stored or counted again."""
    extent: Literal["full", "fresh"] = "full" if answers == "304" else "fresh"
    return Visit(site, start(session, site.plan, extent, "bench"), answers, size).make()

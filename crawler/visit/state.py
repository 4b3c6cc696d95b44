"""The state of one visit: the pages and images read, and the next requests. Pure.

Callers pass in pages, images and site files in any order. The methods return the next
requests (`Step`, `ImageUrl`, `SiteFileUrl`) and the complete observations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from crawler.pages.links import PageLink
from crawler.report.tally import VisitTally
from crawler.visit.frontier import Frontier, Step, VisitLimits
from crawler.visit.images import ImageRead, PageRead, Showings
from crawler.visit.site_files import SiteFileUrl, SiteFileUrls
from crawler.visit.url_shapes import page_key
from registry.model import Observation, SiteFile
from registry.urls.key import host_of, hostname_of
from registry.urls.networks import is_private
from registry.urls.sites import site_of


class ImageUrl(NamedTuple):
    """The URL of an image to request."""

    url: str


Next = Step | ImageUrl | SiteFileUrl | Observation


@dataclass(slots=True)
class VisitState:
    """The state of one visit that starts at `start_url`.

    `host` is the host of the first page, after redirects. `is_private`: private addresses may
    be requested. `start_refusal` is the reason why the first page was not read.
    """

    start_url: str
    limits: VisitLimits
    is_private: bool = False
    host: str = ""
    start_refusal: str | None = None
    tally: VisitTally = field(default_factory=VisitTally)
    images: Showings = field(init=False)
    frontier: Frontier = field(init=False)
    site_files: SiteFileUrls = field(default_factory=SiteFileUrls)
    _pages_read: set[str] = field(default_factory=set)
    _is_started: bool = False
    _left: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Start with the host of the start URL."""
        self.host = host_of(self.start_url) or ""
        self.is_private = self.is_private or is_private(hostname_of(self.start_url))
        self.images = Showings(self.limits.images)
        self.frontier = Frontier(self.limits)

    def first(self) -> Step:
        """Return the first page to request."""
        self.frontier.admit(self.start_url, 0)
        return Step(PageLink(self.start_url), 0)

    def is_own_page(self, url: str) -> bool:
        """Return whether a page belongs to this visit: same host; for the first page, same site."""
        if self._pages_read:
            return host_of(url) == self.host
        return site_of(hostname_of(url)) == site_of(hostname_of(self.start_url))

    def is_new_page(self, url: str) -> bool:
        """Return whether the page at a URL was not read yet, and count it as read."""
        key = page_key(url)
        if key in self._pages_read:
            return False
        if not self._pages_read:
            # The start URL may redirect to another host of the site.
            self.host = host_of(url) or ""
        self._pages_read.add(key)
        return True

    def page(self, page: PageRead, step: Step, refusal: str | None) -> Iterator[Next]:
        """Add a page; yield the next requests. With a refusal, its images are not requested."""
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

    def page_done(self, step: Step) -> list[Step]:
        """Record that a page was read, or failed; return the waiting pages to request now."""
        self._is_started = True
        return self.frontier.read(step.link.url)

    def image(self, shown: str, read: ImageRead) -> Iterator[Next]:
        """Add the result of one image; yield the next requests and complete observations."""
        if read.fetched_url is not None:
            yield from self.site_files.about_image(read.fetched_url, read.evidence)
        yield from map(ImageUrl, self.images.image(shown, read))
        yield from self.images.ready()

    def site_file(self, site_file: SiteFile) -> None:
        """Keep the licences that a robots.txt points to; ignore other files."""
        if site_file.kind == "robots-txt" and site_file.evidence is not None:
            self.site_files.robots_txt(site_file.evidence)

    def refuse_page(self, reason: str, *, interrupted: bool = False) -> None:
        """Count a page that was not read, or not completely."""
        self.tally.pages_refused[reason] += 1
        if not self._is_started and not interrupted:
            self.start_refusal = reason

    def rest(self, reason: str, now: datetime) -> list[Observation]:
        """Return the remaining observations; images without a result get the reason."""
        return self.images.rest(reason, now)

    def counts(self) -> dict[str, int]:
        """Return all counts; `left.*` counts the items left out, by reason."""
        left = self.frontier.dropped() | self._left
        unread = {"marks": self.tally.unread, "licences": self.site_files.licences_left}
        left |= {word: n for word, n in unread.items() if n}
        return self.tally.counts() | {f"left.{word}": n for word, n in sorted(left.items())}

    def _followed(self, links: Iterable[PageLink], depth: int) -> Iterator[Step]:
        for link in links:
            # The next page of a series has the same depth.
            further = depth if link.is_next else depth + 1
            is_own = self.is_own_page(link.url)
            if is_own and self.frontier.admit(link.url, further, is_next=link.is_next):
                yield Step(link, further)

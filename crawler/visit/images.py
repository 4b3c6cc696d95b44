"""The images that the pages of one visit show, and the result of each. Pure.

Every URL of an image on a page becomes one observation of that page, with a picture or
with the refusal. So does a URL that it redirects to, as datasets may have either. An
image is requested once, even if several pages show it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from crawler.pages.images import ImageCandidate
from crawler.pages.links import PageLink
from crawler.pages.relation import HostSightings, plain_relation
from registry.model import PAGE_TRUNCATED, Evidence, Observation, Picture
from registry.urls.key import url_key

# If the largest size cannot be fetched, the next ones are tried: most sizes requested.
TRIES = 3
NOT_MODIFIED = 304


@dataclass(frozen=True)
class PageRead:
    """One page that was read, with the evidence about its images.

    `is_cut`: the page was truncated. `left` counts the items left out, by type. `etag` and
    `last_modified` are those of its response, for the conditions of the next request. `feeds`
    are URLs of feeds of the site.
    """

    url: str
    read_at: datetime
    evidence: tuple[Evidence, ...] = ()
    images: tuple[ImageCandidate, ...] = ()
    links: tuple[PageLink, ...] = ()
    is_cut: bool = False
    left: Mapping[str, int] = field(default_factory=dict)
    etag: str | None = None
    last_modified: str | None = None
    feeds: tuple[str, ...] = ()

    @cached_property
    def keys(self) -> frozenset[str | None]:
        """Return the URL keys of all images that the page shows."""
        return frozenset(url_key(url) for i in self.images for url in (i.url, *i.variants))


@dataclass(frozen=True, slots=True)
class ImageRead:
    """The result of requesting one image: a picture, or a refusal.

    `fetched_url` is the URL after redirects; `evidence` is that of its response, also if the
    response was refused after its headers.
    """

    read_at: datetime
    refusal: str | None = None
    status: int | None = None
    picture: Picture | None = None
    fetched_url: str | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def is_unchanged(self) -> bool:
        """Return whether the host said that the image is the one of an earlier visit."""
        return self.status == NOT_MODIFIED and self.picture is not None


@dataclass(frozen=True, slots=True)
class _Showing:
    """One image on one page."""

    page: PageRead
    image: ImageCandidate

    @property
    def urls(self) -> tuple[str, ...]:
        return (self.image.url, *self.image.variants)


@dataclass(slots=True)
class Showings:
    """Turns pages and images, in any order, into observations.

    `limit`: most images requested; further ones get the refusal `limit`. `hosts` decides the
    relations of images on other hosts.
    """

    limit: int
    hosts: HostSightings = field(default_factory=HostSightings)
    requested: set[str] = field(default_factory=set)
    _read: dict[str, ImageRead] = field(default_factory=dict)
    _waiting: dict[str, list[_Showing]] = field(default_factory=dict)
    _ready: list[Observation] = field(default_factory=list)
    _undecided: list[Observation] = field(default_factory=list)
    # By page and key: URLs that are observed because another one redirects to them.
    _redirected: set[tuple[str, str]] = field(default_factory=set)

    def page(self, page: PageRead) -> list[str]:
        """Add a page; return the images to request now."""
        self.hosts.linked(link.url for link in page.links)
        wanted: list[str] = []
        for image in page.images:
            showing = _Showing(page, image)
            for url in showing.urls:
                self.hosts.shown(url, page.url)
            wanted.extend(self._advance(showing))
        return wanted

    def refused(self, page: PageRead, refusal: str) -> None:
        """Add a page whose images are not requested: each gets this refusal."""
        for image in page.images:
            self._settle(_Showing(page, image), refusal)

    def image(self, url: str, read: ImageRead) -> list[str]:
        """Add the result of one image; return the images to request in its place."""
        earlier = self._read.get(url)
        if read.picture is not None or earlier is None:
            self._read[url] = read
        if read.picture is not None and read.fetched_url is not None:
            self._read.setdefault(read.fetched_url, read)
        waiting = self._waiting.pop(url, [])
        return [wanted for showing in waiting for wanted in self._advance(showing)]

    def ready(self) -> list[Observation]:
        """Return the complete observations; each is returned once."""
        ready, self._ready = self._ready, []
        return ready

    def rest(self, refusal: str, read_at: datetime) -> list[Observation]:
        """Return the remaining observations; images without a result get this refusal."""
        waiting, self._waiting = self._waiting, {}
        for url, showings in waiting.items():
            self._read.setdefault(url, ImageRead(read_at, refusal))
            for showing in showings:
                self._settle(showing, refusal)
        undecided, self._undecided = self._undecided, []
        decided = [replace(o, relation=self.hosts.relation(o.image_url)) for o in undecided]
        return [*self.ready(), *decided]

    def _advance(self, showing: _Showing) -> Iterator[str]:
        """Settle an image whose result is known; else wait for its largest untried size."""
        for url in showing.urls[:TRIES]:
            read = self._read.get(url)
            if read is None:
                yield from self._wait(showing, url)
                return
            if read.picture is not None:
                break
        self._settle(showing, "limit")

    def _wait(self, showing: _Showing, url: str) -> Iterator[str]:
        if url not in self.requested and len(self.requested) >= self.limit:
            self._settle(showing, "limit")
            return
        self._waiting.setdefault(url, []).append(showing)
        if url not in self.requested:
            self.requested.add(url)
            yield url

    def _settle(self, showing: _Showing, untried: str) -> None:
        """Make the observations of an image; sizes not requested share its picture.

        If there is no picture, they get the refusal `untried`.
        """
        page = showing.page
        tried: dict[str, ImageRead] = {}
        shared = ImageRead(page.read_at, untried)
        for url in showing.urls[:TRIES]:
            tried[url] = self._read.get(url, shared)
            if tried[url].picture is not None:
                shared = tried[url]
                break
        for url in showing.urls:
            self._observe(page, url, tried.get(url, shared))
        for url, read in tried.items():
            if read.fetched_url is not None and self._is_elsewhere(page, url, read.fetched_url):
                self.hosts.shown(read.fetched_url, page.url)
                self._observe(page, read.fetched_url, read)

    def _is_elsewhere(self, page: PageRead, url: str, fetched_url: str) -> bool:
        """Return whether an image redirects to a URL that is not yet observed on the page."""
        key = url_key(fetched_url) if fetched_url != url else None
        # Other forms of the same URL (http, https) have the same key.
        if key is None or key in page.keys or (page.url, key) in self._redirected:
            return False
        self._redirected.add((page.url, key))
        return True

    def _observe(self, page: PageRead, url: str, read: ImageRead) -> None:
        relation = plain_relation(url, page.url)
        observation = Observation(
            observed_at=max(page.read_at, read.read_at),
            image_url=url,
            page_url=page.url,
            fetched_url=read.fetched_url,
            relation=relation or "third-party",
            status=read.status,
            refusal=PAGE_TRUNCATED if page.is_cut else read.refusal,
            picture=read.picture,
            evidence=(*page.evidence, *read.evidence),
        )
        (self._ready if relation else self._undecided).append(observation)

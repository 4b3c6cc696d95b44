"""The images that the pages of one visit show, and what became of each. Pure.

Every address of an image that a page shows ends as one observation of that
page, with a picture or with the reason why there is none. So does the address that a shown
one redirects to: datasets hold either. An image is requested once, however many pages show it.
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

# If the largest size cannot be had, the next ones are tried: so many in all.
TRIES = 3


@dataclass(frozen=True)
class PageRead:
    """One page as it was read, with the evidence about its images.

    `is_cut`: its end is missing. `left` counts what was left out of it, by kind.
    """

    url: str
    read_at: datetime
    evidence: tuple[Evidence, ...] = ()
    images: tuple[ImageCandidate, ...] = ()
    links: tuple[PageLink, ...] = ()
    is_cut: bool = False
    left: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def keys(self) -> frozenset[str | None]:
        """Return the keys of all addresses of images that the page shows."""
        return frozenset(url_key(url) for i in self.images for url in (i.url, *i.variants))


@dataclass(frozen=True, slots=True)
class ImageRead:
    """The result of requesting one image: a picture, or a refusal.

    `fetched_url` is the address that sent the bytes (after redirects); `evidence` is that
    response's, also where it was refused after its headers.
    """

    read_at: datetime
    refusal: str | None = None
    status: int | None = None
    picture: Picture | None = None
    fetched_url: str | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class _Showing:
    """One image on one page."""

    page: PageRead
    image: ImageCandidate

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.image.url, *self.image.variants)


@dataclass(slots=True)
class Showings:
    """Turns pages and images, in whatever order they arrive, into observations.

    `limit`: how many images are requested; those beyond end as `limit`.
    """

    limit: int
    asked: set[str] = field(default_factory=set)
    _read: dict[str, ImageRead] = field(default_factory=dict)
    _waiting: dict[str, list[_Showing]] = field(default_factory=dict)
    _ready: list[Observation] = field(default_factory=list)
    _undecided: list[Observation] = field(default_factory=list)
    _hosts: HostSightings = field(default_factory=HostSightings)
    # By page and key: addresses that are observed because another one redirects to them.
    _redirected: set[tuple[str, str]] = field(default_factory=set)

    def page(self, page: PageRead) -> list[str]:
        """Take in a page; return the images to ask for now."""
        self._hosts.linked(link.url for link in page.links)
        wanted: list[str] = []
        for image in page.images:
            showing = _Showing(page, image)
            for url in showing.addresses:
                self._hosts.shown(url, page.url)
            wanted.extend(self._advance(showing))
        return wanted

    def refused(self, page: PageRead, refusal: str) -> None:
        """Take in a page whose images are not asked for: each ends with this refusal."""
        for image in page.images:
            self._settle(_Showing(page, image), refusal)

    def image(self, url: str, read: ImageRead) -> list[str]:
        """Take in what came of one image; return the images to ask for in its place."""
        earlier = self._read.get(url)
        if read.picture is not None or earlier is None:
            self._read[url] = read
        if read.picture is not None and read.fetched_url is not None:
            self._read.setdefault(read.fetched_url, read)
        waiting = self._waiting.pop(url, [])
        return [wanted for showing in waiting for wanted in self._advance(showing)]

    def ready(self) -> list[Observation]:
        """Return the observations that are complete, once."""
        ready, self._ready = self._ready, []
        return ready

    def rest(self, refusal: str, read_at: datetime) -> list[Observation]:
        """End the visit: decide what is undecided; images still waited for get this refusal."""
        waiting, self._waiting = self._waiting, {}
        for url, showings in waiting.items():
            self._read.setdefault(url, ImageRead(read_at, refusal))
            for showing in showings:
                self._settle(showing, refusal)
        undecided, self._undecided = self._undecided, []
        decided = [replace(o, relation=self._hosts.relation(o.image_url)) for o in undecided]
        return [*self.ready(), *decided]

    def _advance(self, showing: _Showing) -> Iterator[str]:
        """Settle an image whose outcome is known; else wait for its best untried size."""
        for url in showing.addresses[:TRIES]:
            read = self._read.get(url)
            if read is None:
                yield from self._wait(showing, url)
                return
            if read.picture is not None:
                break
        self._settle(showing, "limit")

    def _wait(self, showing: _Showing, url: str) -> Iterator[str]:
        if url not in self.asked and len(self.asked) >= self.limit:
            self._settle(showing, "limit")
            return
        self._waiting.setdefault(url, []).append(showing)
        if url not in self.asked:
            self.asked.add(url)
            yield url

    def _settle(self, showing: _Showing, untried: str) -> None:
        """Make the observations of an image; sizes not asked for share its picture.

        Without a picture they get the refusal `untried`.
        """
        page = showing.page
        tried: dict[str, ImageRead] = {}
        shared = ImageRead(page.read_at, untried)
        for url in showing.addresses[:TRIES]:
            tried[url] = self._read.get(url, shared)
            if tried[url].picture is not None:
                shared = tried[url]
                break
        for url in showing.addresses:
            self._observe(page, url, tried.get(url, shared))
        for url, read in tried.items():
            if read.fetched_url is not None and self._is_elsewhere(page, url, read.fetched_url):
                self._hosts.shown(read.fetched_url, page.url)
                self._observe(page, read.fetched_url, read)

    def _is_elsewhere(self, page: PageRead, url: str, fetched_url: str) -> bool:
        """Return whether an image came from an address that is not yet observed on the page."""
        key = url_key(fetched_url) if fetched_url != url else None
        # Another spelling of the same address (http, https) is found by its key.
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

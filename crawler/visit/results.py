"""The results of a visit's requests, as values, and as the bytes of its journal. Pure.

`crawler.visit.state` takes them one by one. The same results in the same order give the same
state, so a killed visit is resumed from its journal.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from crawler.visit.frontier import Step
from crawler.visit.images import ImageRead, PageRead
from crawler.visit.site_files import SiteFileUrl
from registry.errors import RegistryError
from registry.model import SiteFile


class ImageUrl(NamedTuple):
    """The URL of an image to request."""

    url: str


Request = Step | ImageUrl | SiteFileUrl


@dataclass(frozen=True, slots=True)
class PageResult:
    """The result of a page request; `url` is the URL after redirects.

    `refusal` is the reason why the page was not read, or not completely; `page` is None if
    nothing was read. Neither: the page was read before, at another URL.
    """

    step: Step
    url: str
    page: PageRead | None = None
    refusal: str | None = None

    @property
    def request(self) -> Request:
        """Return the request that ended."""
        return self.step


@dataclass(frozen=True, slots=True)
class ImageResult:
    """The result of an image request; `shown` is the URL that pages show."""

    shown: str
    read: ImageRead

    @property
    def request(self) -> Request:
        """Return the request that ended."""
        return ImageUrl(self.shown)


@dataclass(frozen=True, slots=True)
class FileResult:
    """The result of a request for a site file; `record` is None if the visit ended first."""

    file: SiteFileUrl
    record: SiteFile | None = None

    @property
    def request(self) -> Request:
        """Return the request that ended."""
        return self.file


@dataclass(frozen=True, slots=True)
class RobotsResult:
    """A robots.txt that was fetched before the requests to its host."""

    record: SiteFile

    @property
    def request(self) -> None:
        """Return None: no request of the state ended."""


Result = PageResult | ImageResult | FileResult | RobotsResult
_KINDS: dict[str, type[Result]] = {
    "page": PageResult,
    "image": ImageResult,
    "file": FileResult,
    "robots": RobotsResult,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class UnreadableJournal(RegistryError):
    """A journal was written by another version, or is damaged."""


def pack(results: Iterable[Result]) -> bytes:
    """Return results as bytes."""
    encode = msgspec.msgpack.encode
    return zlib.compress(encode([(_NAMES[type(result)], encode(result)) for result in results]))


def unpack(data: bytes) -> list[Result]:
    """Return the results in bytes of `pack`. Raises UnreadableJournal."""
    try:
        pairs = msgspec.msgpack.decode(zlib.decompress(data), type=list[tuple[str, bytes]])
        return [msgspec.msgpack.decode(one, type=_KINDS[name]) for name, one in pairs]
    except (zlib.error, msgspec.MsgspecError, KeyError) as error:
        raise UnreadableJournal(f"the journal of a visit cannot be read: {error}") from error

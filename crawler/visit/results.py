"""The results of a visit's requests, as values, and as the bytes of its journal. Pure.

`crawler.visit.state` takes them one by one. The same results in the same order give the same
state, so a killed visit is resumed from its journal.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import msgspec

from crawler.visit.frontier import Step
from crawler.visit.guides import GuideRead, GuideUrl
from crawler.visit.images import ImageRead, PageRead
from crawler.visit.site_files import SiteFileUrl
from registry.db.values import pack as escape
from registry.db.values import unpack as unescape
from registry.errors import RegistryError
from registry.model import SiteFile, UrlReading


class ImageUrl(NamedTuple):
    """The URL of an image to request."""

    url: str


Request = Step | ImageUrl | SiteFileUrl | GuideUrl


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
class GuideResult:
    """The result of a request for a sitemap or feed; without `read`, `refusal` is the reason."""

    guide: GuideUrl
    read: GuideRead | None = None
    refusal: str | None = None

    @property
    def request(self) -> Request:
        """Return the request that ended."""
        return self.guide


@dataclass(frozen=True, slots=True)
class DueResult:
    """The known pages that are due in this visit."""

    steps: tuple[Step, ...]

    @property
    def request(self) -> None:
        """Return None: no request of the state ended."""


@dataclass(frozen=True, slots=True)
class RobotsResult:
    """A robots.txt that was fetched before the requests to its host."""

    record: SiteFile

    @property
    def request(self) -> None:
        """Return None: no request of the state ended."""


Result = PageResult | ImageResult | FileResult | RobotsResult | GuideResult | DueResult
_KINDS: dict[str, type[Result]] = {
    "page": PageResult,
    "image": ImageResult,
    "file": FileResult,
    "robots": RobotsResult,
    "guide": GuideResult,
    "due": DueResult,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def readings_of(result: Result) -> list[UrlReading]:
    """Return what a result says about its URL, to be compared with earlier visits."""
    match result:
        case PageResult(page=PageRead() as page):
            return [UrlReading("page", page.url, page.read_at, page.evidence, is_cut=page.is_cut)]
        case ImageResult(shown, read):
            reading = UrlReading("image", shown, read.read_at, read.evidence, read.picture)
            return [replace(reading, refusal=read.refusal)]
        case FileResult(record=SiteFile() as record) | RobotsResult(record):
            evidence = (record.evidence,) if record.evidence else ()
            reading = UrlReading("site", record.url, record.observed_at, evidence)
            return [replace(reading, refusal=record.refusal, host=record.host, kind=record.kind)]
    return []


class UnreadableJournal(RegistryError):
    """A journal was written by another version, or is damaged."""


def pack(results: Iterable[Result]) -> bytes:
    """Return results as bytes."""
    return zlib.compress(_MSGPACK.encode([_packed(result) for result in results]))


def unpack(data: bytes) -> list[Result]:
    """Return the results in bytes of `pack`. Raises UnreadableJournal."""
    try:
        items = msgspec.msgpack.decode(zlib.decompress(data), type=list[_Item])
        return [_unpacked(item) for item in items]
    except (zlib.error, msgspec.MsgspecError, KeyError) as error:
        raise UnreadableJournal(f"the journal of a visit cannot be read: {error}") from error


# The kind of a result, itself in msgpack, and whether its strings are escaped.
_Item = tuple[str, bytes, bool]
_MSGPACK = msgspec.msgpack.Encoder()


def _packed(result: Result) -> _Item:
    name = _NAMES[type(result)]
    try:
        return name, _MSGPACK.encode(result), False
    except UnicodeEncodeError:
        # Lone surrogates, as JSON can spell them, have no UTF-8.
        plain = msgspec.to_builtins(result, builtin_types=(datetime,))
        return name, _MSGPACK.encode(_mapped(plain, escape)), True


def _unpacked(item: _Item) -> Result:
    name, data, is_escaped = item
    if not is_escaped:
        return msgspec.msgpack.decode(data, type=_KINDS[name])
    plain = _mapped(msgspec.msgpack.decode(data), unescape)
    return msgspec.convert(plain, type=_KINDS[name])


def _mapped(value: object, change: Callable[[str], str]) -> object:
    """Return a value of lists and dictionaries with all its strings changed."""
    match value:
        case str():
            return change(value)
        case dict():
            return {_mapped(key, change): _mapped(item, change) for key, item in value.items()}
        case list() | tuple():
            return [_mapped(item, change) for item in value]
    return value

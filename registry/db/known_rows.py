"""What visits find and the next visit of the host needs to know, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from registry.model import Evidence, Picture, Relation

# What a visit asks for: every page, without conditions or with them; the pages that are due; or
# only the site files.
Extent = Literal["fresh", "full", "due", "site-files"]


@dataclass(frozen=True, slots=True)
class KnownPage:
    """One page of a host that a visit asked for.

    `key` is 16 bytes that name the page; `url` was requested, `depth` links from the start page.
    `page_url` is the URL after redirects, None if the page was not read, and `refusal` the
    reason. `shown` is the number of its images, None if it was not read; a visit begins with what
    one that was not suspect found. `digest` is that of its marks and images, `content` these and
    its links, packed by `reader`; both are None where unknown. `visits`, `changed` and `days`
    estimate its rate of change.
    """

    key: bytes
    url: str
    depth: int
    is_next: bool
    page_url: str | None
    refusal: str | None
    shown: int | None
    etag: str | None
    last_modified: str | None
    digest: bytes | None
    content: bytes | None
    reader: str
    asked_at: datetime
    visits: float
    changed: float
    days: float


@dataclass(frozen=True, slots=True)
class KnownImage:
    """The latest successful reading of one URL, for a conditional request.

    `relation` is that of its host to the page that shows it. `evidence` holds the response's
    evidence about the image (its headers, the metadata of its file): on a 304 it is recorded
    again, together with `picture`.
    """

    picture: Picture
    relation: Relation
    evidence: tuple[Evidence, ...]
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class KnownGuide:
    """A sitemap or feed of a host: when it was found or read last, and its conditions.

    `is_gone`: the host has it no more.
    """

    url: str
    kind: Literal["sitemap", "feed"]
    read_at: datetime
    etag: str | None = None
    last_modified: str | None = None
    is_gone: bool = False


class KnownSiteFile(NamedTuple):
    """A site file that a visit asked for: its host, kind and URL."""

    host: str
    kind: str
    url: str

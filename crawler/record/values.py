"""What a visit reads from the database when it begins, and writes in one transaction. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from crawler.schedule.rules import MOST
from crawler.warc.captures import Capture
from registry.db.known_rows import KnownGuide, KnownImage, KnownPage, KnownSiteFile
from registry.model import Observation, SiteFile, UrlReading


@dataclass(frozen=True, slots=True)
class Known:
    """What earlier visits found on a host: images by fetched URL, pages, guides and site files.

    A page is asked for again after `most` at the latest.
    """

    images: Mapping[str, KnownImage] = field(default_factory=dict)
    pages: Sequence[KnownPage] = ()
    guides: Sequence[KnownGuide] = ()
    site_files: Sequence[KnownSiteFile] = ()
    most: timedelta = MOST


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed results with all that follows from them.

    Their records, the readings that are compared with earlier ones, what is known of pages
    and guides from now on, and the captures for WARC files.
    """

    results: bytes
    observations: Sequence[Observation] = ()
    site_files: Sequence[SiteFile] = ()
    readings: Sequence[UrlReading] = ()
    pages: Sequence[KnownPage] = ()
    guides: Sequence[KnownGuide] = ()
    captures: Sequence[Capture] = ()

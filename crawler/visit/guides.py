"""The guides of a site: sitemaps and feeds, which tell what is new without a walk. Pure.

Sitemaps are named by robots.txt and by other sitemaps, feeds by the start page. A visit to all
pages only notes them: it walks the site. Later ones ask for each once. Only those of the visit's
own site count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import NamedTuple

from crawler.guides.entries import Entry
from crawler.guides.kinds import GuideKind
from crawler.guides.sitemaps import sitemaps_in
from crawler.visit.url_shapes import page_name
from registry.urls.key import hostname_of
from registry.urls.sites import site_of

# Most guides that one visit asks for.
MOST_GUIDES = 10
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class GuideUrl:
    """The URL of a guide to request."""

    url: str
    kind: GuideKind


def changed_by(entry: Entry) -> datetime | None:
    """Return the latest moment of which an entry says that its page changed.

    A date without a time of day may be the end of that day.
    """
    changed_at = entry.changed_at
    is_day = changed_at is not None and changed_at.time() == time.min
    return changed_at + DAY if changed_at is not None and is_day else changed_at


class GuideRead(NamedTuple):
    """What a guide tells a visit.

    `entries` are pages that are new, or changed since they were asked for; `sitemaps` those of
    an index that may have changed. `is_whole`: nothing that changed since the visit before can
    be missing, as it may be from the end of a feed. `validators` are the ETag and the
    Last-Modified of the response, None if it was a 304.
    """

    read_at: datetime
    entries: tuple[Entry, ...] = ()
    sitemaps: tuple[str, ...] = ()
    is_whole: bool = False
    validators: tuple[str | None, str | None] | None = None


@dataclass(slots=True)
class Guides:
    """The guides that one visit asks for, and what they tell.

    `told` maps the names of pages to the times when they changed; `is_told`: a page that is
    not among them has not changed, as far as the site tells. `noted` are those found and not
    asked for, until they are stored.
    """

    told: dict[bytes, datetime | None] = field(default_factory=dict)
    is_told: bool = False
    noted: list[GuideUrl] = field(default_factory=list)
    _requested: set[str] = field(default_factory=set)
    _named: dict[str, None] = field(default_factory=dict)

    def robots_txt(self, text: str, url: str) -> None:
        """Keep the sitemaps that a robots.txt names, until a page of its site was read."""
        self._named.update(dict.fromkeys(sitemaps_in(text, url)))

    def start_page(self, url: str, feeds: Iterable[str]) -> list[GuideUrl]:
        """Return the guides that are known after the start page was read."""
        wanted = [GuideUrl(named, "sitemap") for named in self._named]
        return self.wanted(url, [*(GuideUrl(feed, "feed") for feed in feeds), *wanted])

    def read(self, guide: GuideUrl, read: GuideRead) -> list[GuideUrl]:
        """Add what a guide tells; return the guides to request after it."""
        self.is_told = self.is_told or read.is_whole
        self.told.update((page_name(entry.url), changed_by(entry)) for entry in read.entries)
        return self.wanted(guide.url, [GuideUrl(url, "sitemap") for url in read.sitemaps])

    def wanted(self, url: str, guides: Iterable[GuideUrl]) -> list[GuideUrl]:
        """Return the guides that are on the site of a URL and not requested yet."""
        site = site_of(hostname_of(url))
        wanted: list[GuideUrl] = []
        for guide in guides:
            is_own = site_of(hostname_of(guide.url)) == site
            if is_own and guide.url not in self._requested and len(self._requested) < MOST_GUIDES:
                self._requested.add(guide.url)
                wanted.append(guide)
        return wanted

"""What a visit asks for again, and with which conditions. Pure.

The first visit of a host asks for every page, later ones for those that are due: the start
page, pages whose own interval is over, and a sample of the others. If their marks changed, the
next visit asks for all: those that it finds, and then the known ones that it did not.

A host may leave a mark out of the headers of a 304 (Apache sends a few fields only), so some
requests of each visit have no conditions: for the start page, for a sample, and for one image
of each host. A `fresh` visit has none at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from crawler.guides.entries import Entry, Guide
from crawler.record.values import Known
from crawler.visit.frontier import Step
from crawler.visit.guides import GuideRead, Guides, GuideUrl, changed_by
from crawler.visit.known import KnownPages, KnownSite
from crawler.visit.results import (
    DueResult,
    GuideResult,
    ImageUrl,
    PageResult,
    Request,
    Result,
)
from crawler.visit.site_files import SiteFileUrl
from crawler.visit.url_shapes import page_name
from registry.db.known_rows import Extent, KnownGuide, KnownPage
from registry.snapshot.history import ABSENT
from registry.urls.key import host_of, hostname_of

# Most pages of one guide that a visit looks at.
MOST_ENTRIES = 5_000
_LONG_AGO = datetime.fromtimestamp(0, UTC)
Conditions = tuple[str | None, str | None]


class Revisit:
    """Decides for one visit, by what earlier ones found on its host.

    `reader` names who reads pages; content that another has read is not used.
    """

    def __init__(self, extent: Extent, known: Known, start_url: str, reader: str) -> None:
        """Index what is known."""
        self.pages = KnownPages(known.pages, reader, is_estimated=extent == "due")
        self._extent = extent
        self._known = known
        self._start_url = start_url
        self._guides = {guide.url: guide for guide in known.guides}
        # URLs of pages to ask for without conditions, and hosts of which an image was.
        self._fresh = {start_url}
        if extent == "full":
            self._fresh.update(step.link.url for step in self.pages.sample(start_url))
        self._witnesses: set[str] = set()

    @property
    def site(self) -> KnownSite | None:
        """Return what the visit begins with; None if it asks for all pages."""
        if self.asks_for_all:
            return None
        start = self.pages.by_key.get(page_name(self._start_url))
        images = self._known.images.items()
        files = [SiteFileUrl(url, kind, host) for host, kind, url in self._known.site_files]
        return KnownSite(
            host_of(start.page_url) if start and start.page_url else None,
            self.pages.by_key.keys(),
            {hostname_of(url): image.relation for url, image in images if image.relation != "own"},
            tuple(GuideUrl(guide.url, guide.kind) for guide in self._known.guides),
            tuple(files) if self._extent == "site-files" else None,
        )

    def due(self, now: datetime, guides: Guides) -> DueResult:
        """Return the known pages to ask for, after the guides or the other pages."""
        if self._extent == "site-files":
            return DueResult(tuple(self.pages.told(guides, now)))
        if self._extent != "due":
            return DueResult(tuple(self.pages.all()))
        due, sample = self.pages.due(now, self._known.most, self._start_url, guides)
        self._fresh.update(step.link.url for step in sample)
        return DueResult((*due, *sample))

    @property
    def asks_for_all(self) -> bool:
        """Return whether every page is asked for: the known ones last."""
        return self._extent in ("full", "fresh")

    def is_fresh(self, item: Request) -> bool:
        """Return whether a request has no conditions; called once for each."""
        if self._extent in ("fresh", "site-files"):
            return self._extent == "fresh"
        if isinstance(item, Step):
            return item.link.url in self._fresh
        if not isinstance(item, ImageUrl) or hostname_of(item.url) in self._witnesses:
            return False
        self._witnesses.add(hostname_of(item.url))
        return True

    def after(
        self, result: Result, noted: Iterable[GuideUrl], now: datetime
    ) -> Iterator[KnownPage | KnownGuide]:
        """Yield what is known of a page and of guides from now on, after a request."""
        match result:
            case PageResult():
                yield self.pages.after(result, now)
            case GuideResult(guide, GuideRead() as read):
                etag, last_modified = read.validators or self.conditions("guide", guide.url)
                yield KnownGuide(guide.url, guide.kind, read.read_at, etag, last_modified)
            case GuideResult(guide, refusal=refusal) if refusal in ABSENT:
                yield KnownGuide(guide.url, guide.kind, now, is_gone=True)
        for guide in noted:
            if guide.url not in self._guides:
                yield KnownGuide(guide.url, guide.kind, now)

    def conditions(self, kind: str, url: str) -> Conditions:
        """Return the ETag and the Last-Modified of what is at a URL, as far as known."""
        if kind == "page":
            return self.pages.conditions(url)
        if kind == "guide":
            return self._guide_conditions(url)
        image = self._known.images.get(url)
        return (image.etag, image.last_modified) if image else (None, None)

    def guide(self, url: GuideUrl, guide: Guide, now: datetime) -> GuideRead:
        """Return what a guide tells this visit, the newest first."""
        entries = [entry for entry in guide.entries if self._is_news(entry, url)]
        entries.sort(key=lambda entry: entry.changed_at or _LONG_AGO, reverse=True)
        sitemaps = [entry.url for entry in guide.sitemaps if not self._is_read(entry)]
        return GuideRead(
            now, tuple(entries[:MOST_ENTRIES]), tuple(sitemaps), self._is_whole(guide, url)
        )

    def _is_read(self, sitemap: Entry) -> bool:
        """Return whether a sitemap was read after its last change."""
        changed_at = changed_by(sitemap)
        known = self._guides.get(sitemap.url)
        return known is not None and changed_at is not None and changed_at < known.read_at

    def _is_news(self, entry: Entry, guide: GuideUrl) -> bool:
        """Return whether an entry is new, or changed since its page was asked for.

        An unknown page is new if it changed since the guide was found or read; without a date,
        if it is in a feed, which has the newest only.
        """
        changed_at, page = changed_by(entry), self.pages.by_key.get(page_name(entry.url))
        if changed_at is None:
            return page is None and guide.kind == "feed"
        known = self._guides.get(guide.url)
        since = page.asked_at if page else known.read_at if known else _LONG_AGO
        return changed_at > since

    def _is_whole(self, guide: Guide, url: GuideUrl) -> bool:
        """Return whether a guide tells of all changes since it was read before.

        A feed has the newest entries: if none of them is known, others may be missing. A sitemap
        without dates tells of none.
        """
        if url.kind == "sitemap":
            return guide.left == 0 and any(entry.changed_at for entry in guide.entries)
        names = (page_name(entry.url) for entry in guide.entries)
        return guide.left == 0 and any(name in self.pages.by_key for name in names)

    def _guide_conditions(self, url: str) -> Conditions:
        guide = self._guides.get(url)
        return (guide.etag, guide.last_modified) if guide else (None, None)

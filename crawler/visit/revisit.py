"""What a visit asks for again, and with which conditions. Pure.

The first visit of a host asks for every page, later ones for those that are due: the start
page, pages whose own interval is over, and a sample of the others. If their marks changed, the
next visit asks for all.

A host may leave a mark out of the headers of a 304 (Apache sends a few fields only), so some
requests of each visit have no conditions: for the start page, for the sample, and for one image
of each host. A `fresh` visit has none at all.
"""

from __future__ import annotations

from datetime import datetime

from crawler.record.values import Known
from crawler.visit.frontier import Step
from crawler.visit.known import KnownPages, KnownSite
from crawler.visit.results import DueResult, ImageUrl, Request
from crawler.visit.site_files import SiteFileUrl
from crawler.visit.url_shapes import page_name
from registry.db.known_rows import Extent
from registry.urls.key import host_of, hostname_of

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
        # URLs of pages to ask for without conditions, and hosts of which an image was.
        self._fresh = {start_url}
        self._witnesses: set[str] = set()

    @property
    def site(self) -> KnownSite | None:
        """Return what the visit begins with; None if it asks for all pages."""
        if self._extent in ("full", "fresh"):
            return None
        start = self.pages.by_key.get(page_name(self._start_url))
        images = self._known.images.items()
        files = [SiteFileUrl(url, kind, host) for host, kind, url in self._known.site_files]
        return KnownSite(
            host_of(start.page_url) if start and start.page_url else None,
            self.pages.by_key.keys(),
            {hostname_of(url): image.relation for url, image in images if image.relation != "own"},
            tuple(files) if self._extent == "site-files" else None,
        )

    def due(self, now: datetime) -> DueResult | None:
        """Return the known pages to ask for; None if all pages, or none, are asked for."""
        if self._extent != "due":
            return None
        due, sample = self.pages.due(now, self._known.most, self._start_url)
        self._fresh.update(step.link.url for step in sample)
        return DueResult((*due, *sample))

    def is_fresh(self, item: Request) -> bool:
        """Return whether a request has no conditions; called once for each."""
        if self._extent != "due":
            return self._extent == "fresh"
        if isinstance(item, Step):
            return item.link.url in self._fresh
        if not isinstance(item, ImageUrl) or hostname_of(item.url) in self._witnesses:
            return False
        self._witnesses.add(hostname_of(item.url))
        return True

    def conditions(self, kind: str, url: str) -> Conditions:
        """Return the ETag and the Last-Modified of the page or image at a URL, as far as known."""
        if kind == "page":
            return self.pages.conditions(url)
        image = self._known.images.get(url)
        return (image.etag, image.last_modified) if image else (None, None)

"""The pages of earlier visits: conditions of requests, unchanged content, what to keep. Pure.

A page is unchanged if the host says so (304), or if its marks and images are as they were. The
content of a page is kept where the host sends an ETag or a Last-Modified.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from crawler.pages.links import PageLink
from crawler.schedule.rates import Changes
from crawler.visit.due import due_pages, sample_of, told_pages
from crawler.visit.frontier import Step
from crawler.visit.guides import Guides, GuideUrl
from crawler.visit.images import PageRead
from crawler.visit.results import PageResult, UnreadableJournal, pack, unpack
from crawler.visit.site_files import SiteFileUrl
from crawler.visit.url_shapes import page_name
from registry.db.known_rows import KnownPage
from registry.evidence.headers import Lines, refreshed
from registry.model import Evidence, Relation

# A longer content is not kept: the page is received again.
MOST_CONTENT = 256 * 1024
# Refusals by which the host answered for the page, or its robots.txt did. Any other failure
# may pass: what was known of the page stays.
_ANSWERED = re.compile(r"http-4(?!08|25|29)\d\d|not-a-page|robots-txt|redirect-loop|too-large")
_NO_TIME = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class KnownSite:
    """What a visit to a part of the pages begins with.

    The host of the start page, the names of known pages, and the relations of image hosts.
    `guides` are asked for first; `site_files` are those to ask for if no page is.
    """

    host: str | None = None
    pages: Set[bytes] = frozenset()
    relations: Mapping[str, Relation] = field(default_factory=dict)
    guides: tuple[GuideUrl, ...] = ()
    site_files: tuple[SiteFileUrl, ...] | None = None


class KnownPages:
    """The known pages of a visit's host; `reader` names who reads pages in this visit.

    `is_estimated`: what this visit finds adds to the pages' rates of change. A visit to all
    pages follows a change of some: it says nothing about the rate of each.
    """

    def __init__(self, pages: Iterable[KnownPage], reader: str, *, is_estimated: bool) -> None:
        """Index the pages by their keys, and by the URLs at which they were read."""
        self._reader = reader
        self._is_estimated = is_estimated
        self.by_key = {page.key: page for page in pages}
        self._by_url = {
            page.page_url: page
            for page in self.by_key.values()
            if page.page_url is not None and page.content is not None and page.reader == reader
        }

    def all(self) -> list[Step]:
        """Return the requests for all pages."""
        return [step_of(page) for page in self.by_key.values()]

    def sample(self, start_url: str) -> list[Step]:
        """Return the requests for a sample of all pages but the start page, each time another."""
        return [step_of(page) for page in sample_of(self._others(start_url))]

    def told(self, guides: Guides, now: datetime) -> list[Step]:
        """Return the requests for the pages of which guides tell that they changed."""
        return [step_of(page) for page in told_pages(list(self.by_key.values()), guides, now)]

    def due(
        self, now: datetime, most: timedelta, start_url: str, guides: Guides
    ) -> tuple[list[Step], list[Step]]:
        """Return the requests for the pages that are due, and for a sample of the others.

        Without the start page, for which each visit asks.
        """
        due, sample = due_pages(self._others(start_url), guides, now, most)
        return [step_of(page) for page in due], [step_of(page) for page in sample]

    def _others(self, start_url: str) -> list[KnownPage]:
        return [page for key, page in self.by_key.items() if key != page_name(start_url)]

    def conditions(self, url: str) -> tuple[str | None, str | None]:
        """Return the ETag and the Last-Modified of the page at a URL, as far as known."""
        page = self._by_url.get(url)
        return (page.etag, page.last_modified) if page else (None, None)

    def evidence(self, url: str) -> tuple[Evidence, ...]:
        """Return the evidence of the page at a URL as it was read last, if its content is known."""
        page = self._by_url.get(url)
        read = _content(page) if page else None
        return read.evidence if read else ()

    def unchanged(self, url: str, lines: Lines, now: datetime) -> PageRead | None:
        """Return a page that the host says is unchanged, with the header lines of its 304.

        None if its content is not known.
        """
        page = self._by_url.get(url)
        read = _content(page) if page else None
        if page is None or read is None:
            return None
        evidence = refreshed(read.evidence, lines, "page")
        rest = {"etag": page.etag, "last_modified": page.last_modified}
        return replace(read, read_at=now, evidence=evidence, **rest)  # type: ignore[arg-type]

    def after(self, result: PageResult, now: datetime) -> KnownPage:
        """Return what is known of a page after its request; `now` is when that ended."""
        before = self.by_key.get(page_name(result.step.link.url))
        is_answer = result.page is not None or _is_answer(result.refusal)
        if before is not None and not is_answer:
            return before
        return self._new(result, before, now if is_answer else _NO_TIME)

    def _new(self, result: PageResult, before: KnownPage | None, asked_at: datetime) -> KnownPage:
        link, page = result.step.link, result.page
        digest = _digest(page) if page is not None and not page.is_cut else None
        changes = Changes()
        if before is not None:
            changes = Changes(before.visits, before.changed, before.days)
        if before is not None and self._is_estimated and before.asked_at != _NO_TIME:
            is_changed = before.digest != digest
            changes = changes.with_visit(asked_at - before.asked_at, changed=is_changed)
        known = KnownPage(
            key=page_name(link.url),
            url=link.url,
            depth=result.step.depth,
            is_next=link.is_next,
            page_url=_page_url(result, before),
            refusal=result.refusal,
            shown=_shown(result, before),
            etag=None,
            last_modified=None,
            digest=digest,
            content=None,
            reader=self._reader,
            asked_at=asked_at,
            visits=changes.visits,
            changed=changes.changed,
            days=changes.days,
        )
        if page is None or page.is_cut or result.refusal or not (page.etag or page.last_modified):
            return known
        content = pack([PageResult(result.step, result.url, replace(page, read_at=_NO_TIME))])
        if len(content) > MOST_CONTENT:
            return known
        return replace(known, etag=page.etag, last_modified=page.last_modified, content=content)


def _page_url(result: PageResult, before: KnownPage | None) -> str | None:
    """Return the URL at which a page was read; what robots.txt forbids is where it was."""
    if result.page is not None:
        return result.page.url
    return before.page_url if before is not None and result.refusal == "robots-txt" else None


def _is_answer(refusal: str | None) -> bool:
    return refusal is None or _ANSWERED.fullmatch(refusal) is not None


def _shown(result: PageResult, before: KnownPage | None) -> int | None:
    """Return the number of images on a page, None if it is not there any more.

    As before, if the visit could not tell: the page was cut, or robots.txt forbids it, or its
    URL leads, as before, to a page that the visit read under another URL.
    """
    page, shown = result.page, before.shown if before else None
    if page is not None:
        return shown if page.is_cut or result.refusal else len(page.images)
    if result.refusal is not None:
        return shown if result.refusal == "robots-txt" else None
    return shown if before is not None and before.page_url in (None, result.url) else None


def _content(page: KnownPage) -> PageRead | None:
    try:
        (result,) = unpack(page.content or b"")
    except (UnreadableJournal, ValueError):
        return None
    return result.page if isinstance(result, PageResult) else None


def _digest(page: PageRead) -> bytes:
    """Return 16 bytes that differ if the marks in the HTML or the images differ.

    Links do not count: one new page may be linked from all others.
    """
    text = repr(([evidence.text for evidence in page.evidence], page.images))
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:16]


def step_of(page: KnownPage) -> Step:
    """Return the request for a known page."""
    return Step(PageLink(page.url, page.is_next), page.depth)

"""The evidence in the responses of a visit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.manners.responses import header_lines
from crawler.visit.images import ImageRead
from registry.evidence.headers import kept, refreshed
from registry.model import Evidence

if TYPE_CHECKING:
    from datetime import datetime

    from scrapy import http

    from registry.db.known_rows import KnownImage
    from registry.evidence.responses import Response


def page_evidence(response: Response, kind: str, excerpt: str) -> tuple[Evidence, ...]:
    """Return the header lines of a page, and the excerpt of its HTML, as evidence."""
    headers = Evidence("headers", "page", response.url, kept(response.lines, "page"))
    if kind != "html":
        return (headers,)
    return headers, Evidence("html", "page", response.url, text=excerpt)


def image_evidence(response: http.Response) -> tuple[Evidence, ...]:
    """Return the header lines of an image's response as evidence."""
    return (Evidence("headers", "image", response.url, kept(header_lines(response.headers))),)


def unchanged_image(response: http.Response, known: KnownImage | None, now: datetime) -> ImageRead:
    """Return the stored result of an image, with its header lines updated from a 304 response."""
    if known is None:
        return ImageRead(now, f"http-{response.status}", response.status)
    evidence = refreshed(known.evidence, header_lines(response.headers))
    return ImageRead(now, None, response.status, known.picture, response.url, evidence)

"""The evidence in the responses of a visit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crawler.manners.cut_pages import is_cut
from crawler.manners.responses import header_lines
from crawler.visit.images import NOT_MODIFIED, ImageRead
from crawler.warc.captures import Capture
from registry.evidence.headers import kept, refreshed
from registry.model import Evidence
from registry.signals import read

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
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


def captured(
    response: http.Response,
    evidence: Sequence[Evidence],
    read_at: datetime,
    known: Collection[Evidence] = (),
    request: http.Request | None = None,
) -> list[Capture]:
    """Return the capture of a response, nothing if its evidence has no marks.

    Of a 304 only header lines that differ from the `known` evidence count: the rest is that of
    an earlier response. `request` is that of a response of which the body did not arrive.
    """
    is_unchanged = response.status == NOT_MODIFIED
    if is_unchanged:
        evidence = [e for e in evidence if e.carrier == "headers" and e not in known]
    marked = tuple(e for e in evidence if read(e).signals)
    asked = request or response.request
    if not marked or asked is None:
        return []
    capture = Capture(
        url=response.url,
        read_at=read_at,
        status=response.status,
        lines=header_lines(response.headers),
        sent=header_lines(asked.headers),
        evidence=tuple(evidence),
        marked=marked,
        protocol=response.protocol or "HTTP/1.1",
        method=asked.method,
        address=str(response.ip_address) if response.ip_address else None,
    )
    arrived = request is None and not is_cut(response)
    return [replace(capture, is_whole=arrived and capture.body == response.body)]

"""The type of a response: a site file by its path, others by media type and body. Pure."""

from __future__ import annotations

from registry.evidence.body_kinds import is_json, kind_of_body
from registry.evidence.responses import Response
from registry.signals import carriers
from registry.urls.paths import robots_url, url_host, url_path


def is_site_file(kind: str) -> bool:
    """Return whether evidence of this carrier is a site file."""
    return kind in carriers().site_paths


def site_kind(url: str) -> str | None:
    """Return the carrier of the site's file at a URL, None for any other URL."""
    return carriers().at_path.get(url_path(url).partition("?")[0])


def kind_of(response: Response) -> str:
    """Return `html`, `image` or another carrier; `headers` if only the headers can have marks."""
    kind = site_kind(response.url)
    if kind is not None or not (response.body or response.unread):
        return kind or "headers"
    return kind_of_body(response.media_type, response.body, carriers())


def page_kind(response: Response) -> str:
    """Return `html` or `json` for a page, `packed` for an unsupported encoding, else `kind_of`."""
    if response.unread:
        return "packed"
    media_type = response.media_type
    kind = kind_of_body(media_type, response.body, carriers())
    return "json" if kind == "headers" and is_json(media_type) else kind


def site_file_url(kind: str, url: str) -> str:
    """Return the URL of a site file, given any URL of the site; empty without a host."""
    if site_kind(url) == kind or not url_host(url):
        return url if url_host(url) else ""
    return robots_url(url).removesuffix("/robots.txt") + carriers().site_paths[kind]

"""What a response holds: the file of a site by its place, all else by type and body. Pure."""

from __future__ import annotations

from registry.evidence.body_kinds import is_json, kind_of_body
from registry.evidence.responses import Response
from registry.signals import carriers
from registry.urls.paths import robots_url, url_host, url_path


def is_site_file(kind: str) -> bool:
    """Return whether evidence of a kind is a file that speaks for its site."""
    return kind in carriers().site_paths


def site_kind(url: str) -> str | None:
    """Return which of a site's files stands at a URL, None for any other."""
    return carriers().at_path.get(url_path(url).partition("?")[0])


def kind_of(response: Response) -> str:
    """Return what a response holds; `headers` for what no mark is read from but its headers."""
    kind = site_kind(response.url)
    if kind is not None or not (response.body or response.unread):
        return kind or "headers"
    return kind_of_body(response.media_type, response.body, carriers())


def page_kind(response: Response) -> str:
    """Return what the response for a page holds: `html`, `json`, `packed`, or another kind."""
    if response.unread:
        return "packed"
    told = response.media_type
    kind = kind_of_body(told, response.body, carriers())
    return "json" if kind == "headers" and is_json(told) else kind


def site_file_url(kind: str, url: str) -> str:
    """Return where a site's file stood, for the URL that is asked about; empty without one."""
    if site_kind(url) == kind or not url_host(url):
        return url if url_host(url) else ""
    return robots_url(url).removesuffix("/robots.txt") + carriers().site_paths[kind]

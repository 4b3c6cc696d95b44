"""The coverage of the `url` of an RSL `content`: paths, a host, or the document's own carrier."""

from __future__ import annotations

import re
from dataclasses import dataclass

from registry.model import Conformance, PathRule, Scope
from registry.text import quote
from registry.urls.hosts import spelled_authority
from registry.urls.key import host_of

_FULL = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>[^#]*)", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_INSIDE = str.maketrans("", "", "\t\n\r")
MAX_URL = 2048


@dataclass(frozen=True, slots=True)
class RslSource:
    """The place of a document; `attached` is the object it is part of, None for a separate file."""

    url: str
    carrier: str
    attached: Scope | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """The part of a site, or the object, that one `content` covers.

    `foreign`: it is on another host than the document; there the document may refuse, but
    not permit.
    """

    scope: Scope
    rule: PathRule | None = None
    conformance: Conformance = "ok"
    foreign: bool = False


def everywhere(source: RslSource) -> Coverage:
    """Return the whole site, or the object to which the document is attached."""
    if source.attached is not None:
        return Coverage(source.attached)
    return Coverage("site", PathRule("/", "all", 0))


def coverage_of(url: str | None, order: int, source: RslSource) -> tuple[Coverage | None, str]:
    """Return the coverage of a `content/@url` (None: nothing) and its fault (empty: none)."""
    if url is None:
        return _malformed(everywhere(source)), "content without a url: read as covering everything"
    url = url.strip().translate(_INSIDE)
    if url in {"", source.url} and source.attached is not None:
        return Coverage(source.attached), ""
    if not url:
        return None, ""
    full = _FULL.match(url)
    if full is not None and len(url) <= MAX_URL:
        return _on_host(full, order, source)
    if len(url) > MAX_URL or _OTHER_SCHEME.match(url):
        return None, f"content url that is not read: {quote(url)}"
    return _on_path(url, order, source)


def _on_path(path: str, order: int, source: RslSource) -> tuple[Coverage, str]:
    proper = path.startswith(("/", "*"))
    pattern = path if proper else f"/{path}"
    coverage = _in_file(Coverage("site", PathRule(pattern, "all", order)), source)
    if proper:
        return coverage, ""
    return _malformed(coverage), f"content url is neither a path nor a full URL: {quote(path)}"


def _on_host(full: re.Match[str], order: int, source: RslSource) -> tuple[Coverage | None, str]:
    path = full["path"]
    pattern = path if path.startswith("/") else f"/{path}"
    host = spelled_authority(full["authority"], full["scheme"].lower())
    if host is None:
        coverage = _malformed(Coverage("site", PathRule(pattern, "all", order)))
        if "*" not in full["authority"]:
            return None, f"content url without a usable host: {quote(full[0])}"
        return coverage, f"pattern for a host, read for the document's own: {quote(full[0])}"
    own = host_of(source.url)
    foreign = own is not None and own.removeprefix("www.") != host.removeprefix("www.")
    coverage = Coverage("site", PathRule(pattern, "all", order, host), foreign=foreign)
    return _in_file(coverage, source), ""


def _in_file(coverage: Coverage, source: RslSource) -> Coverage:
    """Extend a licence in a picture's metadata to copies of the picture at other URLs."""
    if source.attached != "image" or (host_of(source.url) is not None and not coverage.foreign):
        return coverage
    return Coverage("image", conformance="legacy")


def _malformed(coverage: Coverage) -> Coverage:
    return Coverage(coverage.scope, coverage.rule, "malformed", coverage.foreign)

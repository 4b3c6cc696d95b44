"""What the `url` of an RSL `content` covers: a pattern, a host, or what carries the licence."""

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
class Place:
    """Where a document stood; `attached` is what carries it, None for a file of its own."""

    url: str
    carrier: str
    attached: Scope | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """What one `content` covers.

    `foreign`: it is on another host than the document, which may refuse there
    but not permit.
    """

    scope: Scope
    rule: PathRule | None = None
    conformance: Conformance = "ok"
    foreign: bool = False


def everywhere(place: Place) -> Spot:
    """Return all that a document can cover."""
    if place.attached is not None:
        return Spot(place.attached)
    return Spot("site", PathRule("/", "all", 0))


def spot_of(url: str | None, order: int, place: Place) -> tuple[Spot | None, str]:
    """Return what a `content/@url` covers, None for nothing, and what is wrong with it."""
    if url is None:
        return _malformed(everywhere(place)), "content without a url: taken for all there is"
    url = url.strip().translate(_INSIDE)
    if url in {"", place.url} and place.attached is not None:
        return Spot(place.attached), ""
    if not url:
        return None, ""
    full = _FULL.match(url)
    if full is not None and len(url) <= MAX_URL:
        return _on_host(full, order, place)
    if len(url) > MAX_URL or _OTHER_SCHEME.match(url):
        return None, f"content url that is not read: {quote(url)}"
    return _on_path(url, order, place)


def _on_path(path: str, order: int, place: Place) -> tuple[Spot, str]:
    proper = path.startswith(("/", "*"))
    pattern = path if proper else f"/{path}"
    spot = _in_file(Spot("site", PathRule(pattern, "all", order)), place)
    if proper:
        return spot, ""
    return _malformed(spot), f"content url is neither a path nor a full URL: {quote(path)}"


def _on_host(full: re.Match[str], order: int, place: Place) -> tuple[Spot | None, str]:
    path = full["path"]
    pattern = path if path.startswith("/") else f"/{path}"
    host = spelled_authority(full["authority"], full["scheme"].lower())
    if host is None:
        spot = _malformed(Spot("site", PathRule(pattern, "all", order)))
        if "*" not in full["authority"]:
            return None, f"content url without a usable host: {quote(full[0])}"
        return spot, f"pattern for a host, read for the document's own: {quote(full[0])}"
    own = host_of(place.url)
    foreign = own is not None and own.removeprefix("www.") != host.removeprefix("www.")
    spot = Spot("site", PathRule(pattern, "all", order, host), foreign=foreign)
    return _in_file(spot, place), ""


def _in_file(spot: Spot, place: Place) -> Spot:
    """Let a licence in a picture's metadata speak of a copy at another address too."""
    if place.attached != "image" or (host_of(place.url) is not None and not spot.foreign):
        return spot
    return Spot("image", conformance="legacy")


def _malformed(spot: Spot) -> Spot:
    return Spot(spot.scope, spot.rule, "malformed", spot.foreign)

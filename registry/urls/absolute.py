"""The URL to request: a reference on a page, resolved as browsers do."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

from registry.urls.hosts import DEFAULT_PORTS, MAX_HOST, MAX_LABEL, fits_dns, spelled_authority
from registry.urls.key import encoded, slashed, tidy

# Longer URLs are not requested; servers accept 8,000 octets (RFC 9110, section 4.1).
MAX_ADDRESS = 8192
# What has to be encoded; escapes are left as they were written.
_PATH = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]")
_QUERY = re.compile(r"[^A-Za-z0-9\-._~!$&()*+,;=:@/?%]")
_DOT_SEGMENT = re.compile(r"/(?:\.|%2e){1,2}(?:/|\Z)", re.IGNORECASE)
# Most references on pages need no rules: what is plain in them is already as it is requested.
# No segment is empty or begins with a dot, no host is an address, and no reference has a scheme.
_FIRST = r"(?![.%])[A-Za-z0-9\-._~!$&'()*+,=@%]++"
_SEGMENT = _FIRST.replace("@", ":@")
_REST = rf"(?:/{_SEGMENT})*+/?+(?:\?[A-Za-z0-9\-._~!$&()*+,=:@/?%]++)?+"
_NAME = rf"(?:[a-z0-9_-]{{1,{MAX_LABEL}}}\.)*[a-z][a-z0-9_-]{{0,{MAX_LABEL - 1}}}"
_PLAIN_URL = re.compile(rf"https?://({_NAME})(?:/(?:{_SEGMENT}{_REST})?)?")
_PLAIN_REFERENCE = re.compile(rf"(?:/{_SEGMENT}|{_FIRST}){_REST}")


def absolute(base: str, href: str) -> str | None:
    r"""Return the http(s) URL of the reference `href` on a page at `base`, or None.

    Without fragment, user name and password, the host spelled as in `hosts`,
    `\` before the query read as `/`, and with dot segments resolved (as in
    browsers `%2e` is a dot): robots.txt rules are applied to the requested URL.
    None for other schemes, invalid URLs, and host names that DNS does not allow. A
    returned URL is its own result.
    """
    plain = _PLAIN_URL.fullmatch(href)
    if plain and len(plain[1]) <= MAX_HOST:
        return href
    if _PLAIN_REFERENCE.fullmatch(href):
        start = _start(base, href.startswith("/"))
        return None if start is None else start + href
    return _resolved(base, href)


@lru_cache(maxsize=16)
def _start(base: str, is_path: bool) -> str | None:
    """Return what precedes the plain references of a page: its host, or also its folder."""
    url = _resolved(base, "/a" if is_path else "a")
    return url and url.removesuffix("/a" if is_path else "a")


def _resolved(base: str, href: str) -> str | None:
    """Return the result of `absolute` for any reference, by all the rules."""
    try:
        parts = urlsplit(slashed(tidy(href)))
        if not (parts.scheme and parts.netloc):
            parts = urlsplit(urljoin(base, parts.geturl()))
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS:
        return None
    host = spelled_authority(parts.netloc, parts.scheme)
    if host is None or host.endswith(":0") or not fits_dns(host):
        return None
    query = encoded(parts.query, _QUERY)
    path = _without_dots(encoded(parts.path, _PATH)) or "/" * bool(query)
    return f"{parts.scheme}://{host}{path}" + (f"?{query}" if query else "")


def _without_dots(path: str) -> str:
    """Resolve dot segments as RFC 3986, section 5.2.4, says."""
    if not _DOT_SEGMENT.search(path):
        return path
    kept: list[str] = []
    dots = False
    for segment in path.split("/")[1:]:
        written = segment.lower().replace("%2e", ".")
        dots = written in (".", "..")
        if written == "..":
            del kept[-1:]
        elif not dots:
            kept.append(segment)
    return "/" + "/".join([*kept, ""] if dots else kept)

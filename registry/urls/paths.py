"""The path of a URL for robots.txt rules, and the URLs of its host's files. Pure.

Paths and patterns are normalised before they are compared: non-ASCII and unsafe
characters percent-encoded, unreserved characters decoded, hex digits upper case; `%2A` and
`%24` are a literal `*` and `$` (RFC 9309, section 2.2.2).
"""

from __future__ import annotations

import re

from registry.urls.key import host_of, slashed, tidy, without_dots

_SAFE = "A-Za-z0-9\\-._~:/?#\\[\\]@!&'()+,;="
# Text that is its own normal form: nearly every path there is.
_PLAIN = re.compile(f"[{_SAFE}]*+")
_ODD = re.compile(f"%[0-9A-Fa-f]{{2}}|[^{_SAFE}]")
_DOT = re.compile("%2e", re.IGNORECASE)
# The quotation mark is encoded in queries by browsers and in URL keys.
_DECODED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'")


def url_path(url: str) -> str:
    """Return path and query of a URL, at least `/`; it never raises.

    Dot segments are resolved, percent-encoded ones too, as in
    servers.
    """
    url = slashed(tidy(url))
    rest = url.partition("://")[2] or url.removeprefix("//")
    rest = rest.partition("#")[0]
    cut = min((place for place in (rest.find("/"), rest.find("?")) if place >= 0), default=-1)
    path, mark, query = (rest[cut:] if cut >= 0 else "/").partition("?")
    return without_dots(_DOT.sub(".", path)) + mark + query


def url_host(url: str) -> str:
    """Return host and port of a URL as URL keys spell them; empty where it has no key."""
    return host_of(url) or ""


def robots_url(url: str) -> str:
    """Return the URL of the robots.txt of a URL's host; "" without a valid host."""
    host = url_host(url)
    scheme = "http" if tidy(url)[:5].lower() == "http:" else "https"
    return f"{scheme}://{host}/robots.txt" if host else ""


def normal_path(path: str) -> str:
    """Return a path or pattern in the normal form for comparing."""
    return path if _PLAIN.fullmatch(path) else _ODD.sub(_normal, path)


def _normal(match: re.Match[str]) -> str:
    text = match.group()
    if len(text) == 3:
        character = chr(int(text[1:], 16))
        return character if character in _DECODED else text.upper()
    return "".join(f"%{octet:02X}" for octet in text.encode("utf-8", "surrogatepass"))

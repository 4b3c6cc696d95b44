"""The normal form under which two URLs name the same file.

`//host[:port]/path[?query]`, by RFC 3986, section 6.2.2, and the URL Standard
(WHATWG), with these choices:

- the scheme is dropped, so that http and https are equal; user, password and
  fragment are dropped, and the default port of the scheme that was named;
- the host is spelled as in `hosts`;
- `\\` before the query is `/`, as in browsers;
- `&amp;` and its numeric forms are `&`: the URL was copied out of a page's source;
- spaces and invisible characters (no-break and zero-width space, byte order
  mark) before and after the URL are dropped, percent-encoded ones too where a
  browser would have encoded them;
- percent-encoded unreserved characters are decoded; hex is upper case;
  whatever a URL can't hold (spaces, non-ASCII, a stray %) is percent-encoded
  as UTF-8; other encodings are left, because `%2F` is not `/`;
- dot segments are resolved, an empty path is `/`, an empty query is dropped;
- the query is kept in its order without empty parameters and without those for
  tracking (`tracking`). Nothing else is dropped: size and signature parameters
  may name another file.

A key is a URL reference itself, and its own key.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache
from typing import NamedTuple

from registry.urls.hosts import bare, spelled_authority
from registry.urls.tracking import is_tracking

# Version of these rules. Snapshots hold keys: any change of a key needs a new version.
KEY_VERSION = 2
# Invisible characters of Unicode: white space, and formats without a glyph.
INVISIBLE = (
    "\x85\xa0\xad\u034f\u061c\u1680\u180e\u2028\u2029\u202f\u205f\u3000\ufeff"
    + "".join(map(chr, range(0x2000, 0x2010)))
    + "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2060, 0x2070))))
)
_ENDS = tuple("".join(f"%{byte:02X}" for byte in character.encode()) for character in INVISIBLE)
INVISIBLE_ENCODED = "|".join(_ENDS)

_UNRESERVED = string.ascii_letters + string.digits + "-._~"
_PATH_LITERAL = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]")
# Browsers encode the quotation mark in a query, and only there.
_QUERY_LITERAL = re.compile(r"[^A-Za-z0-9\-._~!$&()*+,;=:@/?%]")
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})?")
_REFERENCE = re.compile(
    r"(?:(?P<scheme>https?):)?//(?P<authority>[^/?#]*)"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?",
    re.IGNORECASE | re.DOTALL,
)
# URLs whose keys are kept: one look-up asks for that of its URL several times.
_MOST_KEPT = 64
# Browsers take out the controls and the space (URL Standard, section 4.4).
_EDGES = "".join(map(chr, range(0x21))) + INVISIBLE
_INSIDE = str.maketrans("", "", "\t\n\r")
_NUMERIC_AMPERSAND = re.compile(r"&(?:(?:amp|#0*38|#x0*26);)+", re.IGNORECASE)
_AMPERSAND = re.compile(r"&(?:amp;)+", re.IGNORECASE)


class Normal(NamedTuple):
    """A URL in normal form, with its parameters in two parts: others and tracking."""

    host: str
    path: str
    query: tuple[str, ...]
    tracking: tuple[str, ...]


@lru_cache(maxsize=_MOST_KEPT)
def url_key(url: str) -> str | None:
    """Return the normal form of an http(s) URL, or None for anything else. Never raises.

    None: empty, relative, another scheme, no host, or a host that can't be one.
    """
    normal = normal_form(url)
    if normal is None:
        return None
    query = "&".join(normal.query)
    return f"//{normal.host}{normal.path}" + (f"?{query}" if query else "")


def normal_form(url: str) -> Normal | None:
    """Return the parts of a URL's normal form; None where it has no key."""
    parts = _reference(url)
    if parts is None:
        return None
    host = spelled_authority(parts["authority"], (parts["scheme"] or "").lower())
    if host is None:
        return None
    query, tracking = _parameters(_percent(parts["query"] or "", _QUERY_LITERAL))
    path = _AMPERSAND.sub("&", _percent(parts["path"], _PATH_LITERAL))
    return Normal(host, without_dots(path if query else without_end(path)), query, tracking)


def tidy(url: str) -> str:
    """Return a URL without the tabs and line ends in it, and what is invisible around it."""
    return url.translate(_INSIDE).strip(_EDGES)


def slashed(url: str) -> str:
    r"""Return a URL with `/` for every `\` before its query, as browsers read it."""
    if "\\" not in url:
        return url
    end = min((place for place in map(url.find, "?#") if place >= 0), default=len(url))
    return url[:end].replace("\\", "/") + url[end:]


def split_key(key: str) -> tuple[str, str]:
    """Return the host (with its port) and the path (with its query) of a URL key."""
    host, _, path = key[2:].partition("/")
    return host, "/" + path


def host_of(url: str) -> str | None:
    """Return `host` or `host:port` of an http(s) URL in the same normal form, or None."""
    parts = _reference(url)
    if parts is None:
        return None
    return spelled_authority(parts["authority"], (parts["scheme"] or "").lower())


def hostname_of(url: str) -> str:
    """Return the host of an http(s) URL without port and brackets; "" where it has none."""
    return bare(host_of(url) or "")


def _reference(url: str) -> re.Match[str] | None:
    url = tidy(url)
    if "#" in url:
        url = _NUMERIC_AMPERSAND.sub("&", url)
    return _REFERENCE.match(slashed(url))


def _percent(text: str, illegal: re.Pattern[str]) -> str:
    """Bring percent-encoding to its normal form, and encode what may not stand in a URL."""
    return encoded(_PERCENT.sub(_normal_escape, text), illegal)


def encoded(text: str, illegal: re.Pattern[str]) -> str:
    """Return a text with what may not stand in a URL percent-encoded as UTF-8."""
    return illegal.sub(_encoded, text)


def _normal_escape(match: re.Match[str]) -> str:
    if match[1] is None:
        return "%25"
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def _encoded(match: re.Match[str]) -> str:
    # a lone surrogate is no character, but no reason to fail either
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))


def without_dots(path: str) -> str:
    """Resolve `.` and `..` (RFC 3986, section 5.2.4); the result begins with a slash."""
    if "/." not in path:
        return path or "/"
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def without_end(text: str) -> str:
    """Return normal text without the percent-encoded invisible characters at its end."""
    # From the end: a pattern would try every run of them, in quadratic time.
    end = len(text)
    if text[-3:-2] != "%":
        return text
    while size := next((len(one) for one in _ENDS if text.endswith(one, 0, end)), 0):
        end -= size
    return text[:end]


def _parameters(query: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the parameters that count and those for tracking; empty ones are dropped."""
    kept: list[str] = []
    tracking: list[str] = []
    for parameter in _AMPERSAND.sub("&", query).split("&"):
        bare_end = without_end(parameter)
        if is_tracking(bare_end):
            tracking.append(bare_end)
        elif bare_end:
            kept.append(parameter)
    if kept:
        kept[-1] = without_end(kept[-1])
    return tuple(kept), tuple(tracking)

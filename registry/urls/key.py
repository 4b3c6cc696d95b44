"""The normal form under which two URLs name the same file.

`//host[:port]/path[?query]`, by RFC 3986 section 6.2.2 with these choices:

- the scheme is dropped, so that http and https are equal; user, password and
  fragment are dropped, and the default port of the scheme that was named;
- the host is lower-cased, non-ASCII labels become A-labels (UTS 46, as in
  browsers), one trailing dot is dropped, IPv6 is written in its short form;
- percent-encoded unreserved characters are decoded; hex is upper case;
  whatever a URL can't hold (spaces, non-ASCII, a stray %) is percent-encoded
  as UTF-8; other encodings are left, because `%2F` is not `/`;
- dot segments are resolved, an empty path is `/`, an empty query is dropped;
- the query is kept in its order without `utm_*` (links carry those for
  visitor statistics; servers ignore them). Nothing else is dropped: size and
  signature parameters may name another file.

A key is a URL reference itself, and its own key.
"""

from __future__ import annotations

import ipaddress
import re
import string

# Labels separated by single dots; the underscore is no host name (RFC 952) but resolves.
HOST_PATTERN = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"

_UNRESERVED = string.ascii_letters + string.digits + "-._~"
_PATH_LITERAL = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]")
_QUERY_LITERAL = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]")
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})?")
_HOST = re.compile(HOST_PATTERN)
_REFERENCE = re.compile(
    r"(?:(?P<scheme>https?):)?//(?P<authority>[^/?#]*)"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?",
    re.IGNORECASE | re.DOTALL,
)
_PORT = re.compile(r":(?P<port>[0-9]*)\Z", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Browsers take these out before anything else (URL Standard, section 4.4).
_EDGES = "".join(map(chr, range(0x21)))
_INSIDE = str.maketrans("", "", "\t\n\r")


def url_key(url: str) -> str | None:
    """Return the normal form of an http(s) URL, or None for anything else. Never raises.

    None: empty, relative, another scheme, no host, or a host that can't be one.
    """
    found = _REFERENCE.match(tidy(url))
    if found is None:
        return None
    authority = _authority(found["authority"], (found["scheme"] or "").lower())
    if authority is None:
        return None
    path = without_dots(_percent(found["path"], _PATH_LITERAL))
    query = _without_tracking(_percent(found["query"] or "", _QUERY_LITERAL))
    return f"//{authority}{path}" + (f"?{query}" if query else "")


def tidy(url: str) -> str:
    """Return a URL without what browsers take out before they read it."""
    return url.strip(_EDGES).translate(_INSIDE)


def split_key(key: str) -> tuple[str, str]:
    """Return the host (with its port) and the path (with its query) of a URL key."""
    host, _, path = key[2:].partition("/")
    return host, "/" + path


def host_of(url: str) -> str | None:
    """Return `host` or `host:port` of an http(s) URL in the same normal form, or None."""
    key = url_key(url)
    return None if key is None else key[2 : key.index("/", 2)]


def _authority(text: str, scheme: str) -> str | None:
    text = text.rpartition("@")[2]
    named = _PORT.search(text)
    host = _host(text[: named.start()] if named else text)
    if host is None or named is None or not named["port"]:
        return host
    # Leading zeros mean nothing, and more than five digits are no port.
    digits = named["port"].lstrip("0") or "0"
    if len(digits) > 5 or int(digits) > 65535:
        return None
    return host if int(digits) == _DEFAULT_PORTS.get(scheme) else f"{host}:{digits}"


def _host(text: str) -> str | None:
    if text.startswith("["):
        return _ipv6(text)
    text = _unescaped(_percent(text, _PATH_LITERAL)).lower()
    if not text.isascii():
        text = _a_labels(text)
    text = text.removesuffix(".")
    return text if _HOST.fullmatch(text) else None


def _unescaped(text: str) -> str:
    """Decode percent-encoded UTF-8 in a host; what is not UTF-8 can't be a host anyway."""
    if "%" not in text:
        return text
    encoded = _PERCENT.sub(lambda m: chr(int(m[1], 16)) if m[1] else "%", text)
    return encoded.encode("latin-1", "replace").decode("utf-8", "replace")


def _ipv6(text: str) -> str | None:
    if not text.endswith("]") or "%" in text:
        return None
    try:
        return f"[{ipaddress.IPv6Address(text[1:-1])}]"
    except ValueError:
        return None


def _a_labels(host: str) -> str:
    """Encode non-ASCII labels; the empty string where a character can't stand in a host."""
    import idna

    try:
        labels = idna.uts46_remap(host, std3_rules=False).split(".")
    except (idna.IDNAError, UnicodeError):
        return ""
    return ".".join(label if label.isascii() else _a_label(label) for label in labels)


def _a_label(label: str) -> str:
    # RFC 3492; emoji, which IDNA 2008 refuses and browsers open, are encoded too
    return "xn--" + label.encode("punycode").decode("ascii")


def _percent(text: str, illegal: re.Pattern[str]) -> str:
    """Bring percent-encoding to its normal form, and encode what may not stand in a URL."""
    return illegal.sub(_encoded, _PERCENT.sub(_normal_escape, text))


def _normal_escape(found: re.Match[str]) -> str:
    if found[1] is None:
        return "%25"
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else found[0].upper()


def _encoded(found: re.Match[str]) -> str:
    # a lone surrogate is no character, but no reason to fail either
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))


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


def _without_tracking(query: str) -> str:
    if "utm_" not in query.lower():
        return query
    pairs = query.split("&")
    return "&".join(pair for pair in pairs if not pair.lower().startswith("utm_"))

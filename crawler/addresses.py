"""URLs as the crawler needs them: resolved, compared by host and by site. Pure."""

from __future__ import annotations

import ipaddress
import re
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
# RFC 1035, section 2.3.4: octets of a name, written without its length octets, and of a label.
MAX_HOST = 253
MAX_LABEL = 63
# What no host may contain (URL Standard, section 3.5); other letters are encoded by then.
_NO_HOST = re.compile(r"[^!-~]|[#%/<>?@\[\\\]^`{|}]")
# Longer addresses are not asked for; servers take 8,000 octets (RFC 9110, section 4.1).
MAX_ADDRESS = 8192
_DOT_SEGMENT = re.compile(r"/(?:\.|%2e){1,2}(?:/|\Z)", re.IGNORECASE)
# WHATWG URL standard: tabs and newlines inside an address are removed.
_REMOVED = str.maketrans("", "", "\t\n\r")


def absolute(base: str, href: str) -> str | None:
    """Return the http(s) address `href` means on a page at `base`.

    Without fragment, user name and password, and with dot segments resolved (as
    in browsers `%2e` is a dot): what is asked for is what robots.txt is asked
    about. None for every other scheme, for what is no address at all, and for
    host names that DNS cannot hold. An address that was returned is its own.
    """
    from w3lib.url import safe_url_string

    try:
        parts = urlsplit(href.translate(_REMOVED).strip())
        if not (parts.scheme and parts.netloc):
            parts = urlsplit(urljoin(base, parts.geturl()))
        if parts.scheme not in DEFAULT_PORTS:
            return None
        plain = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
        # The encoder may uncover a port or a bracket that is none.
        encoded = urlsplit(safe_url_string(plain))
        if not _is_host(encoded.hostname or "") or encoded.port == 0:
            return None
        return encoded._replace(path=_without_dots(encoded.path)).geturl()
    except ValueError:
        return None


def _is_host(hostname: str) -> bool:
    """Return whether DNS could hold the name (RFC 1035, section 2.3.4), or it is an IP address."""
    lengths = [len(label) for label in hostname.removesuffix(".").split(".")]
    fits = len(hostname) <= MAX_HOST and max(lengths) <= MAX_LABEL
    return fits and any(lengths) and _NO_HOST.search(hostname) is None


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


def hostname_of(url: str) -> str:
    """Return the lower-case host name of an address, without port; "" if it has none."""
    return (urlsplit(url).hostname or "").rstrip(".")


def host_of(url: str) -> str:
    """Return the lower-case host with its port, which is left out where it is the default."""
    parts = urlsplit(url)
    hostname = hostname_of(url)
    named = f"[{hostname}]" if ":" in hostname else hostname
    if parts.port is None or parts.port == DEFAULT_PORTS.get(parts.scheme):
        return named
    return f"{named}:{parts.port}"


def is_ip(hostname: str) -> bool:
    """Return whether the host name is an IP address."""
    return _ip(hostname) is not None


def is_loopback(hostname: str) -> bool:
    """Return whether the host name can only mean this machine."""
    address = _ip(hostname)
    if address is not None:
        return address.is_loopback
    return hostname == "localhost" or hostname.endswith(".localhost")


def is_private(hostname: str) -> bool:
    """Return whether the host name is this machine's or a private network's.

    Host names are judged by their letters only; nothing is resolved.
    """
    address = _ip(hostname)
    if address is not None:
        return not address.is_global
    return is_loopback(hostname) or "." not in hostname or hostname.endswith(".internal")


def site_of(hostname: str) -> str:
    """Return the registrable domain, or the host name itself for IP addresses.

    Private suffixes count (`alice.github.io` and `bob.github.io` are two
    sites). The public suffix list is the one bundled with tldextract: nothing
    is downloaded.
    """
    if is_ip(hostname):
        return hostname
    found = _suffixes()(hostname)
    if not found.suffix:
        # The list's own rule for suffixes it does not know: one label.
        return ".".join(hostname.split(".")[-2:])
    domain: str = found.top_domain_under_public_suffix
    return domain or hostname


def _ip(hostname: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(hostname)
    except ValueError:
        return None


@cache
def _suffixes() -> Any:
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)

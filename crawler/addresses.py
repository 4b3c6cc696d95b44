"""URLs as the crawler needs them: resolved, compared by host and by site. Pure."""

from __future__ import annotations

import ipaddress
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
# WHATWG URL standard: tabs and newlines inside an address are removed.
_REMOVED = str.maketrans("", "", "\t\n\r")


def absolute(base: str, href: str) -> str | None:
    """Return the http(s) address `href` means on a page at `base`, without fragment.

    None for every other scheme and for what is no address at all.
    """
    from w3lib.url import safe_url_string

    try:
        joined = urljoin(base, href.translate(_REMOVED).strip())
        parts = urlsplit(joined)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            return None
        address: str = safe_url_string(parts._replace(fragment="").geturl())
        # The encoder may uncover a port or a bracket that is none.
        return address if urlsplit(address).port != 0 else None
    except ValueError:
        return None


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

"""Sites: the registrable domain of a host name, by the public suffix list.

The list is the one that comes with tldextract, which is loaded when it is first
needed; nothing is downloaded.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from registry.urls.hosts import bare
from registry.urls.networks import is_ip


def site_of(hostname: str) -> str:
    """Return the registrable domain of a spelled host name; an IP address is its own site.

    Private suffixes count: `alice.github.io` and `bob.github.io` are two sites.
    """
    if is_ip(hostname):
        return hostname
    found = _suffixes()(hostname)
    if not found.suffix:
        # The list's own rule for suffixes it does not know: one label.
        return ".".join(hostname.split(".")[-2:])
    domain: str = found.top_domain_under_public_suffix
    return domain or hostname


def twin_of(host: str) -> str:
    """Return a host with `www.` before it, or without it if it has it.

    A claim on one speaks for the other, where `is_same_site` says that they are one site.
    """
    return host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"


def wider_hosts(host: str) -> list[str]:
    """Return the hosts that a host is a subdomain of, nearest first; none of an IP address."""
    name, colon, port = host.partition(":")
    if host.startswith("[") or is_ip(name):
        return []
    labels = name.split(".")
    return [".".join(labels[cut:]) + colon + port for cut in range(1, len(labels) - 1)]


def is_same_site(host: str, other: str) -> bool:
    """Tell whether two hosts, with or without ports, have one registrable domain."""
    return site_of(bare(host)) == site_of(bare(other))


@cache
def _suffixes() -> Any:
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)

"""Sites: the registrable domain of a host name, by the public suffix list.

The list is the one that comes with tldextract, which is loaded when it is first
needed; nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Container
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
    domains = _suffixes()(hostname)
    if not domains.suffix:
        # The list's own rule for suffixes it does not know: one label.
        return ".".join(hostname.split(".")[-2:])
    domain: str = domains.top_domain_under_public_suffix
    return domain or hostname


def is_public_suffix(hostname: str) -> bool:
    """Return whether unrelated sites can be under a spelled host name: `co.uk`, `github.io`."""
    if is_ip(hostname):
        return False
    domains = _suffixes()(hostname)
    return bool(domains.suffix) and not domains.domain


def same_site(host: str, other: str) -> bool:
    """Return whether two hosts (with or without a port) are of one site."""
    return host == other or site_of(bare(host)) == site_of(bare(other))


def covering_hosts(host: str, among: Container[str] | None = None) -> list[str]:
    """Return the hosts whose claims cover a host: itself, and the one with or without `www.`.

    `among` limits the result to these hosts, which saves lookups.
    """
    return [host, *_of_same_site(host, [twin_of(host)], among)]


def wider_hosts(host: str, among: Container[str] | None = None) -> list[str]:
    """Return the hosts of the same site whose claims may cover this subdomain or port.

    The nearest comes first. A program cannot decide whether they do: many platforms give
    every user a subdomain and are not on the public suffix list.
    """
    portless = host if host.endswith("]") else host.rpartition(":")[0] or host
    port = host.removeprefix(portless)
    labels = [portless] if is_ip(bare(portless)) else portless.split(".")
    wider = [".".join(labels[cut:]) for cut in range(max(len(labels) - 1, 1))]
    spelled = (each + end for each in wider for end in dict.fromkeys((port, "")))
    names = dict.fromkeys(name for one in spelled for name in (one, twin_of(one)))
    return _of_same_site(host, [one for one in names if one not in (host, twin_of(host))], among)


def twin_of(host: str) -> str:
    """Return a host with `www.` before it, or without it where it has it."""
    return host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"


def _of_same_site(host: str, others: list[str], among: Container[str] | None) -> list[str]:
    listed = [other for other in others if among is None or other in among]
    return [other for other in listed if same_site(host, other)]


@cache
def _suffixes() -> Any:
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)

"""Sites: the registrable domain of a host name, by the public suffix list.

The list is the one that comes with tldextract, which is loaded when it is first
needed; nothing is downloaded.
"""

from __future__ import annotations

from functools import cache
from typing import Any

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


@cache
def _suffixes() -> Any:
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)

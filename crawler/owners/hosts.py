"""The host that somebody names to be never visited, and the reason (pure)."""

from __future__ import annotations

import re

from registry.errors import UsageError
from registry.text import quote
from registry.urls.absolute import absolute
from registry.urls.key import hostname_of
from registry.urls.networks import is_ip, is_private
from registry.urls.sites import is_public_suffix

# Characters of a reason.
MOST_REASON = 500
NO_REASON = "no reason given"
_NETWORK = re.compile(r"[0-9.]+/[0-9]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*/[0-9]+")


def named_host(text: str) -> str:
    """Return the host name, without port, of a name, an IP address or a URL.

    Raises UsageError for any other text.
    """
    text = text.strip()
    if _NETWORK.fullmatch(text):
        raise UsageError(f"{text} is a network, not a host", "name each host")
    if is_ip(text) and ":" in text:
        text = f"[{text}]"
    url = text if "://" in text else f"http://{text}"
    # A mail address names a person, not the host of its provider.
    found = absolute(url, url) if "://" in text or "@" not in text else None
    hostname = hostname_of(found) if found else ""
    if not hostname:
        # A URL may contain a password.
        shown = quote(text.rpartition("@")[2])
        raise UsageError(f"{shown} is no host", "a name such as gallery.example, or a URL")
    return hostname


def refusable_host(text: str) -> str:
    """Return `named_host`. Raises UsageError for a public suffix, under which all sites are."""
    hostname = named_host(text)
    if is_public_suffix(hostname):
        raise UsageError(
            f"{hostname} is a public suffix: every site under it would be refused",
            f"name the site, such as gallery.{hostname}",
        )
    return hostname


def owned_host(text: str) -> str:
    """Return `refusable_host`. Raises UsageError for one that is not on the public internet."""
    hostname = refusable_host(text)
    if is_private(hostname):
        raise UsageError(f"{hostname} is no host on the public internet", "gallery.example")
    return hostname


def reason_text(text: str) -> str:
    """Return a reason in one line, without control characters; NO_REASON for an empty one.

    Raises UsageError for one of more than MOST_REASON characters.
    """
    reason = "".join(c for c in " ".join(text.split()) if c.isprintable())
    if len(reason) > MOST_REASON:
        raise UsageError(
            f"the reason has {len(reason):,} characters", f"at most {MOST_REASON} are kept"
        )
    return reason or NO_REASON

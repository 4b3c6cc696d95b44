"""A form that was sent: the sender, the site that sent it, and its fields (pure)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from registry.urls.hosts import ip_of

TYPE = "application/x-www-form-urlencoded"
# Bytes of a form, and the number of its fields.
MOST_BYTES = 4096
_MOST_FIELDS = 10
# One person has all addresses of a network of this size.
_IPV6_NETWORK = 64
UNKNOWN = "unknown"


class Form(NamedTuple):
    """The fields of the form as they were sent."""

    host: str
    reason: str


def form_of(body: bytes) -> Form | None:
    """Return the fields of a form; None if the host is missing or a field is there twice."""
    try:
        fields = parse_qs(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        return None
    hosts, reasons = fields.get("host", []), fields.get("reason", [""])
    if len(hosts) != 1 or len(reasons) != 1:
        return None
    return Form(hosts[0], reasons[0])


def is_from_elsewhere(environ: Mapping[str, Any]) -> bool:
    """Return whether a page of another site made the browser send this form.

    Programs that are no browsers send neither field, and are not from elsewhere.
    """
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = environ.get("HTTP_ORIGIN")
    if origin is None:
        return False
    try:
        authority = urlsplit(origin).netloc
    except ValueError:
        return True
    return not authority or authority.lower() != environ.get("HTTP_HOST", "").lower()


def sender_of(environ: Mapping[str, Any], *, behind_proxy: bool) -> str:
    """Return the address of the sender: an IPv4 address or an IPv6 network; else UNKNOWN.

    Behind a proxy it is the last entry of `X-Forwarded-For`, which the proxy added.
    """
    text = environ.get("REMOTE_ADDR", "")
    if behind_proxy:
        text = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or text
    address = ip_of(_without_port(text))
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.IPv6Network((int(address), _IPV6_NETWORK), strict=False))
        address = address.ipv4_mapped
    return UNKNOWN if address is None else str(address)


def _without_port(text: str) -> str:
    """Return an address without its port: some proxies send `192.0.2.1:4711` or `[::1]:4711`."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text

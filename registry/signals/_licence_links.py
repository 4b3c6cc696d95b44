"""Links to a licence, in a `Link` header or in the tags of a page.

A link with the relation `license` leads to an RSL document if its media type is
that of RSL, and otherwise to the licence of the work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urljoin

from registry.model import Evidence
from registry.signals import _link_header, _markup
from registry.signals._directives import MAX_RAW
from registry.text import quote

RSL_TYPE = "application/rsl+xml"
MAX_LINKS = 100
MAX_URL = 2048

_WHOLE = re.compile(r"https?://[^/?#\s]+", re.IGNORECASE)
_WEB = re.compile(r"https?://[^/?#\s]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LicenceLink:
    """A licence's absolute URL, and the exact text of the link."""

    url: str
    raw: str


def licence_links(evidence: Evidence, rsl: bool) -> tuple[list[LicenceLink], list[str]]:
    """Return the links to RSL documents (`rsl`) or to all other licences, with warnings."""
    if evidence.carrier == "headers":
        header_links, faults = _link_header.links_of(evidence)
        warnings = list(faults)
        pairs = [
            (link.target, link.parameters.get("type", ""), link.raw)
            for link in header_links
            if "license" in link.relations
        ]
        base = evidence.url
    else:
        warnings = []
        pairs = list(_tag_links(evidence.text))
        base = base_url(evidence)
    wanted = [pair for pair in dict.fromkeys(pairs) if (media_type(pair[1]) == RSL_TYPE) == rsl]
    if len(wanted) > MAX_LINKS:
        warnings.append(f"more than {MAX_LINKS} licence links, the others not read")
    links = []
    for target, _, raw in wanted[:MAX_LINKS]:
        url = absolute(target, base)
        if url is None:
            warnings.append(f"licence link without a usable URL: {quote(raw)}")
        else:
            links.append(LicenceLink(url, raw[:MAX_RAW]))
    return links, warnings[:20]


def media_type(text: str) -> str:
    """Return a media type without its parameters, in lower case."""
    return text.partition(";")[0].strip().lower()


def absolute(reference: str, base: str = "") -> str | None:
    """Return the http(s) URL of a reference; None if it has none."""
    reference = reference.strip()
    if not reference or len(reference) > MAX_URL:
        return None
    # A full URL needs no base, so that the cache serves the few licences of a whole site.
    return _joined("" if _WHOLE.match(reference) else base[:MAX_URL], reference)


@lru_cache(maxsize=256)
def _joined(base: str, reference: str) -> str | None:
    try:
        url = urljoin(base, reference)
    except ValueError:
        return None
    return url if _WEB.match(url) else None


def base_url(evidence: Evidence) -> str:
    """Return the URL against which a page's links are resolved."""
    for tag in _markup.tags(evidence.text):
        if tag.name == "base" and "href" in tag.attributes:
            return absolute(tag.attributes["href"], evidence.url) or evidence.url
    return evidence.url


def _tag_links(page: str) -> Iterator[tuple[str, str, str]]:
    for tag in _markup.tags(page):
        if tag.name not in {"link", "a"} or "href" not in tag.attributes:
            continue
        if "license" in tag.attributes.get("rel", "").lower().split():
            yield tag.attributes["href"], tag.attributes.get("type", ""), tag.text

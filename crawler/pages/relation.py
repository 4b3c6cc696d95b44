"""The relation of an image's host to the page that shows it: own, cdn or third party. Pure.

A page's marks cover every image it shows; its site's robots.txt covers the images
of its own site, on whatever host, but not embedded images of other sites
(docs/discussions.md). Rules, in order:

1. same host, or same registrable domain: `own` (an IP address is a site of its own);
2. the host is a known image host of the page's site: `cdn`;
3. over the whole visit, the host serves at least three images, on at least two
   pages, and the site never links to its pages: `cdn`. Sites link to other sites
   whose images they embed, but not to their own image host;
4. else `third-party`.

Rule 3 is decided at the end of a visit, so that the order in which pages arrive
does not matter. A visit to a part of the pages does not decide: the relation that an earlier
one found for a host stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from registry.model import Relation
from registry.urls.key import hostname_of
from registry.urls.sites import site_of

CDN_IMAGES = 3
CDN_PAGES = 2
# Sites whose images are served from another registrable domain of the same owner.
IMAGE_SITES: dict[str, frozenset[str]] = {
    "500px.com": frozenset({"500px.org"}),
    "deviantart.com": frozenset({"wixmp.com"}),
    "facebook.com": frozenset({"fbcdn.net"}),
    "flickr.com": frozenset({"staticflickr.com"}),
    "instagram.com": frozenset({"cdninstagram.com", "fbcdn.net"}),
    "pinterest.com": frozenset({"pinimg.com"}),
    "pixiv.net": frozenset({"pximg.net"}),
    "reddit.com": frozenset({"redd.it", "redditmedia.com"}),
    "squarespace.com": frozenset({"squarespace-cdn.com"}),
    "twitter.com": frozenset({"twimg.com"}),
    "wikipedia.org": frozenset({"wikimedia.org"}),
    "x.com": frozenset({"twimg.com"}),
}


def plain_relation(image_url: str, page_url: str) -> Relation | None:
    """Return the relation by rules 1 and 2, None if the whole visit must decide."""
    image_host, page_host = hostname_of(image_url), hostname_of(page_url)
    image_site, page_site = site_of(image_host), site_of(page_host)
    if image_host == page_host or image_site == page_site:
        return "own"
    return "cdn" if image_site in IMAGE_SITES.get(page_site, ()) else None


@dataclass(slots=True)
class HostSightings:
    """The images and links of other hosts in a visit; decides rules 3 and 4 at its end.

    `known` holds the relations of hosts that are decided already.
    """

    known: Mapping[str, Relation] = field(default_factory=dict)
    _images: dict[str, set[str]] = field(default_factory=dict)
    _pages: dict[str, set[str]] = field(default_factory=dict)
    _linked: set[str] = field(default_factory=set)

    def shown(self, image_url: str, page_url: str) -> None:
        """Record that a page shows an image."""
        host = hostname_of(image_url)
        self._images.setdefault(host, set()).add(image_url)
        self._pages.setdefault(host, set()).add(page_url)

    def linked(self, page_urls: Iterable[str]) -> None:
        """Record the pages that a page links to."""
        self._linked.update(hostname_of(url) for url in page_urls)

    def relation(self, image_url: str) -> Relation:
        """Return the relation of an image on another host, by the pages recorded so far."""
        host = hostname_of(image_url)
        if host in self.known:
            return self.known[host]
        has_enough = (
            len(self._images.get(host, ())) >= CDN_IMAGES
            and len(self._pages.get(host, ())) >= CDN_PAGES
        )
        return "cdn" if has_enough and host not in self._linked else "third-party"

"""What a page shows and links to, from its source text, by the functions that a visit uses."""

from __future__ import annotations

from crawler.pages.images import ImageCandidate, base_url, images_in
from crawler.pages.links import PageLink, link_tags, links_in
from crawler.pages.markup import parsed
from crawler.pages.srcset import Size, first_sizes


def find_images(html: str, page_url: str) -> list[ImageCandidate]:
    """Return the images of a page in page order."""
    return images_in(parsed(html), page_url)


def find_links(html: str, page_url: str) -> list[PageLink]:
    """Return the pages that a page links to."""
    soup = parsed(html)
    return links_in(link_tags(soup), base_url(soup, page_url))


def all_sizes(srcset: str) -> list[Size]:
    """Return all valid candidates of a srcset in order."""
    return first_sizes(srcset, len(srcset))[0]

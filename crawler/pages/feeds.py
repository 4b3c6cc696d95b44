"""The feeds that a page names. Pure."""

from __future__ import annotations

from itertools import islice
from urllib.parse import urlsplit

from crawler.pages.images import base_url
from crawler.pages.markup import Element, Elements, text_of
from registry.urls.absolute import absolute

MOST_FEEDS = 5
_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")
# Most links to feeds that are compared: a page may name a feed for each of its comments.
_MOST_FEED_LINKS = 100


def feeds_in(elements: Elements, page_url: str) -> tuple[str, ...]:
    """Return the URLs of the feeds that `link` elements name, each once, at most MOST_FEEDS.

    Feeds of comments, which tell nothing of new pages, are the last.
    """
    links = list(islice(filter(_names_feed, elements), _MOST_FEED_LINKS))
    if not links:
        return ()
    base = base_url(elements, page_url)
    is_of_comments: dict[str, bool] = {}
    for link in links:
        url = absolute(base, text_of(link, "href"))
        if url is not None:
            is_of_comments.setdefault(url, _is_of_comments(url, text_of(link, "title")))
    return tuple(sorted(is_of_comments, key=is_of_comments.__getitem__)[:MOST_FEEDS])


def _names_feed(element: Element) -> bool:
    if element.name != "link" or not text_of(element, "href").strip():
        return False
    media_type = text_of(element, "type").partition(";")[0].strip().lower()
    relations = text_of(element, "rel").lower().split()
    return media_type in _FEED_TYPES and "alternate" in relations


def _is_of_comments(url: str, title: str) -> bool:
    """Return whether a feed has comments, by the names that WordPress gives it."""
    path = urlsplit(url).path.rstrip("/")
    return path.endswith("/comments/feed") or "comment" in title.lower()

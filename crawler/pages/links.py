"""The pages and the feeds that a page links to. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag

from crawler.pages.images import is_image_url
from crawler.pages.markup import text_of
from registry.urls.absolute import absolute

# File names that are certainly neither pages nor images; all others are requested, and the
# media type decides.
_NO_PAGE = re.compile(
    r".*\.(?:7z|avi|bz2|css|csv|docx?|epub|exe|flac|gz|iso|js|json|m4[av]|mkv|mov|mp[34]|mpe?g"
    r"|og[gv]|otf|pdf|pptx?|rar|rss|tar|tgz|ttf|txt|wav|webm|woff2?|xlsx?|xml|zip)",
    re.IGNORECASE,
)
# The HTML standard, "shared declarative refresh steps", for values with a URL.
_REFRESH = re.compile(
    r"\s*+[0-9.]++(?:\s*+[;,]|\s)\s*+(?:url\s*+=\s*+)?+(\S.*+)", re.IGNORECASE | re.DOTALL
)

# Most links read from one page, in page order; a visit reads fewer pages.
MOST_LINKS = 5000
MOST_FEEDS = 5
_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")
# Most links to feeds that are compared: a page may name a feed for each of its comments.
_MOST_FEED_LINKS = 100


@dataclass(frozen=True, slots=True)
class PageLink:
    """A URL that a page links to; `is_next` if it is the next page of a series."""

    url: str
    is_next: bool = False


def link_tags(soup: BeautifulSoup) -> list[Tag]:
    """Return the elements of a parsed page that may link to a page or a feed, in page order."""
    return list(soup.find_all(["a", "area", "link", "meta"]))


def links_in(tags: Iterable[Tag], base: str, left: Counter[str] | None = None) -> list[PageLink]:
    """Return the pages that these elements link to, each once: next pages, then in page order.

    `base` is that of the page's relative URLs. At most MOST_LINKS to next pages and MOST_LINKS
    others: those beyond are counted in `left`, as `links`.
    """
    is_next_by_url: dict[str, bool] = {}
    read: Counter[bool] = Counter()
    for tag in tags:
        relations = text_of(tag, "rel").lower().split()
        target = _target(tag, relations)
        if target is None:
            continue
        read["next" in relations] += 1
        if read["next" in relations] > MOST_LINKS:
            continue
        url = absolute(base, target)
        if url is not None and _may_be_page(url):
            is_next_by_url[url] = is_next_by_url.get(url, False) or "next" in relations
    if left is not None:
        left["links"] += sum(max(0, number - MOST_LINKS) for number in read.values())
    links = [PageLink(url, is_next) for url, is_next in is_next_by_url.items()]
    return sorted(links, key=lambda link: not link.is_next)


def feeds_in(tags: Iterable[Tag], base: str) -> tuple[str, ...]:
    """Return the URLs of the feeds that `link` elements name, each once, at most MOST_FEEDS.

    Feeds of comments, which tell nothing of new pages, are the last.
    """
    is_comments_by_url: dict[str, bool] = {}
    for tag in islice(filter(_names_feed, tags), _MOST_FEED_LINKS):
        url = absolute(base, text_of(tag, "href"))
        if url is not None:
            is_comments_by_url.setdefault(url, _is_of_comments(url, text_of(tag, "title")))
    return tuple(sorted(is_comments_by_url, key=is_comments_by_url.__getitem__)[:MOST_FEEDS])


def _names_feed(tag: Tag) -> bool:
    if tag.name != "link" or not text_of(tag, "href").strip():
        return False
    media_type = text_of(tag, "type").partition(";")[0].strip().lower()
    return media_type in _FEED_TYPES and "alternate" in text_of(tag, "rel").lower().split()


def _is_of_comments(url: str, title: str) -> bool:
    """Return whether a feed has comments, by the names that WordPress gives it."""
    path = urlsplit(url).path.rstrip("/")
    return path.endswith("/comments/feed") or "comment" in title.lower()


def _target(tag: Tag, relations: list[str]) -> str | None:
    """Return the URL that an element links to, as written; None if it links to no page."""
    if tag.name == "meta":
        is_refresh = text_of(tag, "http-equiv").strip().lower() == "refresh"
        refresh = _REFRESH.fullmatch(text_of(tag, "content")) if is_refresh else None
        return (_unquoted(refresh[1]) or None) if refresh else None
    if not tag.has_attr("href") or (tag.name == "link" and not {"next", "prev"} & set(relations)):
        return None
    return text_of(tag, "href")


def _unquoted(text: str) -> str:
    """Return a URL without the quotation marks around it and any text after them."""
    return text[1:].partition(text[0])[0] if text[0] in "\"'" else text


def _may_be_page(url: str) -> bool:
    name = urlsplit(url).path.rsplit("/", 1)[-1]
    return _NO_PAGE.fullmatch(name) is None and not is_image_url(url)

"""The pages that a page links to. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from crawler.pages.images import base_url, file_name, is_image_url
from crawler.pages.markup import Element, Elements, text_of
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

_LINKING = frozenset({"a", "area", "link", "meta"})
# Most links read from one page, in page order; a visit reads fewer pages.
MOST_LINKS = 5000


@dataclass(frozen=True, slots=True)
class PageLink:
    """A URL that a page links to; `is_next` if it is the next page of a series."""

    url: str
    is_next: bool = False


def links_in(elements: Elements, page_url: str, left: Counter[str] | None = None) -> list[PageLink]:
    """Return the pages that a parsed page links to, each once: next pages, then in page order.

    At most MOST_LINKS to next pages and MOST_LINKS others: those beyond are counted in
    `left`, as `links`.
    """
    base = base_url(elements, page_url)
    is_next_by_url: dict[str, bool] = {}
    read: Counter[bool] = Counter()
    for tag in elements:
        if tag.name not in _LINKING:
            continue
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


def _target(tag: Element, relations: list[str]) -> str | None:
    """Return the URL that an element links to, as written; None if it links to no page."""
    if tag.name == "meta":
        is_refresh = text_of(tag, "http-equiv").strip().lower() == "refresh"
        refresh = _REFRESH.fullmatch(text_of(tag, "content")) if is_refresh else None
        return (_unquoted(refresh[1]) or None) if refresh else None
    if "href" not in tag.attributes or (
        tag.name == "link" and not {"next", "prev"} & set(relations)
    ):
        return None
    return text_of(tag, "href")


def _unquoted(text: str) -> str:
    """Return a URL without the quotation marks around it and any text after them."""
    return text[1:].partition(text[0])[0] if text[0] in "\"'" else text


def _may_be_page(url: str) -> bool:
    return _NO_PAGE.fullmatch(file_name(url)) is None and not is_image_url(url)

"""Sitemaps and sitemap indexes (sitemaps.org, 0.9), also in plain text. Pure."""

from __future__ import annotations

import re

from crawler.guides.dates import read_date
from crawler.guides.entries import Entry, Guide, first_entries, resolved
from crawler.guides.markup import Item, items_in, root_of
from crawler.guides.text import guide_text
from registry.signals._robots_groups import bounded, lines

# Most entries of one sitemap: the limit of the protocol.
MOST_ENTRIES = 50_000
# Most sitemaps that a robots.txt names.
MOST_SITEMAPS = 20
# The name of an item, by that of the root element.
ITEM_BY_ROOT = {"urlset": "url", "sitemapindex": "sitemap"}
_WANTED = frozenset({"loc", "lastmod"})
_LINE = re.compile(r"^[ \t]*+(https?://[^\s<>]++)[ \t\r]*+$", re.IGNORECASE | re.MULTILINE)


def read_sitemap(data: bytes, url: str) -> Guide:
    """Return the entries of a sitemap or sitemap index at `url`, in any of its forms.

    `data` may be gzipped. Of a broken or truncated document the readable entries are returned;
    the Guide is empty if it is not a sitemap. Never raises.
    """
    text = guide_text(data)
    if is_list_of_urls(text):
        entries, left = first_entries(
            _LINE.finditer(text), lambda line: _entry(line[1], url), MOST_ENTRIES
        )
        return Guide(entries, left=left)
    name = ITEM_BY_ROOT.get(root_of(text))
    if name is None:
        return Guide()
    items = items_in(text, name, _WANTED)
    entries, left = first_entries(items, lambda item: _of_item(item, url), MOST_ENTRIES)
    return Guide(entries, left=left) if name == "url" else Guide((), entries, left)


def is_list_of_urls(text: str) -> bool:
    """Return whether a text is a sitemap in plain text: its first line is a URL."""
    return _LINE.match(text) is not None


def sitemaps_in(robots_txt: str, url: str) -> list[str]:
    """Return the URLs in the `Sitemap` lines of a robots.txt at `url`, each once.

    At most MOST_SITEMAPS; they may be on other hosts.
    """
    values = (line.value for line in lines(bounded(robots_txt)) if line.kind == "sitemap")
    found: dict[str, None] = {}
    for value in values:
        if len(found) == MOST_SITEMAPS:
            break
        if (sitemap := resolved(value, url)) is not None:
            found[sitemap] = None
    return list(found)


def _of_item(item: Item, url: str) -> Entry | None:
    """Return the entry of a `url` or `sitemap` element; None without a valid `loc`.

    Extensions have elements of the same name in their own namespaces, such as `image:loc`.
    """
    texts: dict[str, str] = {}
    for child in item.children:
        if child.namespace == item.namespace and child.name not in texts:
            texts[child.name] = child.text
    return _entry(texts.get("loc", ""), url, texts.get("lastmod", ""))


def _entry(location: str, base: str, changed: str = "") -> Entry | None:
    url = resolved(location, base)
    return None if url is None else Entry(url, read_date(changed))

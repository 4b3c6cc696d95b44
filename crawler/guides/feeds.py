"""Feeds: RSS 0.9 to 2.0, Atom 0.3 and 1.0, and JSON Feed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from crawler.guides.dates import read_date
from crawler.guides.entries import Entry, Guide, first_entries, resolved
from crawler.guides.markup import Child, Item, items_in, root_of
from crawler.guides.text import guide_text
from registry.signals._json import member, value_of
from registry.urls.absolute import absolute

# Most entries of one feed.
MOST_ENTRIES = 1_000
# The name of an item, by that of the root element.
ITEM_BY_ROOT = {"rss": "item", "rdf": "item", "feed": "entry"}
_JSON_VERSION = "https://jsonfeed.org/version/"
_ATOM = frozenset({"http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#"})
# Modules of RSS whose dates are those of the entry: Dublin Core, and its terms.
_DATE_MODULES = _ATOM | {"http://purl.org/dc/elements/1.1/", "http://purl.org/dc/terms/"}
_DATES = frozenset({"updated", "modified", "published", "issued", "pubdate", "date"})
_WANTED = _DATES | {"link", "guid"}
# The values of `rel` of the link to the entry's page (RFC 4287, section 4.2.7.2).
_ALTERNATE = ("", "alternate", "http://www.iana.org/assignments/relation/alternate")
_PAGE_TYPES = ("", "text/html", "application/xhtml+xml")


def read_feed(data: bytes, url: str) -> Guide:
    """Return the entries of a feed at `url`, each with the newest of its dates.

    `data` may be gzipped. Of a broken or truncated document in XML the readable entries are
    returned; the Guide is empty if it is not a feed. Never raises.
    """
    text = guide_text(data)
    if text.startswith("{"):
        entries, left = first_entries(
            _json_items(text), lambda item: _of_json(item, url), MOST_ENTRIES
        )
        return Guide(entries, left=left)
    name = ITEM_BY_ROOT.get(root_of(text))
    if name is None:
        return Guide()
    items = items_in(text, name, _WANTED)
    read = _of_atom if name == "entry" else _of_rss
    entries, left = first_entries(items, lambda item: read(item, url), MOST_ENTRIES)
    return Guide(entries, left=left)


def _of_atom(item: Item, url: str) -> Entry | None:
    return _entry(_atom_link(item, url), _dates(item))


def _of_rss(item: Item, url: str) -> Entry | None:
    own = [child for child in item.children if child.namespace == item.namespace]
    links = [_url(child, child.text, url) for child in own if child.name == "link"]
    guids = [_url(child, child.text, url) for child in own if _is_address(child)]
    found = next((link for link in (*links, *guids) if link is not None), None)
    return _entry(found or _atom_link(item, url), _dates(item))


def _is_address(child: Child) -> bool:
    """Return whether a child is a `guid` that is a URL: so without an attribute that denies it."""
    is_permanent = child.attributes.get("isPermaLink", "true").strip().lower() != "false"
    return child.name == "guid" and is_permanent and _is_absolute(child.text)


def _is_absolute(text: str) -> bool:
    return text.strip().lower().startswith(("http://", "https://"))


def _atom_link(item: Item, url: str) -> str | None:
    """Return the URL of an entry's page; of several the first that is a web page."""
    links = [
        child
        for child in item.children
        if child.name == "link"
        and child.namespace in {item.namespace, *_ATOM}
        and child.attributes.get("rel", "").strip().lower() in _ALTERNATE
    ]
    links.sort(key=lambda child: child.attributes.get("type", "").lower() not in _PAGE_TYPES)
    urls = (_url(child, child.attributes.get("href", ""), url) for child in links)
    return next((found for found in urls if found is not None), None)


def _url(child: Child, href: str, url: str) -> str | None:
    """Return the URL of a reference in a child, by the bases that apply to it."""
    for base in child.bases:
        url = absolute(url, base) or url
    return resolved(href, url)


def _dates(item: Item) -> list[str]:
    namespaces = {item.namespace, *_DATE_MODULES}
    return [
        child.text
        for child in item.children
        if child.name in _DATES and child.namespace in namespaces
    ]


def _entry(url: str | None, dates: Iterable[str]) -> Entry | None:
    moments: list[datetime] = [date for date in map(read_date, dates) if date is not None]
    return None if url is None else Entry(url, max(moments, default=None))


def _json_items(text: str) -> list[object]:
    value, _ = value_of(text)
    version, items = member(value, "version"), member(value, "items")
    is_feed = isinstance(version, str) and version.startswith(_JSON_VERSION)
    return items if is_feed and isinstance(items, list) else []


def _of_json(item: object, url: str) -> Entry | None:
    """Return the entry of an item; its `id` is its URL if it has no other."""
    href, identity = (member(item, name) for name in ("url", "id"))
    found = resolved(href, url) if isinstance(href, str) else None
    if found is None and isinstance(identity, str) and _is_absolute(identity):
        found = resolved(identity, url)
    dates = (member(item, name) for name in ("date_modified", "date_published"))
    return _entry(found, (date for date in dates if isinstance(date, str)))

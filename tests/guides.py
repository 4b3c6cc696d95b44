"""Writes small sitemaps and feeds, and reads them by the functions that a visit uses."""

from __future__ import annotations

import json
from datetime import datetime

from crawler.guides.feeds import read_feed
from crawler.guides.kinds import guide_kind
from crawler.guides.sitemaps import read_sitemap

SITE = "https://art.example"
AT = f"{SITE}/blog/feed/"
SITEMAP = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
ATOM = 'xmlns="http://www.w3.org/2005/Atom"'
DC = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'


def urlset(*items: str) -> str:
    return f"<urlset {SITEMAP}>{''.join(f'<url>{item}</url>' for item in items)}</urlset>"


def rss(*items: str) -> str:
    channel = "".join(f"<item>{item}</item>" for item in items)
    namespaces = f'{DC} xmlns:atom="http://www.w3.org/2005/Atom"'
    return f'<rss version="2.0" {namespaces}><channel><link>{SITE}</link>{channel}</channel></rss>'


def atom(*entries: str, more: str = "") -> str:
    inside = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f'<feed {ATOM}{more}><link href="{SITE}/"/><updated>2027</updated>{inside}</feed>'


def entries_of(text: str | bytes, url: str = AT) -> list[tuple[str, datetime | None]]:
    data = text if isinstance(text, bytes) else text.encode()
    kind = guide_kind(data)
    guide = read_sitemap(data, url) if kind == "sitemap" else read_feed(data, url)
    assert kind is not None
    return [(entry.url, entry.changed_at) for entry in guide.entries]


def json_feed(*items: object, version: str = "https://jsonfeed.org/version/1.1") -> str:
    return json.dumps({"version": version, "title": "Art", "items": items})

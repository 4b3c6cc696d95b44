"""Whether a response is a sitemap or a feed, by its content. Pure."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from crawler.guides import feeds, sitemaps
from crawler.guides.entries import Guide
from crawler.guides.markup import root_of
from crawler.guides.text import START_BYTES, guide_text

GuideKind = Literal["sitemap", "feed"]
# PHP writes slashes in JSON as `\/`.
_JSON_FEED = re.compile(r'"version"\s*+:\s*+"https:\\?/\\?/jsonfeed\.org\\?/version\\?/')


class GuideFile(NamedTuple):
    """The response for a guide."""

    data: bytes
    url: str


def read_guide(file: GuideFile) -> Guide:
    """Return what a sitemap or feed holds, by its content; empty if it is neither."""
    read = {"sitemap": sitemaps.read_sitemap, "feed": feeds.read_feed}
    kind = guide_kind(file.data)
    return read[kind](file.data, file.url) if kind else Guide()


def guide_kind(data: bytes) -> GuideKind | None:
    """Return what a response is by the start of its content; None for anything else.

    A server may send an error page with status 200, and any media type. Never raises.
    """
    text = guide_text(data, START_BYTES)
    if text.startswith("{"):
        return "feed" if _JSON_FEED.search(text) else None
    root = root_of(text)
    if root in sitemaps.ITEM_BY_ROOT or sitemaps.is_list_of_urls(text):
        return "sitemap"
    return "feed" if root in feeds.ITEM_BY_ROOT else None

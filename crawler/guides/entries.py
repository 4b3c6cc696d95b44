"""The entries of sitemaps and feeds: URLs, with the dates of their last changes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from registry.urls.absolute import MAX_ADDRESS, absolute

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Entry:
    """A URL, and when its content last changed, in UTC; None if that is not stated.

    A date without a time of day, or without a day, is the beginning of that day, month or
    year.
    """

    url: str
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Guide:
    """The content of a sitemap or feed, in its order.

    `entries` are pages; `sitemaps` those of a sitemap index; `left` is the number of entries
    beyond the limit, which were not read. URLs may be on other hosts than the guide, and occur
    more than once.
    """

    entries: tuple[Entry, ...] = ()
    sitemaps: tuple[Entry, ...] = ()
    left: int = 0


def first_entries(
    items: Iterable[_Item], read: Callable[[_Item], Entry | None], most: int
) -> tuple[tuple[Entry, ...], int]:
    """Return the first `most` entries that `read` makes of items, and how many items follow."""
    entries: list[Entry] = []
    left = 0
    for item in items:
        if len(entries) >= most:
            left += 1
        elif (entry := read(item)) is not None:
            entries.append(entry)
    return tuple(entries), left


def resolved(href: str, base: str) -> str | None:
    """Return the URL to request for a reference in a guide, or None.

    None for an empty or too long reference, for one with a character that could not be
    decoded, and where `absolute` returns None.
    """
    href = href.strip()
    if not href or len(href) > MAX_ADDRESS or "\ufffd" in href:
        return None
    url = absolute(base, href)
    return url if url is not None and len(url) <= MAX_ADDRESS else None

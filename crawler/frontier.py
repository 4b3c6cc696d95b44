"""Which pages of a site a visit reads: the limits and the defence against link traps. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

# A calendar or a shop's filters make endless addresses of one path; the pages of
# a gallery do too, but each shows images that no page before it showed. So many
# addresses of one path are asked for without a new image; of a series that is
# followed page by page (`rel=next`) fewer, as hardly any of them is still unread.
BARREN_VARIANTS = 30
BARREN_NEXT = 8
# Relative links that keep appending (`/a/b/a/b/...`) end here.
PATH_SEGMENTS = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one visit may ask for: counts, seconds of the whole visit, bytes per image."""

    pages: int = 500
    depth: int = 10
    images: int = 5000
    seconds: float = 3600
    bytes: int = 50 * 1024 * 1024


@dataclass(slots=True)
class Frontier:
    """Decides for each link whether it is followed, and counts why not."""

    limits: Limits
    pages: int = 0
    _turned_away: Counter[str] = field(default_factory=Counter)
    _deep: set[str] = field(default_factory=set)
    _met: set[str] = field(default_factory=set)
    _barren: Counter[str] = field(default_factory=Counter)

    def admit(self, url: str, depth: int, *, is_next: bool = False) -> bool:
        """Return whether to read this page, counting it as asked for."""
        key = page_key(url)
        if key in self._met:
            return False
        if depth > self.limits.depth:
            # Not for good: a shorter way to this page may be found yet.
            self._deep.add(key)
            return False
        self._met.add(key)
        self._deep.discard(key)
        reason = self._objection(url, is_next)
        if reason:
            self._turned_away[reason] += 1
            return False
        self.pages += 1
        return True

    def turned_away(self) -> dict[str, int]:
        """Return how many links were not followed, by reason: `depth`, `trap`, `pages`."""
        deep = {"depth": len(self._deep)} if self._deep else {}
        return dict(sorted((deep | self._turned_away).items()))

    def fruitful(self, url: str) -> None:
        """Take note that a page showed images that were new: it was no trap."""
        self._barren[_path(url)] -= 1

    def _objection(self, url: str, is_next: bool) -> str | None:
        parts = urlsplit(url)
        if parts.path.count("/") > PATH_SEGMENTS:
            return "trap"
        if self.pages >= self.limits.pages:
            return "pages"
        if parts.query:
            if self._barren[_path(url)] >= (BARREN_NEXT if is_next else BARREN_VARIANTS):
                return "trap"
            self._barren[_path(url)] += 1
        return None


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"


def page_key(url: str) -> str:
    """Return an address as the same page is written in another way: parameters sorted."""
    parts = urlsplit(url)
    query = "&".join(f"{name}={value}" for name, value in sorted(parse_qsl(parts.query, True)))
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path or '/'}?{query}"

"""Which pages of a site a visit reads: the limits and the defence against link traps. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

# A calendar or a shop's filters make endless addresses of one path. Series that
# a site itself marks as such (`rel=next`) may be longer than other variants.
QUERY_VARIANTS = 50
NEXT_VARIANTS = 250
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
    """Decides for each link once whether it is followed, and counts why not.

    Reasons in `turned_away`: `depth`, `trap`, `pages`.
    """

    limits: Limits
    pages: int = 0
    turned_away: Counter[str] = field(default_factory=Counter)
    _met: set[str] = field(default_factory=set)
    _variants: Counter[str] = field(default_factory=Counter)

    def admit(self, url: str, depth: int, *, is_next: bool = False) -> bool:
        """Return whether to read this page, counting it as asked for."""
        key = page_key(url)
        if key in self._met:
            return False
        self._met.add(key)
        reason = self._objection(url, depth, is_next)
        if reason:
            self.turned_away[reason] += 1
            return False
        self.pages += 1
        return True

    def _objection(self, url: str, depth: int, is_next: bool) -> str | None:
        if depth > self.limits.depth:
            return "depth"
        parts = urlsplit(url)
        if parts.path.count("/") > PATH_SEGMENTS:
            return "trap"
        if parts.query:
            path = f"{parts.netloc}{parts.path}"
            self._variants[path] += 1
            if self._variants[path] > (NEXT_VARIANTS if is_next else QUERY_VARIANTS):
                return "trap"
        return "pages" if self.pages >= self.limits.pages else None


def page_key(url: str) -> str:
    """Return an address as the same page is written in another way: parameters sorted."""
    parts = urlsplit(url)
    query = "&".join(f"{name}={value}" for name, value in sorted(parse_qsl(parts.query, True)))
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path or '/'}?{query}"

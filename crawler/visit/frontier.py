"""Selects the pages that a visit reads: limits, and protection against link traps. Pure.

A calendar, the filters of a shop or random next pages make an endless number of URLs. So do
the pages of a gallery, but each of them shows a new image. So the number of pages read in a
row without a new image is limited for each URL shape (`crawler.visit.url_shapes`). Links of a
shape wait until the pages before them were read: a trap ends when its budget is spent, and a
gallery of any length is read.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from crawler.options import VisitLimits
from crawler.pages.links import PageLink
from crawler.visit.url_shapes import folder_of, page_key, page_name, shape_of, spelling_of

# Most pages of one shape read in a row without a new image; fewer for a series that is
# followed page by page (`rel=next`), where few requests are unfinished at a time.
BARREN_VARIANTS = 30
BARREN_NEXT = 8
# The same for all pages of one folder: names made of random words have different shapes.
BARREN_FOLDER = 100
# Longest path, against relative links that keep appending (`/a/b/a/b/...`).
PATH_SEGMENTS = 16
# Most waiting links of all shapes; more are dropped with the reason `pages`.
MOST_WAITING = 20_000


@dataclass(frozen=True, slots=True)
class Step:
    """A page to request; `depth` is the number of links from the start page."""

    link: PageLink
    depth: int


@dataclass(slots=True)
class _PageGroup:
    """The pages of one shape or folder.

    `unread` counts pages requested but not read yet, `barren` pages read in a row without a
    new image.
    """

    unread: int = 0
    barren: int = 0
    images: set[int] = field(default_factory=set)
    waiting: deque[Step] = field(default_factory=deque)


@dataclass(slots=True)
class Frontier:
    """Decides whether and when each link is followed, and counts the reasons for dropped ones.

    Links to pages with a name in `known` are not followed: an earlier visit asked for them.
    """

    limits: VisitLimits
    known: Set[bytes] = frozenset()
    pages: int = 0
    _dropped: Counter[str] = field(default_factory=Counter)
    _deep: set[str] = field(default_factory=set)
    # Hashes of URLs: by page key the first one seen, and those that differ by a session only.
    _seen: dict[str, int] = field(default_factory=dict)
    _sessions: set[int] = field(default_factory=set)
    _groups: dict[str, _PageGroup] = field(default_factory=dict)
    _shown: dict[str, set[int]] = field(default_factory=dict)
    _waiting: int = 0

    def admit(self, url: str, depth: int, *, is_next: bool = False) -> bool:
        """Return whether to request this page now, and count it as requested if so.

        A page that must wait may be returned by `read` later.
        """
        key = page_key(url)
        spelling = hash(spelling_of(url))
        if key in self._seen:
            if spelling != self._seen[key]:
                self._sessions.add(spelling)
            return False
        if self.known and page_name(url) in self.known:
            return False
        if depth > self.limits.depth:
            # Not final: a shorter path to this page may be found later.
            self._deep.add(key)
            return False
        self._seen[key] = spelling
        self._deep.discard(key)
        return self._may_request(Step(PageLink(url, is_next), depth))

    def expect(self, step: Step) -> bool:
        """Return whether to request a known page, and count it as requested if so."""
        url = step.link.url
        key = page_key(url)
        if key in self._seen or self.pages >= self.limits.pages:
            return False
        self._seen[key] = hash(spelling_of(url))
        for name, _ in _budgets(step.link):
            self._group(name).unread += 1
        self.pages += 1
        return True

    def shows(self, url: str, images: Iterable[str]) -> None:
        """Record the images that the page requested at `url` shows."""
        self._shown[url] = {hash(image) for image in images}

    def read(self, url: str) -> list[Step]:
        """Record that a page was read, or failed; return the waiting pages to request now."""
        shown = self._shown.pop(url, set())
        groups = [self._group(name) for name, _ in _budgets(PageLink(url))]
        for group in groups:
            group.unread = max(0, group.unread - 1)
            group.barren = 0 if shown - group.images else group.barren + 1
            group.images |= shown
        return [step for group in groups for step in self._released(group)]

    def dropped(self) -> dict[str, int]:
        """Return the number of URLs that were not followed, by reason.

        `depth`, `trap`, `pages`, and `sessions` for URLs that differ from a followed one by
        a session token, or the number of a comment to answer, only.
        """
        sets = {"depth": len(self._deep), "sessions": len(self._sessions)}
        return dict(sorted((+Counter(sets) + self._dropped).items()))

    def _released(self, group: _PageGroup) -> Iterator[Step]:
        waiting, group.waiting = group.waiting, deque()
        self._waiting -= len(waiting)
        while waiting:
            step = waiting.popleft()
            if self._may_request(step):
                yield step
            elif group.waiting:
                # The order of the waiting pages is kept.
                self._waiting += len(waiting)
                group.waiting.extend(waiting)
                return

    def _may_request(self, step: Step) -> bool:
        """Return whether to request a page now; if not, make it wait or drop it."""
        budgets = [(self._group(name), most) for name, most in _budgets(step.link)]
        reason = self._drop_reason(step.link.url)
        if any(group.barren >= most for group, most in budgets):
            reason = reason or "trap"
        full = [group for group, most in budgets if group.barren + group.unread >= most]
        if full and not reason and self._waiting < MOST_WAITING:
            full[0].waiting.append(step)
            self._waiting += 1
            return False
        if full or reason:
            self._dropped[reason or "pages"] += 1
            return False
        for group, _ in budgets:
            group.unread += 1
        self.pages += 1
        return True

    def _drop_reason(self, url: str) -> str | None:
        if urlsplit(url).path.count("/") > PATH_SEGMENTS:
            return "trap"
        return "pages" if self.pages >= self.limits.pages else None

    def _group(self, name: str) -> _PageGroup:
        return self._groups.setdefault(name, _PageGroup())


def _budgets(link: PageLink) -> tuple[tuple[str, int], ...]:
    """Return the names of the groups of a page, each with its budget of barren pages."""
    return (
        (shape_of(link.url), BARREN_NEXT if link.is_next else BARREN_VARIANTS),
        (folder_of(link.url), BARREN_VARIANTS if link.is_next else BARREN_FOLDER),
    )

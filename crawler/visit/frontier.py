"""Which pages of a site a visit reads: the limits and the defence against link traps. Pure.

A calendar, a shop's filters or a random next page make addresses without end; the pages of
a gallery do too, but each shows an image that no page of its shape showed before. So of one
shape of addresses (`crawler.visit.url_shapes`) only so many pages in a row are read without a
new image. Links of a shape wait until those before them were read: a trap is left after
its budget, and a gallery is read however long it is.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from crawler.pages.links import PageLink
from crawler.visit.url_shapes import folder_of, page_key, shape_of, spelling_of

# So many pages of one shape are read in a row without a new image; of a series that is
# followed page by page (`rel=next`) fewer, as hardly any of them is still unread.
BARREN_VARIANTS = 30
BARREN_NEXT = 8
# The same for all pages of one folder, whatever they are called: names made of random words
# have no shape in common.
BARREN_FOLDER = 100
# Relative links that keep appending (`/a/b/a/b/...`) end here.
PATH_SEGMENTS = 16
# Links that wait, over all shapes: more are turned away as if the pages were all read.
MOST_WAITING = 20_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one visit may ask for: counts, seconds of the whole visit, bytes per image."""

    pages: int = 500
    depth: int = 10
    images: int = 5000
    seconds: float = 3600
    bytes: int = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Step:
    """A page to ask for, and how many links it lies from the start."""

    link: PageLink
    depth: int


@dataclass(slots=True)
class _Kind:
    """The pages of one shape or folder.

    `unread` were asked for and not read yet, `barren` were read in a row without a new image.
    """

    unread: int = 0
    barren: int = 0
    images: set[int] = field(default_factory=set)
    waiting: deque[Step] = field(default_factory=deque)


@dataclass(slots=True)
class Frontier:
    """Decides for each link whether and when it is followed, and counts why not."""

    limits: Limits
    pages: int = 0
    _turned_away: Counter[str] = field(default_factory=Counter)
    _deep: set[str] = field(default_factory=set)
    # By page, the address under which it was met first; and others, but for their session the same.
    _met: dict[str, int] = field(default_factory=dict)
    _folded: set[int] = field(default_factory=set)
    _kinds: dict[str, _Kind] = field(default_factory=dict)
    _shown: dict[str, set[int]] = field(default_factory=dict)
    _waiting: int = 0

    def admit(self, url: str, depth: int, *, is_next: bool = False) -> bool:
        """Return whether to read this page now, counting it as asked for.

        One that has to wait comes out of `read` later, if it does.
        """
        key = page_key(url)
        spelling = hash(spelling_of(url))
        if key in self._met:
            if spelling != self._met[key]:
                self._folded.add(spelling)
            return False
        if depth > self.limits.depth:
            # Not for good: a shorter way to this page may be found yet.
            self._deep.add(key)
            return False
        self._met[key] = spelling
        self._deep.discard(key)
        return self._decided(Step(PageLink(url, is_next), depth))

    def shows(self, url: str, images: Iterable[str]) -> None:
        """Take note of the images that a page shows which was asked for at a URL."""
        self._shown[url] = {hash(image) for image in images}

    def read(self, url: str) -> list[Step]:
        """Take note that a page was read, or failed; return those to ask for that waited for it."""
        shown = self._shown.pop(url, set())
        kinds = [self._kind(name) for name, _ in _budgets(PageLink(url))]
        for kind in kinds:
            kind.unread = max(0, kind.unread - 1)
            kind.barren = 0 if shown - kind.images else kind.barren + 1
            kind.images |= shown
        return [step for kind in kinds for step in self._released(kind)]

    def turned_away(self) -> dict[str, int]:
        """Return how many addresses were not followed, by reason.

        `depth`, `trap`, `pages`, and `sessions` for those that differ from one that was met
        in the token of a session alone.
        """
        sets = {"depth": len(self._deep), "sessions": len(self._folded)}
        return dict(sorted((+Counter(sets) + self._turned_away).items()))

    def _released(self, kind: _Kind) -> Iterator[Step]:
        waiting, kind.waiting = kind.waiting, deque()
        self._waiting -= len(waiting)
        while waiting:
            step = waiting.popleft()
            if self._decided(step):
                yield step
            elif kind.waiting:
                # The first that has to wait goes on to be the first.
                self._waiting += len(waiting)
                kind.waiting.extend(waiting)
                return

    def _decided(self, step: Step) -> bool:
        """Return whether to ask for a page now; else let it wait, or turn it away."""
        budgets = [(self._kind(name), most) for name, most in _budgets(step.link)]
        reason = self._objection(step.link.url)
        if any(kind.barren >= most for kind, most in budgets):
            reason = reason or "trap"
        full = [kind for kind, most in budgets if kind.barren + kind.unread >= most]
        if full and not reason and self._waiting < MOST_WAITING:
            full[0].waiting.append(step)
            self._waiting += 1
            return False
        if full or reason:
            self._turned_away[reason or "pages"] += 1
            return False
        for kind, _ in budgets:
            kind.unread += 1
        self.pages += 1
        return True

    def _objection(self, url: str) -> str | None:
        if urlsplit(url).path.count("/") > PATH_SEGMENTS:
            return "trap"
        return "pages" if self.pages >= self.limits.pages else None

    def _kind(self, name: str) -> _Kind:
        return self._kinds.setdefault(name, _Kind())


def _budgets(link: PageLink) -> tuple[tuple[str, int], ...]:
    """Return the kinds that a page belongs to, and how many barren ones of each are read."""
    return (
        (shape_of(link.url), BARREN_NEXT if link.is_next else BARREN_VARIANTS),
        (folder_of(link.url), BARREN_VARIANTS if link.is_next else BARREN_FOLDER),
    )

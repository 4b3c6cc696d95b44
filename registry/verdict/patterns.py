"""Path patterns of robots.txt and of every vocabulary that borrows them. Pure.

RFC 9309, section 2.2.2: they match from the first octet of path and query, `*` matches
any octets, a final `$` the end, all else is literal. Both sides are compared in the
spelling of `registry.urls.paths`. Matching takes time linear in the path, whatever the
pattern.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass

from registry.urls.paths import normal_path

_EVERYWHERE = frozenset({"", "/", "*", "/*"})


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: literal pieces between its `*`, and whether `$` ends it.

    `length` is in octets of the normal form, wildcards included.
    """

    pieces: tuple[str, ...]
    anchored: bool
    length: int

    @staticmethod
    def compile(pattern: str) -> Pattern:
        """Compile a pattern; every text is valid."""
        anchored = pattern.endswith("$")
        body = pattern[:-1] if anchored else pattern
        pieces = tuple(normal_path(piece) for piece in body.split("*"))
        length = sum(map(len, pieces)) + len(pieces) - 1 + anchored
        return Pattern(pieces, anchored, length)

    def matches(self, path: str) -> bool:
        """Return whether the pattern matches a path in normal form."""
        return path.startswith(self.pieces[0]) and self.matches_rest(path)

    def matches_rest(self, path: str) -> bool:
        """Return the same for a path that is known to start with the first piece."""
        place = len(self.pieces[0])
        if len(self.pieces) == 1:
            return not self.anchored or len(path) == place
        for piece in self.pieces[1:-1]:
            start = path.find(piece, place)
            if start < 0:
                return False
            place = start + len(piece)
        last = self.pieces[-1]
        if self.anchored:
            return len(path) - len(last) >= place and path.endswith(last)
        return path.find(last, place) >= 0


def is_everywhere(pattern: str) -> bool:
    """Return whether a pattern is one of those for all of a site."""
    return pattern in _EVERYWHERE


def literal_start(pattern: str) -> str:
    """Return the text that every path in normal form starts with that a pattern matches."""
    return Pattern.compile(pattern).pieces[0]


class ByStart:
    """Numbers by the literal text that their paths start with.

    One look-up for each distinct length finds those of a path, however many there are.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, list[int]] = {}
        self._lengths: list[int] = []

    def add(self, start: str, number: int) -> None:
        """Add a number."""
        if start not in self._numbers and len(start) not in self._lengths:
            insort(self._lengths, len(start))
        self._numbers.setdefault(start, []).append(number)

    def of(self, path: str) -> Iterator[int]:
        """Yield the numbers whose texts a path in normal form starts with."""
        for length in self._lengths:
            if length > len(path):
                break
            yield from self._numbers.get(path[:length], ())

"""The fingerprints of a snapshot's pictures, and the recorded pictures similar to others.

This is the one place for candidates, tiers and their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from registry.index.decisions import Strictest
from registry.matching.confirm import CANDIDATE_RADIUS, possible_radius, tier
from registry.matching.distinct import PrintCodes
from registry.matching.lists import slices
from registry.matching.nearest import nearest
from registry.model import TIERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from registry.index.tables import PrintTables
    from registry.matching.lists import Lists, Numbers
    from registry.matching.nearest import Near

# Most distinct codes that one fingerprint is compared with.
MOST_SIMILAR = 1024
# Distinct fingerprints joined at a time, and pairs weighed at a time.
BLOCK = 1 << 20
_PAIRS = 1 << 20
NO_TIER = -1


@dataclass(frozen=True, slots=True)
class Similar:
    """Pairs of fingerprints and recorded pictures: parallel arrays, those of a query together.

    `picture` is the strictest one with the recorded fingerprint; `distance` the number of
    differing bits of phash64, `wide` that of phash256, or -1; `tier` indexes TIERS, or is
    NO_TIER. `crowded`: more codes are similar than these, the nearest ones.
    """

    query: Numbers
    picture: Numbers
    print_: Numbers
    distance: NDArray[np.int16]
    wide: NDArray[np.int16]
    tier: NDArray[np.int8]
    crowded: NDArray[np.bool_]


class PrintIndex:
    """The distinct fingerprints of a snapshot, with the picture that counts for each."""

    def __init__(self, tables: PrintTables, strictest: Callable[[Lists, Numbers], Numbers]) -> None:
        """Take the tables, and what selects the strictest picture of each list."""
        self.tables = tables
        self._strictest = Strictest(strictest, tables.pictures)
        # The largest distance of a possible match by phash64 alone.
        self.possible = possible_radius(len(tables.starts) - 1)

    def __len__(self) -> int:
        """Return the number of distinct fingerprints."""
        return len(self.tables.code)

    def of(self, pictures: Numbers) -> tuple[Numbers, PrintCodes]:
        """Return (place among `pictures`, fingerprint) for all fingerprints of pictures."""
        places, prints = self.tables.of_picture.of(pictures)
        return places, self._codes(prints)

    def pictures(self, print_: int) -> Numbers:
        """Return all pictures with a fingerprint."""
        return self.tables.pictures.of(np.array([print_]))[1]

    def within_wide(self, wide: bytes, radius: int) -> list[tuple[int, int]]:
        """Return (print, distance) within so many bits of a phash256, the nearest first."""
        ours = np.frombuffer(wide, np.uint64)
        words = np.asarray(self.tables.words).reshape(-1, 4)
        far = np.bitwise_count(words ^ ours).sum(axis=1, dtype=np.int64)
        rows = np.flatnonzero(far <= radius)
        order = rows[np.argsort(far[rows], kind="stable")]
        # Prints with a phash256 are in the order of its rows.
        prints = np.flatnonzero(np.asarray(self.tables.wide))[order]
        return list(zip(prints.tolist(), far[order].tolist(), strict=True))

    def radius(self, codes: PrintCodes, distance: int | None = None) -> int:
        """Return the radius of candidates for some fingerprints."""
        if distance is not None:
            return distance
        # Without a phash256 on one of the sides the 64 bits decide alone.
        alone = not codes.has_wide.any() or not len(self.tables.words)
        return self.possible if alone else CANDIDATE_RADIUS

    def similar(self, codes: PrintCodes, distance: int | None = None) -> Iterator[Similar]:
        """Yield the pictures similar to distinct fingerprints, a bounded number of pairs at a time.

        All pairs of a query come together. With `distance` all within so many bits of phash64,
        else those with a tier, and all others of crowded queries.
        """
        radius = self.radius(codes, distance)
        for first in range(0, len(codes), BLOCK):
            block = codes.take(np.arange(first, min(first + BLOCK, len(codes))))
            for part in self._similar(block, radius):
                kept = part.crowded | (part.tier != NO_TIER) | (distance is not None)
                yield _some(part, np.flatnonzero(kept), first)

    def _similar(self, codes: PrintCodes, radius: int) -> Iterator[Similar]:
        distinct, inverse = np.unique(codes.phash64, return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        # The queries with each distinct code.
        members = np.searchsorted(inverse[order], np.arange(len(distinct) + 1))
        for near in nearest(self.tables.codes, distinct, radius, MOST_SIMILAR):
            counts = members[near.queries + 1] - members[near.queries]
            queries = order[slices(members[near.queries], counts)]
            places = np.repeat(np.arange(len(near.queries)), counts)
            yield from self._pairs(codes, near, queries, places)

    def _pairs(
        self, codes: PrintCodes, near: Near, queries: Numbers, places: Numbers
    ) -> Iterator[Similar]:
        """Yield the pairs of queries with the prints near them, given each one's place in `near`.

        A query has all prints of the nearest codes, as far as they are within the limit.
        """
        starts, row = near.starts, near.rows
        counts = (self.tables.starts[row + 1] - self.tables.starts[row]).astype(np.int64)
        sums = np.append(0, np.cumsum(counts))
        crowded = near.crowded | (sums[starts[1:]] - sums[starts[:-1]] > MOST_SIMILAR)
        rank = sums[:-1] - np.repeat(sums[starts[:-1]], np.diff(starts))
        counts = np.minimum(counts, np.maximum(MOST_SIMILAR - rank, 0))
        sums = np.append(0, np.cumsum(counts))
        sizes = np.cumsum(sums[starts[places + 1]] - sums[starts[places]])
        for low, high in _pieces(sizes):
            groups = starts[places[low:high]], starts[places[low:high] + 1]
            pairs = slices(groups[0], groups[1] - groups[0])
            which = np.repeat(np.arange(low, high), groups[1] - groups[0])
            prints = slices(self.tables.starts[row[pairs]].astype(np.int64), counts[pairs])
            which = np.repeat(which, counts[pairs])
            bits = np.repeat(near.bits[pairs], counts[pairs])
            yield self._weighed(codes, queries[which], prints, bits, crowded[places[which]])

    def _weighed(
        self,
        codes: PrintCodes,
        query: Numbers,
        prints: Numbers,
        near: NDArray[np.uint8],
        crowded: NDArray[np.bool_],
    ) -> Similar:
        wide = self.wide_distances(codes.take(query), prints)
        distance = near.astype(np.int16)
        return Similar(
            query=query,
            picture=self._strictest.of(prints),
            print_=prints,
            distance=distance,
            wide=wide,
            tier=self._tiers(distance, wide),
            crowded=crowded,
        )

    def wide_distances(self, codes: PrintCodes, prints: Numbers) -> NDArray[np.int16]:
        """Return the differing bits of phash256 of each pair, or -1 where one side has none."""
        rows = self.tables.wide[prints].astype(np.int64) - 1
        both = np.flatnonzero(codes.has_wide & (rows >= 0))
        wide = np.full(len(prints), -1, np.int16)
        differing = np.bitwise_count(codes.phash256[both] ^ self.tables.wide_words(rows[both]))
        wide[both] = differing.sum(axis=1, dtype=np.int16)
        return wide

    def _tiers(self, near: NDArray[np.int16], wide: NDArray[np.int16]) -> NDArray[np.int8]:
        # One number for each pair of distances: -1 to 256 bits, and 0 to 64.
        pairs = near.astype(np.int64) * 258 + wide + 1
        tiers = np.full(65 * 258, NO_TIER, np.int8)
        for pair in np.flatnonzero(np.bincount(pairs)).tolist():
            bits, far = pair // 258, pair % 258 - 1
            if name := tier(bits, far if far >= 0 else None, self.possible):
                tiers[pair] = TIERS.index(name)
        named: NDArray[np.int8] = tiers[pairs]
        return named

    def _codes(self, prints: Numbers) -> PrintCodes:
        rows = self.tables.wide[prints].astype(np.int64) - 1
        words = np.zeros((len(prints), 4), np.uint64)
        words[rows >= 0] = self.tables.wide_words(rows[rows >= 0])
        return PrintCodes(self.tables.code[prints], words, rows >= 0)


def _pieces(ends: Numbers) -> Iterator[tuple[int, int]]:
    """Yield ranges of queries with a bounded number of pairs, one query at least."""
    low = 0
    while low < len(ends):
        done = ends[low - 1] if low else 0
        high = max(int(np.searchsorted(ends, done + _PAIRS, "right")), low + 1)
        yield low, high
        low = high


def _some(similar: Similar, kept: Numbers, first: int) -> Similar:
    return Similar(
        query=similar.query[kept] + first,
        picture=similar.picture[kept],
        print_=similar.print_[kept],
        distance=similar.distance[kept],
        wide=similar.wide[kept],
        tier=similar.tier[kept],
        crowded=similar.crowded[kept],
    )

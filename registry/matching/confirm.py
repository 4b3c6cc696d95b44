"""The tiers of matches by fingerprint, and the matches to expect by chance.

A candidate is a pair whose 64-bit distance is at most CANDIDATE_RADIUS. If
both sides also have `phash256`, that decides; 64 bits alone give too many matches by
chance. The tiers, best first:

| tier     | both have phash256                | phash64 alone   |
|----------|-----------------------------------|-----------------|
| exact    | both distances 0                  | never           |
| certain  | phash256 <= CERTAIN_256           | never           |
| likely   | phash256 <= LIKELY_256            | <= LIKELY_64    |
| possible | phash64 <= LIKELY_64              | <= POSSIBLE_64, less in large registries |

Why these numbers, measured on 2,500 pictures (clip art, game art, screenshots,
photographs), 250 of them altered, 2.8 million pairs of different pictures:

- phash64 <= 8 finds .98 and more of the copies made by JPEG, WebP and scaling;
  <= 10 finds hardly more of those. Different pictures within 8: 143 pairs.
- phash256 <= 31 keeps as many copies as phash64 <= 8, and 35 of those pairs,
  which by eye are true copies. <= 60 keeps every re-encoded copy and 108 pairs:
  the false ones lie between 30 and 60 (two flags of similar layout), so matches
  in that range are `likely` and not `certain`.
- phash64 alone, by chance: <= 4: 2.5e-13 of pairs, <= 8: 1.3e-9, which for ten
  million entries and a billion rows is ten million. Hence `possible`.
  (For random codes with half of their bits set and the first one always set, as
  phash64 makes them.)
- A pair with phash64 <= 4 that phash256 does not confirm is `possible` and goes to a
  person, since small overlays change the high frequencies first.
"""

from __future__ import annotations

import math

from registry.model import Tier

CANDIDATE_RADIUS = 8
CERTAIN_256 = 31
LIKELY_256 = 60
LIKELY_64 = 4
POSSIBLE_64 = 8
# Rows among which one chance match by phash64 alone is accepted.
MOST_CHANCE = 500


def tier(
    distance64: int, distance256: int | None = None, possible: int = POSSIBLE_64
) -> Tier | None:
    """Return how sure a match at these distances (bits) is; None: no match.

    `distance256` is None if either side has no `phash256`; then `possible` is the largest
    distance of a possible match (see `possible_radius`).
    """
    if distance256 is None:
        return _by_64_alone(distance64, possible)
    if distance64 == 0 and distance256 == 0:
        return "exact"
    if distance256 <= CERTAIN_256:
        return "certain"
    if distance256 <= LIKELY_256:
        return "likely"
    return "possible" if distance64 <= LIKELY_64 else None


def _by_64_alone(distance64: int, possible: int) -> Tier | None:
    if distance64 <= LIKELY_64:
        return "likely"
    return "possible" if distance64 <= possible else None


def possible_radius(entries: int) -> int:
    """Return the largest distance of phash64 alone that is possible among so many entries.

    It falls as the registry grows, so that chance sends at most one row in MOST_CHANCE to review.
    """
    for radius in range(POSSIBLE_64, LIKELY_64, -2):
        if expected_chance_matches(entries, MOST_CHANCE, radius) <= 1:
            return radius
    return LIKELY_64


def expected_chance_matches(entries: int, samples: int, radius: int) -> float:
    """Return how many pairs of unrelated `phash64` codes lie within `radius` bits.

    Exact for codes that are independent but have half of their bits set, the
    first among them, because of the median and the mean brightness (4.5 times
    the number for 64 plain random bits at 8). Pictures of similar subjects add to it.
    """
    # Two codes share the first bit; of the 63 others each sets 31. Swapping k of
    # those for k of the 32 unset ones makes a distance of 2k.
    swaps = range(min(max(radius, 0), 64) // 2 + 1)
    within = sum(math.comb(31, k) * math.comb(32, k) for k in swaps)
    return entries * samples * within / math.comb(63, 31)

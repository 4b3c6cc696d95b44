"""Cuts 64 bits into chunks so that no pair within a radius is missed.

If two codes differ in at most r bits, then for disjoint chunks with thresholds
t_i whose sum of (t_i + 1) is r + 1, at least one chunk differs in at most
t_i bits (otherwise the codes would differ in r + 1). So it is enough to compare, chunk
by chunk, the entries whose chunk equals the query's under some mask of at most
t_i bits. (Norouzi, Punjani and Fleet, "Fast search in Hamming space with
multi-index hashing", 2012; uneven thresholds are their section 3.)
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

# A bucket table has 2**bits offsets of 4 bytes: 16 MB a chunk at most.
MAX_CHUNK_BITS = 22
_MAX_CHUNKS = 8

# Nanoseconds to open a bucket, to test an entry in it, and to test an entry
# without an index. They only choose between plans that are all correct.
_OPEN_NS = 2.5
_TEST_NS = 1.2
_BRUTE_NS = 3.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bits [shift, shift + bits) of the code, looked up under masks of `flips` bits or fewer."""

    shift: int
    bits: int
    flips: int

    def masks(self) -> list[int]:
        """Return all masks, those with fewer bits first."""
        return [
            sum(1 << bit for bit in chosen)
            for count in range(self.flips + 1)
            for chosen in itertools.combinations(range(self.bits), count)
        ]


def best_plan(entries: int, radius: int) -> tuple[Chunk, ...] | None:
    """Return the cheapest plan for this many entries, or None if brute force is cheaper."""
    plans = [_plan(radius, count) for count in range(1, min(radius + 1, _MAX_CHUNKS) + 1)]
    cost, plan = min(((_cost(plan, entries), plan) for plan in plans), key=lambda pair: pair[0])
    return plan if cost < entries * _BRUTE_NS else None


def _plan(radius: int, count: int) -> tuple[Chunk, ...]:
    bits = min(64 // count, MAX_CHUNK_BITS)
    flips, more = divmod(radius + 1 - count, count)
    return tuple(Chunk(i * (64 // count), bits, flips + (i < more)) for i in range(count))


def _cost(plan: tuple[Chunk, ...], entries: int) -> float:
    """Return the estimated nanoseconds per query, for evenly distributed codes."""
    buckets = [sum(math.comb(c.bits, k) for k in range(c.flips + 1)) for c in plan]
    tests = [entries / (1 << c.bits) for c in plan]
    return sum(b * (_OPEN_NS + _TEST_NS * t) for b, t in zip(buckets, tests, strict=True))

"""The constants of docs/beyond.md, their growth at 1/100, and what a billion entries would need.

    .venv/bin/python -m bench.beyond [--entries N] [--queries N] [--pictures FOLDER]

1. Tables of fingerprints of N/32, N/16, ... N entries: bytes an entry, candidates a query and
   nanoseconds a candidate, beside what `candidates` predicts from the numbers of buckets.
2. The tables of N entries cut by the first bits of a chunk into shards, and the queries sent to the
   shards that they need: the messages, the largest shard beside the mean, and that the shards
   compare exactly the candidates that one machine compares. With --pictures once more for codes
   grown from pictures.
3. One billion entries and five billion rows, computed from these.
"""

from __future__ import annotations

import argparse
import math
import statistics
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.similar_codes import Codes, Made, flipped, grown, joined, of_pictures
from registry.matching.code_tables import PARTS, CodeTables, build, plan
from registry.matching.confirm import expected_chance_matches, possible_radius

ENTRIES, ROWS = 1_000_000_000, 5_000_000_000
RADII = (4, 8)
# Bits by which a chunk is cut into shards.
CUTS = (3, 4, 5, 6)
# Queries that are sent to shards.
SENT = 20_000


@dataclass(frozen=True, slots=True)
class Constants:
    """What was measured at one number of entries, at one radius."""

    size: float
    compared: float
    each: float


def flips(radius: int) -> tuple[int, ...]:
    """Return how many bits may differ in each chunk that is searched."""
    used = min(radius + 1, len(PARTS))
    least, more = divmod(radius + 1 - used, used)
    return tuple(least + (place < more) for place in range(used))


def candidates(entries: int, radius: int) -> float:
    """Return how many entries are compared with a query, for evenly distributed codes."""
    total = 0.0
    for (_, most), allowed in zip(PARTS, flips(radius), strict=False):
        bits = max(min(most, entries.bit_length() - 1), 1)
        total += sum(math.comb(bits, k) for k in range(allowed + 1)) * entries / 2**bits
    return total


def compared(tables: CodeTables, queries: Codes, radius: int) -> int:
    """Return how many entries are compared with some queries."""
    total = 0
    for one in plan(tables, radius) or ():
        sizes = np.diff(one.table.starts.astype(np.int64))
        keys = one.table.keys(queries)
        total += sum(int(sizes[keys ^ mask].sum()) for mask in one.masks.tolist())
    return total


def measured(entries: Codes, queries: Codes, radius: int) -> Constants:
    """Measure a join; every second query has a neighbour at the radius."""
    rng = np.random.default_rng(3)
    sources = entries[rng.integers(0, len(entries), len(queries) // 2)]
    planted = flipped(sources, np.full(len(sources), radius), rng)
    asked = np.unique(np.concatenate([planted, queries[len(planted) :]]))
    tables = build(entries)
    made = Made(entries, asked, planted, sources)
    runs = [joined(tables, made, radius) for _ in range(3)]
    if runs[0][3] != len(planted):
        raise SystemExit("error: pairs were missed")
    some = asked[: min(len(asked), 2000)]
    each = compared(tables, some, radius) / len(some)
    size = sum(t.starts.nbytes + t.codes.nbytes + t.rows.nbytes for t in tables)
    cpu = statistics.median(run[0] for run in runs)
    return Constants(size / len(entries), each, 1e9 * cpu / len(asked) / each)


def in_shards(entries: Codes, queries: Codes, radius: int, cut: int) -> tuple[int, float, int]:
    """Return messages a query, the largest shard by the mean one, and the entries compared.

    Each shard has the entries with one prefix of one chunk, and searches what of the flips its
    distance from the query's own prefix leaves.
    """
    messages, largest, total = 0, 0.0, 0
    some = queries[:SENT]
    for (first, bits), allowed in zip(PARTS, flips(radius), strict=False):
        prefix = (entries >> np.uint64(first + bits - cut)).astype(np.int64) & ((1 << cut) - 1)
        sizes = np.bincount(prefix, minlength=1 << cut)
        largest = max(largest, float(sizes.max() / sizes.mean()))
        messages += sum(math.comb(cut, k) for k in range(allowed + 1))
        low = bits - cut
        rest = ((entries >> np.uint64(first)) & np.uint64((1 << low) - 1)).astype(np.int64)
        asked = ((some >> np.uint64(first)) & np.uint64((1 << low) - 1)).astype(np.int64)
        home = (some >> np.uint64(first + low)).astype(np.int64) & ((1 << cut) - 1)
        for shard in range(1 << cut):
            counts = np.bincount(rest[prefix == shard], minlength=1 << low)
            for away in range(allowed + 1):
                near = asked[np.bitwise_count((home ^ shard).astype(np.uint64)) == away]
                for mask in _masks(low, allowed - away):
                    total += int(counts[near ^ mask].sum())
    return messages, largest, total


def _masks(bits: int, allowed: int) -> list[int]:
    masks = {0}
    for _ in range(allowed):
        masks |= {mask | 1 << bit for mask in masks for bit in range(bits)}
    return sorted(masks)


def whole(entries: Codes, queries: Codes, radius: int) -> int:
    """Return how many entries one machine compares with the same queries, chunks as wide."""
    total = 0
    for (first, bits), allowed in zip(PARTS, flips(radius), strict=False):
        chunk = ((entries >> np.uint64(first)) & np.uint64((1 << bits) - 1)).astype(np.int64)
        counts = np.bincount(chunk, minlength=1 << bits)
        asked = queries[:SENT] >> np.uint64(first)
        keys = (asked & np.uint64((1 << bits) - 1)).astype(np.int64)
        total += sum(int(counts[keys ^ mask].sum()) for mask in _masks(bits, allowed))
    return total


def show_growth(codes: Codes, queries: Codes) -> dict[int, Constants]:
    """Measure at several sizes, print them beside the prediction, and return the largest."""
    print("radius     entries  bytes each  candidates  predicted  ns each")
    found = {}
    for radius in RADII:
        for part in (32, 16, 8, 4, 2, 1):
            entries = codes[: len(codes) // part]
            found[radius] = one = measured(entries, queries, radius)
            print(
                f"{radius:6} {len(entries):11,} {one.size:11.1f} {one.compared:11,.0f}"
                f" {candidates(len(entries), radius):10,.0f} {one.each:8.1f}",
                flush=True,
            )
    return found


def show_shards(name: str, codes: Codes, queries: Codes) -> None:
    """Print what cutting the tables by the first bits of chunks gives."""
    print(f"\nshards of {len(codes):,} codes, {name}")
    print("radius  shards a chunk  messages a query  largest / mean  candidates a query")
    for radius in RADII:
        alone = whole(codes, queries, radius)
        for cut in CUTS:
            messages, largest, total = in_shards(codes, queries, radius, cut)
            if total != alone:
                raise SystemExit(f"error: shards compared {total:,}, one machine {alone:,}")
            each = total / min(len(queries), SENT)
            print(f"{radius:6} {1 << cut:15} {messages:17} {largest:15.2f} {each:19,.0f}")


def show_billion(found: dict[int, Constants]) -> None:
    """Print what one billion entries and five billion rows need."""
    print(f"\n{ENTRIES:,} entries, {ROWS:,} rows; default radius of phash64 alone", end=" ")
    print(possible_radius(ENTRIES))
    for radius, one in found.items():
        each = candidates(ENTRIES, radius)
        hours = ROWS * each * one.each / 1e9 / 3600
        chance = expected_chance_matches(ENTRIES, ROWS, radius)
        print(
            f"radius {radius}: {each:,.0f} candidates a query, {hours:,.0f} core-hours,"
            f" {chance:,.0f} pairs by chance"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--queries", type=int, default=1_000_000)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    rng = np.random.default_rng(11)
    codes = rng.integers(0, 2**64, options.entries, np.uint64)
    queries = rng.integers(0, 2**64, options.queries, np.uint64)
    found = show_growth(codes, queries)
    show_shards("random", codes, queries)
    if options.pictures:
        centres = of_pictures(options.pictures)
        near = grown(centres, options.queries, rng)
        show_shards("of pictures", grown(centres, options.entries, rng), near)
    show_billion(found)


if __name__ == "__main__":
    main()

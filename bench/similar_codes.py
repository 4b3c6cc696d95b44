"""All pairs of 64-bit codes within a radius: this project's join, and FAISS in the same run.

    .venv/bin/python -m bench.similar_codes [--entries N] [--queries N] [--radius R]
        [--pictures FOLDER] [--peers VENV|none] [--runs N]

Half of the queries are entries with exactly R bits flipped; all of them must be found. Codes are
random, or with --pictures those of all pictures below a folder, grown to N by flipping bits.
Prints queries a CPU second (medians of the runs), candidates, and bytes an entry. The peers get
fewer queries, since they take long; FAISS runs on one thread.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.peer_venv import made
from registry import fingerprint
from registry.errors import RegistryError
from registry.matching import brute
from registry.matching.code_join import CodeJoin
from registry.matching.code_tables import CodeTables, build, near, plan

HERE = Path(__file__).parent
ENDINGS = {".png", ".jpg", ".jpeg", ".gif", ".webp"}
# Most bits in which a grown code differs from that of its picture.
APART = 12
# Queries that are compared with every entry, and for each peer.
COMPARED, FLAT, MULTIHASH = 200, 500, 1000

Codes = npt.NDArray[np.uint64]


def flipped(codes: Codes, bits: npt.NDArray[np.int64], rng: np.random.Generator) -> Codes:
    """Return codes that differ from these in so many bits each."""
    order = rng.permuted(np.broadcast_to(np.arange(64), (len(codes), 64)), axis=1)
    masks = np.where(np.arange(64) < bits[:, None], np.uint64(1) << order.astype(np.uint64), 0)
    changed: Codes = codes ^ np.bitwise_or.reduce(masks, axis=1)
    return changed


def of_pictures(folder: Path) -> Codes:
    """Return the distinct codes of all pictures below a folder that have one."""
    codes = set()
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in ENDINGS and path.is_file():
            try:
                prints = fingerprint(path.read_bytes()).fingerprints
            except (RegistryError, OSError):
                continue
            codes |= {int(code, 16) for code in prints.get("phash64", {}).values()}
    return np.array(sorted(codes), np.uint64)


def grown(centres: Codes, count: int, rng: np.random.Generator) -> Codes:
    """Return so many codes around those of pictures."""
    parts = []
    for first in range(0, count, 1 << 20):
        size = min(1 << 20, count - first)
        bits = rng.integers(0, APART + 1, size)
        parts.append(flipped(centres[rng.integers(0, len(centres), size)], bits, rng))
    return np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class Made:
    """Entries, distinct queries, and for those that were planted the code they came from."""

    entries: Codes
    queries: Codes
    planted: Codes
    sources: Codes


def make(options: argparse.Namespace) -> Made:
    """Return the codes of a run."""
    rng = np.random.default_rng(17)
    if options.pictures:
        centres = of_pictures(options.pictures)
        print(f"{len(centres):,} codes of pictures in {options.pictures}")
        entries = grown(centres, options.entries, rng)
        others = grown(centres, options.queries // 2, rng)
    else:
        entries = rng.integers(0, 2**64, options.entries, np.uint64)
        others = rng.integers(0, 2**64, options.queries // 2, np.uint64)
    entries = np.unique(entries)
    sources = entries[rng.integers(0, len(entries), options.queries - len(others))]
    planted = flipped(sources, np.full(len(sources), options.radius), rng)
    return Made(entries, np.unique(np.concatenate([planted, others])), planted, sources)


def joined(tables: CodeTables, codes: Made, radius: int) -> tuple[float, float, int, int]:
    """Return CPU and wall seconds, pairs and planted pairs found."""
    cpu, wall = time.process_time(), time.perf_counter()
    pairs, found = 0, np.zeros(len(codes.queries), bool)
    for query, row, _ in CodeJoin(tables, codes.queries, radius).pairs():
        pairs += len(query)
        found[query] |= codes.queries[query] != codes.entries[row]
    spent = time.process_time() - cpu, time.perf_counter() - wall
    places = np.searchsorted(codes.queries, codes.planted)
    return *spent, pairs, int((found[places] | (radius == 0)).sum())


def candidates(tables: CodeTables, queries: Codes, radius: int) -> float:
    """Return how many entries are compared with a query, on average of some."""
    total = 0
    for one in plan(tables, radius) or ():
        keys = one.table.keys(queries)
        for mask in one.masks.tolist():
            buckets = keys ^ mask
            total += int((one.table.starts[buckets + 1] - one.table.starts[buckets]).sum())
    return total / len(queries)


def check(tables: CodeTables, codes: Made, radius: int, rng: np.random.Generator) -> None:
    """Compare some answers with brute force; raise SystemExit for a difference."""
    some = rng.choice(codes.queries, COMPARED, replace=False)
    _, row, _ = brute.in_order(brute.join(codes.entries, some, radius))
    ours = [np.sort(near(tables, int(code), radius)[0]) for code in some]
    made_of = CodeJoin(tables, np.unique(some), radius).pairs()
    if len(row) != sum(map(len, ours)) or len(row) != sum(len(pairs[0]) for pairs in made_of):
        raise SystemExit("error: pairs were missed")


def peer(place: Path, codes: Made, radius: int, kind: str, count: int) -> dict[str, Any]:
    """Return what a peer took for some of the queries."""
    with tempfile.TemporaryDirectory() as folder:
        entries, queries = Path(folder) / "entries.npy", Path(folder) / "queries.npy"
        np.save(entries, codes.entries)
        rng = np.random.default_rng(1)
        np.save(queries, rng.choice(codes.queries, count, replace=False))
        command = [place / "bin" / "python", HERE / "ask_faiss.py", entries, queries]
        output = subprocess.run([*command, str(radius), kind], check=True, stdout=subprocess.PIPE)
    return dict(json.loads(output.stdout))


def show_peers(place: Path, codes: Made, radius: int, ours: float) -> None:
    """Print a line about each peer."""
    for kind, count in (("flat", FLAT), ("multihash", MULTIHASH)):
        took = peer(place, codes, radius, kind, count)
        rate = count / took["search"]
        print(
            f"FAISS {kind:10} {rate:12,.0f} queries a CPU second  build {took['build']:6.1f} s CPU"
            f"  peak {took['peak']:,.0f} MB  ({ours / rate:,.0f} x slower)",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=1_000_000)
    parser.add_argument("--radius", type=int, default=8)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    parser.add_argument("--peers", default="", metavar="VENV|none")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    codes = make(options)
    started = time.process_time()
    tables = build(codes.entries)
    built = time.process_time() - started
    size = sum(t.starts.nbytes + t.codes.nbytes + t.rows.nbytes for t in tables)
    check(tables, codes, options.radius, np.random.default_rng(2))
    runs = [joined(tables, codes, options.radius) for _ in range(options.runs)]
    cpu, wall = (statistics.median(run[i] for run in runs) for i in (0, 1))
    if runs[0][3] != len(codes.planted):
        raise SystemExit(f"error: {runs[0][3]:,} of {len(codes.planted):,} were found")
    rate, tried = len(codes.queries) / cpu, candidates(tables, codes.queries[:2000], options.radius)
    print(
        f"{len(codes.entries):,} entries, {len(codes.queries):,} queries, radius {options.radius}:"
        f" {runs[0][2]:,} pairs, all that were planted\n"
        f"this project     {rate:12,.0f} queries a CPU second  build {built:6.1f} s CPU"
        f"  {size / len(codes.entries):.1f} bytes an entry\n"
        f"                 {len(codes.queries) / wall:12,.0f} queries a second of all cores"
        f"  {tried:,.0f} candidates, {1e9 * cpu / len(codes.queries) / max(tried, 1):.1f} ns each",
        flush=True,
    )
    if options.peers != "none":
        place = Path(options.peers) if options.peers else made(HERE / "peers_scale.txt")
        show_peers(place, codes, options.radius, rate)


if __name__ == "__main__":
    main()

"""`registry check` of N rows of precomputed hashes against a registry of bench.large_registry.

    .venv/bin/python -m bench.check_codes FOLDER [--rows N] [--distance R] [--runs N]

Half of the rows have a recorded hash with exactly R bits flipped; the benchmark fails unless all
of them are found. The others are random. The whole command is measured: Parquet to the counts of
outcomes, with the entries that count for each hash. Prints medians and the command's own memory
(without the snapshot's mapped pages).
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.check_urls import check
from bench.similar_codes import flipped

MADE_AT_ONCE = 1 << 20


def write_rows(path: Path, rows: int, recorded: Path, distance: int) -> int:
    """Write the rows, and return how many are near a recorded one."""
    rng = np.random.default_rng(7)
    texts = pq.read_table(recorded, columns=["phash64"])["phash64"].to_pylist()
    codes = np.array([int(text, 16) for text in texts], np.uint64)
    planted = 0
    with pq.ParquetWriter(path, pa.schema([("phash64", pa.string())])) as writer:
        for first in range(0, rows, MADE_AT_ONCE):
            size = min(MADE_AT_ONCE, rows - first)
            near = codes[rng.integers(0, len(codes), size // 2)]
            made = flipped(near, np.full(len(near), distance), rng)
            others = rng.integers(0, 2**64, size - len(made), np.uint64)
            both = rng.permutation(np.concatenate([made, others]))
            writer.write_table(pa.table({"phash64": [f"{code:016x}" for code in both.tolist()]}))
            planted += len(made)
    return planted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--distance", type=int, default=8)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    folder = options.folder
    rows = folder / f"codes-{options.rows}-{options.distance}.parquet"
    planted = write_rows(rows, options.rows, folder / "list.parquet", options.distance)
    more = ("--distance", str(options.distance))
    took = [check(rows, folder / "snapshot", folder / "home", *more) for _ in range(options.runs)]
    found = took[0].report["matched_by"]["fingerprint"]  # type: ignore[index]
    if found < planted:
        raise SystemExit(f"error: {found:,} of {planted:,} were found")
    wall, cpu = statistics.median(t.seconds for t in took), statistics.median(t.cpu for t in took)
    print(f"{options.rows:,} rows within {options.distance} bits: {planted:,} planted, all found")
    print(f"found by chance {found - planted:,}")
    print(
        f"registry check  {wall:6.2f} s  {options.rows / wall:12,.0f} rows/s  CPU {cpu:6.2f} s"
        f" ({options.rows / cpu:,.0f} a CPU second)  own memory {max(t.own for t in took):,.0f} MB"
    )


if __name__ == "__main__":
    main()

"""`registry check` of 1,000,000 rows of URLs and 16-hex hashes against 100,000 imported entries.

    .venv/bin/python -m bench.check_million [--rows N] [--entries N] [--runs N]

Everything runs through the installed commands: import, snapshot, check. Prints
the rate and the peak memory of the check alone and the time of a bare pass over the
same file, and verifies the outcomes against the known truth.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COMMAND = Path(sys.executable).parent / "registry"
HEX = "%016x"


def phash_like(rng: random.Random) -> int:
    """Return 64 bits with 32 set, the first among them, as imagehash.phash gives."""
    code = 1 << 63
    for bit in rng.sample(range(63), 31):
        code |= 1 << bit
    return code


def flipped(code: int, bits: int, rng: random.Random) -> int:
    """Return a code that differs in exactly `bits` bits."""
    for bit in rng.sample(range(64), bits):
        code ^= 1 << bit
    return code


def write_entries(path: Path, count: int, rng: random.Random) -> list[int]:
    """Write a list of entries to import and return their codes."""
    codes = [phash_like(rng) for _ in range(count)]
    table = pa.table(
        {
            "url": [f"https://art{i % 997}.example/works/{i}.jpg" for i in range(count)],
            "phash64": [HEX % code for code in codes],
            "signal": ["noai"] * count,
            "observed_at": ["2026-11-01T00:00:00Z"] * count,
        }
    )
    pq.write_table(table, path)
    return codes


def write_dataset(path: Path, rows: int, codes: list[int], rng: random.Random) -> dict[str, int]:
    """Write a dataset: 2 % registered URLs, 3 % near copies elsewhere, the rest unrelated."""
    truth = {"url": 0, "fingerprint": 0}
    schema = pa.schema([("url", pa.string()), ("caption", pa.string()), ("phash", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, 100_000):
            urls, hashes = [], []
            for row in range(start, min(start + 100_000, rows)):
                draw, entry = rng.random(), rng.randrange(len(codes))
                url = f"https://site{rng.randrange(50_000)}.example/{row}/picture.jpg?w=640"
                code = phash_like(rng)
                if draw < 0.02:
                    url = f"https://art{entry % 997}.example/works/{entry}.jpg"
                    truth["url"] += 1
                elif draw < 0.05:
                    code = flipped(codes[entry], rng.randrange(5), rng)
                    truth["fingerprint"] += 1
                urls.append(url)
                hashes.append(HEX % code)
            captions = ["a picture of something on a page"] * len(urls)
            writer.write_table(pa.table([urls, captions, hashes], schema=schema))
    return truth


def run(*arguments: str, home: Path, expect: int = 0) -> tuple[str, float, float]:
    """Run a command; return its stdout, seconds, and its peak memory in MB."""
    environment = {**os.environ, "REGISTRY_HOME": str(home)}
    environment.pop("REGISTRY_DATABASE_URL", None)
    started = time.perf_counter()
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != expect:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
    return output, time.perf_counter() - started, usage.ru_maxrss / 1024


def bare_pass(path: Path) -> float:
    """Return the seconds that decoding the two columns alone takes."""
    started = time.perf_counter()
    with pq.ParquetFile(path) as file:
        for _ in file.iter_batches(columns=["url", "phash"]):
            pass
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    rng = random.Random(2)
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        here = Path(folder)
        codes = write_entries(here / "entries.parquet", options.entries, rng)
        truth = write_dataset(here / "dataset.parquet", options.rows, codes, rng)
        registry = str(COMMAND)
        run(registry, "init", home=here)
        _, seconds, _ = run(registry, "import", str(here / "entries.parquet"), home=here)
        print(f"import    {options.entries:>10,} entries  {seconds:7.1f} s")
        snapshot = str(here / "snapshot")
        _, seconds, _ = run(registry, "snapshot", "build", "--out", snapshot, home=here)
        print(f"snapshot  {options.entries:>10,} entries  {seconds:7.1f} s")
        times, peaks = [], []
        arguments = [registry, "check", str(here / "dataset.parquet"), "--snapshot", snapshot]
        for _ in range(options.runs):
            output, seconds, peak = run(*arguments, "--json", home=here, expect=1)
            times.append(seconds)
            peaks.append(peak)
        report = json.loads(output)
        assert report["matched_by"]["url"] == truth["url"], report
        extra = report["matched_by"]["fingerprint"] - truth["fingerprint"]
        assert extra >= 0, report
        median, bare = float(np.median(times)), bare_pass(here / "dataset.parquet")
        rate = f"{options.rows / median:,.0f} rows/s"
        print(f"check     {options.rows:>10,} rows     {median:7.1f} s  {rate}")
        print(f"          peak memory {max(peaks):,.0f} MB; time: median of {options.runs}")
        print(f"          bare pass over the two columns {bare:.2f} s")
        expected = report["expected_chance_matches"]
        print(f"          found {truth} and {extra} rows by chance ({expected:.3g} expected)")


if __name__ == "__main__":
    main()

"""Look-ups in a registry of bench.large_registry: from the shell, and in one process.

    .venv/bin/python -m bench.look_up FOLDER [--times N]

From the shell: `registry lookup` of a hash and of a URL, the first time (the pages of the snapshot
are not in memory) and again (median). In one process: how long opening takes, and the median and
99th percentile of look-ups by hash within 8 bits, by URL, and by digest: the first time each place
of the snapshot is read from disk and verified, and once it is in memory. A URL's look-up includes
those of its picture, by picture and within 8 bits; one in a table is that of the table alone.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.import_lists import COMMAND
from registry.index import Index
from registry.lookups import lookup
from registry.snapshot.opened import open_snapshot
from registry.urls.columns import key_column


def forget(folder: Path) -> None:
    """Ask the kernel to drop the pages of all files in a folder."""
    for path in folder.resolve().rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


def shell(folder: Path, target: str) -> float:
    """Return the seconds of one `registry lookup`."""
    environment = {**os.environ, "REGISTRY_HOME": str(folder / "home")}
    command = [str(COMMAND), "lookup", target, "--snapshot", str(folder / "snapshot")]
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"registry lookup ended with {done.returncode}")
    return time.perf_counter() - started


def timed(name: str, ask: Callable[[str], object], targets: Sequence[str]) -> None:
    """Print the times of some look-ups in this process."""
    seconds = []
    for target in targets:
        started = time.perf_counter()
        ask(target)
        seconds.append(1000 * (time.perf_counter() - started))
    ranked = sorted(seconds)
    middle, high = statistics.median(ranked), ranked[int(0.99 * len(ranked))]
    print(f"{name:32} median {middle:7.2f} ms  p99 {high:7.2f} ms  first {seconds[0]:7.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=1000)
    options = parser.parse_args()
    rng = random.Random(3)
    table = pq.read_table(options.folder / "list.parquet", columns=["url", "phash64"])
    rows = [rng.randrange(len(table)) for _ in range(options.times)]
    urls, codes = ([table[name][row].as_py() for row in rows] for name in ("url", "phash64"))
    near = [f"{int(code, 16) ^ 0b10010001:016x}" for code in codes]
    for name, target in (("hash", near[0]), ("URL", urls[0])):
        forget(options.folder / "snapshot")
        cold = shell(options.folder, target)
        warm = statistics.median(shell(options.folder, target) for _ in range(7))
        print(f"registry lookup {name:8} cold {cold:.2f} s  warm {warm:.2f} s", flush=True)
    started = time.perf_counter()
    snapshot = open_snapshot(options.folder / "snapshot")
    opened = time.perf_counter() - started
    os.environ["REGISTRY_HOME"] = str(options.folder / "home")
    index = Index(snapshot, "cautious")
    whole = time.perf_counter() - started
    print(f"open {1000 * opened:.1f} ms, with an index {1000 * whole:.1f} ms")

    def ask(target: str) -> object:
        return lookup(index, target)

    def place(url: str) -> object:
        return index.all_at(index.places(key_column(pa.array([url]))))

    digests = [f"{rng.getrandbits(128):032x}" for _ in rows]
    forget(options.folder / "snapshot")
    for times in ("", ", again"):
        timed(f"by hash, within 8 bits{times}", ask, near)
        timed(f"by URL{times}", ask, urls)
        timed(f"by URL that is not there{times}", ask, [f"{url}.png" for url in urls])
        timed(f"by URL in the table{times}", place, urls)
        timed(f"by digest{times}", ask, digests)


if __name__ == "__main__":
    main()

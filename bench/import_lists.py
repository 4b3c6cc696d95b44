"""`registry import` of a list of N rows, as Parquet and as CSV, into an empty embedded registry.

    .venv/bin/python -m bench.import_lists [--rows N] [--formats parquet,csv]

Each list is imported through the installed command, then once more. Prints the rate, the CPU time
of the command and of the server for each row, and the peak memory of the command; checks the
counts of the first import, and that the second adds nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from registry.db.embedded import embedded_server
from registry.db.server_setup import find_setup

COMMAND = Path(sys.executable).parent / "registry"
MADE_AT_ONCE = 100_000
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Measured:
    """One import: what it printed, its seconds, CPU seconds of command and server, peak MB."""

    counts: dict[str, Any]
    seconds: float
    command_cpu: float
    server_cpu: float
    peak: float


def tables(rows: int) -> Iterator[pa.Table]:
    """Yield a list of opt-outs in pieces: URL, fingerprint, mark and time of each picture."""
    rng = np.random.default_rng(17)
    for start in range(0, rows, MADE_AT_ONCE):
        numbers = np.arange(start, min(start + MADE_AT_ONCE, rows))
        codes = rng.integers(1 << 63, (1 << 64) - 2, len(numbers), np.uint64, endpoint=True)
        yield pa.table(
            {
                "url": [f"https://art{n % 50_021}.example/works/{n}/picture.jpg" for n in numbers],
                "phash64": [f"{code:016x}" for code in codes.tolist()],
                "signal": ["noai"] * len(numbers),
                "observed_at": [f"2026-{n % 11 + 1:02}-01T00:00:00Z" for n in numbers],
            }
        )


def write(path: Path, rows: int) -> None:
    """Write the list in the format that the name of the file ends with."""
    pieces = tables(rows)
    first = next(pieces)
    kind = pa_csv.CSVWriter if path.suffix == ".csv" else pq.ParquetWriter
    with kind(path, first.schema) as writer:
        writer.write_table(first)
        for piece in pieces:
            writer.write_table(piece)


def server_cpu(data: Path) -> float:
    """Return the CPU seconds of the server with this data folder, and of all its processes."""
    server = (data / "postmaster.pid").read_text().partition("\n")[0]
    seconds = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if stat.parent.name == server:
            # With its children that have ended.
            seconds += sum(map(int, fields[11:15])) / TICKS
        elif fields[1] == server:
            seconds += sum(map(int, fields[11:13])) / TICKS
    return seconds


def imported(path: Path, home: Path, data: Path) -> Measured:
    """Import a list with the installed command."""
    environment = {**os.environ, "REGISTRY_HOME": str(home)}
    environment.pop("REGISTRY_DATABASE_URL", None)
    before, started = server_cpu(data), time.perf_counter()
    command = [COMMAND, "import", "--json", path]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"registry import ended with {process.returncode}")
    return Measured(
        json.loads(output),
        time.perf_counter() - started,
        usage.ru_utime + usage.ru_stime,
        server_cpu(data) - before,
        usage.ru_maxrss / 1024,
    )


def show(name: str, rows: int, measured: Measured) -> None:
    """Print one line about an import."""
    print(
        f"{name:16} {measured.seconds:7.1f} s  {rows / measured.seconds:9,.0f} rows/s"
        f"  CPU a row: command {measured.command_cpu / rows * 1e6:5.1f} µs,"
        f" server {measured.server_cpu / rows * 1e6:5.1f} µs"
        f"  peak memory of the command {measured.peak:,.0f} MB",
        flush=True,
    )


def bench(path: Path, rows: int, home: Path) -> None:
    """Import a list twice into a new registry; raise SystemExit for wrong counts."""
    environment = {**os.environ, "REGISTRY_HOME": str(home)}
    environment.pop("REGISTRY_DATABASE_URL", None)
    with embedded_server(home):
        subprocess.run([COMMAND, "init"], env=environment, check=True)
        data = find_setup(home).data
        for name, added in (("first", rows), ("again", 0)):
            measured = imported(path, home, data)
            show(f"{path.suffix[1:]} {name}", rows, measured)
            counts = {key: measured.counts[key] for key in ("read", "added", "already", "bad_rows")}
            right = {"read": rows, "added": added, "already": rows - added, "bad_rows": 0}
            if counts != right:
                raise SystemExit(f"counts are {counts}, not {right}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--formats", default="parquet,csv")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        for suffix in options.formats.split(","):
            path = Path(folder) / f"list.{suffix}"
            write(path, options.rows)
            bench(path, options.rows, Path(folder) / suffix)
            path.unlink()


if __name__ == "__main__":
    main()

"""A registry of N imported entries and 100,000 site rules: import, snapshots, their sizes.

    .venv/bin/python -m bench.large_registry FOLDER [--entries N] [--sites N]

Everything runs through the installed commands on an embedded PostgreSQL: the import of a Parquet
list, a snapshot from nothing, 1 % more entries, a snapshot after that. Prints seconds, CPU of
command and server, peak memory of the command, and the bytes of the snapshot by kind of file.
FOLDER keeps the registry (`home`), the list, and the newest snapshot (`snapshot`), for the
benchmarks of look-ups and checks.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.import_lists import COMMAND, server_cpu, write
from registry.db.embedded import embedded_server
from registry.db.server_setup import find_setup


@dataclass(frozen=True, slots=True)
class Took:
    """One command: its output, seconds, CPU seconds of command and server, peak MB."""

    output: str
    seconds: float
    cpu: float
    server: float
    peak: float


def run(*arguments: object, home: Path, data: Path | None = None, code: int = 0) -> Took:
    """Run an installed command to its end; raise SystemExit for another exit code."""
    environment = {**os.environ, "REGISTRY_HOME": str(home)}
    environment.pop("REGISTRY_DATABASE_URL", None)
    before, started = server_cpu(data) if data else 0.0, time.perf_counter()
    command = [str(COMMAND), *map(str, arguments)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    server = server_cpu(data) - before if data else 0.0
    cpu = usage.ru_utime + usage.ru_stime
    return Took(output, time.perf_counter() - started, cpu, server, usage.ru_maxrss / 1024)


def show(name: str, took: Took) -> None:
    """Print one line about a command."""
    print(
        f"{name:32} {took.seconds:7.1f} s  CPU: command {took.cpu:6.1f} s, "
        f"server {took.server:6.1f} s  peak memory {took.peak:,.0f} MB",
        flush=True,
    )


def write_sites(path: Path, count: int) -> None:
    """Write a list of claims about sites."""
    hosts = [f"closed{number}.example" for number in range(count)]
    patterns = ["/art/" if number % 2 else None for number in range(count)]
    columns = {"site": hosts, "path_pattern": patterns, "signal": ["noai"] * count}
    pq.write_table(pa.table(columns), path)


def write_more(path: Path, entries: int) -> None:
    """Write 1 % more entries."""
    count = entries // 100
    urls = [f"https://new{n % 997}.example/works/{n}.jpg" for n in range(count)]
    codes = [f"{0x9E3779B97F4A7C15 * (n + 1) % 2**64:016x}" for n in range(count)]
    pq.write_table(pa.table({"url": urls, "phash64": codes, "signal": ["noai"] * count}), path)


def sizes(folder: Path, entries: int) -> None:
    """Print the bytes of a snapshot by kind of file, for each entry."""
    totals = Counter[str]()
    for path in folder.rglob("*"):
        if path.is_file():
            place = path.relative_to(folder)
            kind = path.name.rsplit("-", 2)[0] if path.suffix == ".arrow" else path.name
            totals[f"{place.parts[0]}: {kind}"] += path.stat().st_size
    print(f"snapshot: {sum(totals.values()) / entries:.1f} bytes an entry")
    for name, size in totals.most_common(12):
        print(f"  {name:32} {size / entries:8.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--sites", type=int, default=100_000)
    options = parser.parse_args()
    folder, entries = options.folder, options.entries
    folder.mkdir(parents=True)
    os.chmod(folder, 0o755)
    home = folder / "home"
    write(folder / "list.parquet", entries)
    write_sites(folder / "sites.parquet", options.sites)
    write_more(folder / "more.parquet", entries)
    with embedded_server(home):
        run("init", home=home)
        data = find_setup(home).data
        for name in ("list", "sites"):
            took = run("import", "--json", folder / f"{name}.parquet", home=home, data=data)
            rows = json.loads(took.output)["added"]
            show(f"import {rows:,} ({name})", took)
        show("snapshot from nothing", run("snapshot", "build", home=home, data=data))
        took = run("snapshot", "build", "--if-changed", home=home, data=data)
        show("snapshot --if-changed, unchanged", took)
        run("import", folder / "more.parquet", home=home)
        show("snapshot after 1 % more", run("snapshot", "build", home=home, data=data))
    newest = home / "snapshots" / "000002"
    (folder / "snapshot").symlink_to(newest)
    sizes(newest, entries + entries // 100)


if __name__ == "__main__":
    main()

"""`registry check` of N rows of URLs against a registry of bench.large_registry, beside DuckDB.

    .venv/bin/python -m bench.check_urls FOLDER [--rows N] [--sites N] [--runs N]
        [--formats parquet csv jsonl] [--peers VENV|none]

2 % of the rows are recorded, 1 % are on a site with a rule, the others are further pictures of the
sites that the recorded ones are on (elsewhere in the alphabet, the least and the largest recorded
URL would spare a database most of the work). The check goes from the file to the counts of
outcomes, with the normal form of URLs and the rules of N sites; DuckDB makes its bare semi-join of
the same file with the list in Parquet, as text. Both use all cores. Prints medians, the check's
own memory (without the snapshot's mapped pages), and compares the counts with the truth.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.import_lists import COMMAND
from bench.peer_venv import made

HERE = Path(__file__).parent
MADE_AT_ONCE = 500_000
# DuckDB's function for each format.
READ = {".parquet": "read_parquet", ".csv": "read_csv", ".jsonl": "read_json"}
DUCKDB = """
import duckdb, json, resource, sys, time
rows, entries, read = sys.argv[1:]
duckdb.execute("SET enable_progress_bar = false")
started = time.perf_counter()
sql = f"SELECT count(*) FROM {read}(?) AS d SEMI JOIN read_parquet(?) AS e ON d.url = e.url"
found = duckdb.execute(sql, [rows, entries]).fetchone()[0]
seconds = time.perf_counter() - started
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"found": found, "seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime,
                  "peak": usage.ru_maxrss / 1024}))
"""


@dataclass(frozen=True, slots=True)
class Took:
    """One check: its report, seconds, CPU seconds, and the peak of its own memory in MB."""

    report: dict[str, object]
    seconds: float
    cpu: float
    own: float


def write_rows(path: Path, rows: int, entries: int, sites: int) -> dict[str, int]:
    """Write the rows, and return how many are recorded, and how many on a site with a rule."""
    rng = np.random.default_rng(5)
    truth = {"url": 0, "site": 0}
    with pq.ParquetWriter(path, pa.schema([("url", pa.string())])) as writer:
        for start in range(0, rows, MADE_AT_ONCE):
            numbers = np.arange(start, min(start + MADE_AT_ONCE, rows))
            draws = rng.random(len(numbers))
            entry = rng.integers(0, entries, len(numbers))
            urls = [
                f"https://art{e % 50_021}.example/works/{e}/picture.jpg"
                if draw < 0.02
                else f"https://closed{e % sites}.example/art/{n}.jpg"
                if draw < 0.03
                else f"https://art{n % 90_001}.example/archive/{n}/picture.jpg?w=640"
                for draw, e, n in zip(draws.tolist(), entry.tolist(), numbers.tolist(), strict=True)
            ]
            truth["url"] += int((draws < 0.02).sum())
            truth["site"] += int(((draws >= 0.02) & (draws < 0.03)).sum())
            writer.write_table(pa.table({"url": urls}))
    return truth


def written_as(kind: str, rows: Path) -> Path:
    """Return the rows in another format."""
    path = rows.with_suffix(f".{kind}")
    if kind == "parquet":
        return path
    with open(path, "wb") as file:
        for batch in pq.ParquetFile(rows).iter_batches(MADE_AT_ONCE):
            urls = batch.column(0).to_pylist()
            start, end = ('{"url": "', '"}\n') if kind == "jsonl" else ("", "\n")
            if kind == "csv" and not file.tell():
                file.write(b"url\n")
            file.write("".join(f"{start}{url}{end}" for url in urls).encode())
    return path


def check(rows: Path, snapshot: Path, home: Path, *more: str) -> Took:
    """Check the rows with the installed command."""
    environment = {**os.environ, "REGISTRY_HOME": str(home)}
    command = [str(COMMAND), "check", str(rows), "--snapshot", str(snapshot), "--json", *more]
    started = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        watch = OwnMemory(process.pid)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.stop()
    if process.returncode not in (0, 1, 3):
        raise SystemExit(f"registry check ended with {process.returncode}")
    seconds = time.perf_counter() - started
    return Took(json.loads(output), seconds, usage.ru_utime + usage.ru_stime, watch.peak)


class OwnMemory:
    """Watches the memory of a process that no file is behind."""

    def __init__(self, pid: int) -> None:
        """Start to watch."""
        self.peak = 0.0
        self._status = Path(f"/proc/{pid}/status")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            with suppress(OSError, StopIteration):
                lines = self._status.read_text().splitlines()
                line = next(line for line in lines if line.startswith("RssAnon:"))
                self.peak = max(self.peak, int(line.split()[1]) / 1024)


def duckdb(place: Path, rows: Path, entries: Path) -> dict[str, float]:
    """Return what DuckDB took for its semi-join."""
    words = [place / "bin" / "python", "-c", DUCKDB, rows, entries, READ[rows.suffix]]
    command = [str(word) for word in words]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return dict(json.loads(output))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sites", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--formats", nargs="+", default=["parquet"])
    parser.add_argument("--peers", default="", metavar="VENV|none")
    options = parser.parse_args()
    folder = options.folder
    entries = pq.read_metadata(folder / "list.parquet").num_rows
    rows = folder / f"urls-{options.rows}.parquet"
    truth = write_rows(rows, options.rows, entries, options.sites)
    print(f"{options.rows:,} rows, {entries:,} entries; to be found {truth}")
    place = Path(options.peers) if options.peers else made(HERE / "peers_scale.txt")
    for kind in options.formats:
        path = written_as(kind, rows)
        ours, theirs = [], []
        # One after the other, so that both meet the same machine.
        for _ in range(options.runs):
            ours.append(check(path, folder / "snapshot", folder / "home"))
            if options.peers != "none":
                theirs.append(duckdb(place, path, folder / "list.parquet"))
        found = {way: ours[0].report["matched_by"][way] for way in truth}  # type: ignore[index]
        if found != truth or (theirs and theirs[0]["found"] != truth["url"]):
            raise SystemExit(f"error: found {found}, not {truth}")
        report(kind, options.rows, ours, theirs)
        if path != rows:
            path.unlink()


def report(
    kind: str, rows: int, ours: Sequence[Took], theirs: Sequence[Mapping[str, float]]
) -> None:
    """Print the medians of some runs."""
    wall = statistics.median(one.seconds for one in ours)
    cpu = statistics.median(one.cpu for one in ours)
    print(
        f"{kind:<8}registry check  {wall:6.2f} s  {rows / wall:12,.0f} rows/s  CPU {cpu:6.2f} s"
        f" ({1e6 * cpu / rows:.2f} µs a row)  own memory {max(o.own for o in ours):,.0f} MB"
    )
    if theirs:
        theirs_wall = statistics.median(one["seconds"] for one in theirs)
        theirs_cpu = statistics.median(one["cpu"] for one in theirs)
        print(
            f"{'':8}DuckDB          {theirs_wall:6.2f} s  {rows / theirs_wall:12,.0f} rows/s"
            f"  CPU {theirs_cpu:6.2f} s  peak memory {max(one['peak'] for one in theirs):,.0f} MB"
        )
        print(
            f"{'':8}ratio           {theirs_wall / wall:.2f} x wall, {theirs_cpu / cpu:.2f} x CPU"
        )


if __name__ == "__main__":
    main()

"""Every reader on hostile texts: the worst time and memory of each, by carrier.

    .venv/bin/python -m bench.hostile [--size N] [--only READER]

Each pair of reader and carrier runs in a process of its own, which reads all texts of
`bench.hostile_texts` one after the other. Prints for the worst texts the seconds of
processor time, and the megabytes of the process at its peak, the text included, above those
of an idle one with the readers imported; then all texts over 1 s or 200 MB, and fails
if there are any. Needs Linux, where a process can reset its peak.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from bench.hostile_texts import cases, pairs
from registry.signals import readers

SIZE = 5_000_000
MAX_SECONDS = 1.0
MAX_MEGABYTES = 200.0


def kilobytes(field: str) -> int:
    """Return a figure of this process's memory: `VmHWM` is the peak, `VmRSS` the present use."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise LookupError(field)


def measure(reader: str, carrier: str, size: int) -> None:
    """Print one JSON line for each text: its name, seconds, megabytes, signals and warnings."""
    read = readers()[reader].read
    idle = kilobytes("VmRSS")
    for name, piece in cases(reader, carrier, size):
        text = sum(len(value) for _, value in piece.lines) + len(piece.text)
        # The peak is reset, so that making the text does not count.
        Path("/proc/self/clear_refs").write_text("5", "ascii")
        started = time.process_time()
        reading = read(piece)
        seconds = time.process_time() - started
        megabytes = (kilobytes("VmHWM") - idle) / 1024
        found = len(reading.signals), len(reading.warnings)
        print(json.dumps([name, text, seconds, megabytes, *found]), flush=True)


def measured(reader: str, carrier: str, size: int) -> list[tuple[str, float, float]]:
    """Return (text, seconds, megabytes) of all texts, from a process of its own."""
    command = [sys.executable, "-m", "bench.hostile", "--size", str(size)]
    done = subprocess.run(
        [*command, "--measure", reader, carrier], capture_output=True, text=True, check=True
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [(name, seconds, megabytes) for name, _, seconds, megabytes, _, _ in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--only", help="one reader")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(*options.measure, options.size)
        return
    over = []
    print("| reader | carrier | texts | seconds | of | MB | of |\n|" + " --- |" * 7)
    for reader, carrier in pairs():
        if options.only not in {None, reader}:
            continue
        rows = measured(reader, carrier, options.size)
        slow = max(rows, key=lambda row: row[1])
        large = max(rows, key=lambda row: row[2])
        figures = f"{slow[1]:.2f} | `{slow[0]}` | {large[2]:.0f} | `{large[0]}`"
        print(f"| {reader} | {carrier} | {len(rows)} | {figures} |", flush=True)
        over += [
            f"{reader}, {carrier}: {name}: {seconds:.2f} s, {megabytes:.0f} MB"
            for name, seconds, megabytes in rows
            if seconds > MAX_SECONDS or megabytes > MAX_MEGABYTES
        ]
    print("\n".join(["", f"{len(over)} over {MAX_SECONDS:g} s or {MAX_MEGABYTES:g} MB", *over]))
    sys.exit(bool(over))


if __name__ == "__main__":
    main()

"""The conformance vectors through this project and two published readers of marks.

    .venv/bin/python -m bench.compare_readers [--peers VENV] [--runs N]

The peers are datadiligence and img2dataset, run by bench/ask_peers.py in a virtual
environment of their own: VENV, or one made in the user's cache from bench/peers.txt.
Each gets the input that it would have in reality: the header lines of the image's
response, a JPEG that holds the metadata, an answer of Spawning's API.
Writes the tables of docs/comparison.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import runpy
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.comparison_tables import (
    PEERS,
    PLAIN,
    Case,
    Vector,
    by_vocabulary,
    disputes,
    remarks,
    shares,
    table,
)
from bench.peer_venv import made
from registry import __version__
from registry.explain.evidence_lines import answer
from registry.explain.selftest import load, shipped
from registry.model import Evidence, Target
from registry.signals import read
from registry.verdict import decide
from registry.verdict.site_rules import applicable

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "comparison.md"
START, END = "<!-- measured: from here -->\n", "<!-- measured: to here -->\n"
REFUSED = ("reserved", "conditional")
BATCH = 20


def with_packet(picture: bytes, packet: str) -> bytes:
    """Return a JPEG with an XMP packet; raise ValueError if one segment cannot hold it."""
    content = b"http://ns.adobe.com/xap/1.0/\0" + packet.encode("utf-8")
    if len(content) > 65533:
        raise ValueError("longer than a segment")
    return picture[:2] + b"\xff\xe1" + (len(content) + 2).to_bytes(2) + content + picture[2:]


class Pictures:
    """Makes the files for the vectors of file metadata."""

    def __init__(self) -> None:
        tools = runpy.run_path(str(ROOT / "tests" / "signing.py"))
        self._signed, self._signer = tools["signed"], tools["new_signer"]()
        self._plain: bytes = tools["picture"]("JPEG")

    def of(self, vector: Vector) -> bytes | None:
        """Return the file, None if there is none; raise ValueError if it cannot be made."""
        if vector["kind"] == "xmp":
            return with_packet(self._plain, vector["input"])
        if vector["kind"] != "c2pa-json":
            return None
        found = json.loads(vector["input"])
        if not isinstance(found, dict) or list(found) != ["assertions"]:
            raise ValueError("no plain list of assertions")
        try:
            return bytes(self._signed("JPEG", *found["assertions"], signer=self._signer))
        except Exception as error:  # the native library's errors have no common class
            raise ValueError(f"cannot be signed: {error}") from error


def given_of(vector: Vector, pictures: Pictures, folder: Path) -> dict[str, Any]:
    """Return a peer's input for a vector; raise ValueError if it cannot be made."""
    kind, said = vector["kind"], vector["input"]
    marks = said.get("headers", []) if isinstance(said, dict) else said
    path = folder / f"{vector.get('id')}.jpg"
    if file := pictures.of(vector):
        path.write_bytes(file)
    return {
        "headers": [*PLAIN, *(marks if isinstance(marks, list) else [])],
        "agent": vector["context"].get("agent"),
        "url": vector["context"].get("image_url") or vector["context"].get("page_url"),
        "file": str(path) if file else None,
        "answer": said if kind == "spawning-api" else None,
    }


class Peers:
    """The two peers in a process of their own."""

    def __init__(self, place: Path | None) -> None:
        home = place or made(ROOT / "bench" / "peers.txt")
        command = [home / "bin" / "python", ROOT / "bench" / "ask_peers.py"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.versions = self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("error: the peers ended; see above for the reason")
        return dict(json.loads(line))

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a case, or the seconds of a batch."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._line()

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def cases(peers: Peers, folder: Path) -> tuple[list[tuple[str, Case]], dict[str, int]]:
    """Return every settled vector with its answers, by vocabulary; and the omitted, by kind."""
    pictures, found, left_out = Pictures(), [], dict[str, int]()
    for path in shipped():
        for vector in load(path):
            if vector.get("unsure"):
                continue
            try:
                given = given_of(vector, pictures, folder)
            except (ValueError, RecursionError):
                left_out[vector["kind"]] = left_out.get(vector["kind"], 0) + 1
                continue
            said = peers.ask(given)
            refused = {name: text == "refused" for name, text in said.items()}
            refused["documents"] = vector["expect"]["train"] in REFUSED
            for policy in ("letter", "cautious"):
                refused[policy] = answer(vector, policy)["train"] in REFUSED
            found.append((path.stem, Case(vector, given, refused, said)))
    return found, left_out


def seconds_here(given: Sequence[Mapping[str, Any]], policy: str = "letter") -> float:
    """Return the seconds that this project takes for one pass over headers parsed before."""
    url = "https://example.com/a.jpg"
    pieces = [
        (
            Evidence("headers", "image", url, lines=tuple(map(tuple, case["headers"]))),
            Target(image_url=url, agent=case["agent"]),
        )
        for case in given
    ]
    started = time.perf_counter()
    for evidence, target in pieces:
        decide(applicable(read(evidence).signals, target), policy, target.agent)
    return time.perf_counter() - started


def speeds(peers: Peers, found: Sequence[Case], runs: int) -> str:
    """Return the table of speeds: for the cases repeated, and for values that are all new."""

    def again(_: int) -> Iterator[Mapping[str, Any]]:
        yield from (case.given for case in found)

    def fresh(number: int) -> Iterator[Mapping[str, Any]]:
        """Yield the X-Robots-Tag cases with a directive that was never seen before."""
        for case in found:
            if case.is_robots:
                lines = [[name, f"{value}, x{number}"] for name, value in case.lines]
                yield {**case.given, "headers": [*PLAIN, *lines]}

    rows = []
    for name, make in (("all header cases", again), ("`X-Robots-Tag`, values new", fresh)):
        taken: dict[str, list[float]] = {"here": [], **{peer: [] for peer in PEERS}}
        for run in range(runs):
            batch = [case for turn in range(BATCH) for case in make(run * BATCH + turn)]
            taken["here"].append(seconds_here(batch) / len(batch))
            for peer, seconds in peers.ask({"time": batch}).items():
                taken[peer].append(seconds / len(batch))
        here, *others = (statistics.median(taken[key]) for key in taken)
        ratios = (f"{1 / each:,.0f} ({here / each:.1f} x)" for each in others)
        rows.append([name, f"{1 / here:,.0f}", *ratios])
    return table("calls a second, one core | this project | datadiligence | img2dataset", rows)


def measured(peers: Peers, folder: Path, runs: int) -> str:
    """Return the measured part of the page."""
    found, left_out = cases(peers, folder)
    headers = [case for _, case in found if case.carrier == "headers"]
    used = {"this project": __version__, **peers.versions}
    versions = ", ".join(f"{name} {version}" for name, version in used.items())
    missing = ", ".join(f"{kind} {count}" for kind, count in sorted(left_out.items()))
    return "\n".join(
        [
            f"{datetime.now(UTC):%d %B %Y}, Python {platform.python_version()} on "
            f"{os.cpu_count()} cores of {platform.machine()}; {versions}.",
            f"\n{len(found)} cases; left out, as no such file can be made: {missing or 'none'}.",
            "\n## No agent is named\n",
            by_vocabulary([(name, case) for name, case in found if not case.agent]),
            "## An agent is named\n",
            by_vocabulary([(name, case) for name, case in found if case.agent]),
            "## Where the two disagree\n",
            shares(headers),
            disputes(headers),
            remarks(found),
            "## Speed\n",
            speeds(peers, headers, runs),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, metavar="VENV")
    parser.add_argument("--runs", type=int, default=11)
    options = parser.parse_args()
    peers = Peers(options.peers)
    with tempfile.TemporaryDirectory() as folder:
        text = measured(peers, Path(folder), options.runs)
    peers.close()
    before, _, rest = PAGE.read_text("utf-8").partition(START)
    PAGE.write_text(before + START + "\n" + text + "\n" + END + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    main()

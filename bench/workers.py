"""Many workers on one database: undisturbed, and while they and the server are killed.

    .venv/bin/python -m bench.workers --sites 200 --workers 10 --kills 50 --restarts 2

Serves the sites on loopback (`bench.many_sites`), schedules them on a PostgreSQL of its own,
and lets the workers visit them: first undisturbed, then while a worker or one of its children
is killed (-9) every few seconds and the server is restarted. Measures at the sites: the gaps
between two requests to a host, and whether a host was visited by two workers at a time. At the end
all sites must be visited, and the observations of both runs must be equal. Needs Linux.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median

import psycopg

from bench.many_sites import ManySites
from bench.own_server import OwnServer, own_server
from registry.db.migrate import migrate

BIN = Path(sys.executable).parent
CONTENT = """
    SELECT image_url, page_url, fetched_url, relation, status, refusal, encode(sha256, 'hex'),
        ARRAY(SELECT encode(digest, 'hex') FROM unnest(observation.evidence) AS e (id)
              JOIN evidence USING (id) ORDER BY 1)
    FROM observation LEFT JOIN image ON image.id = image_id
    LEFT JOIN observation_again AS again ON observation_id = observation.id
    WHERE EXISTS (SELECT FROM visit WHERE visit.id IN (observation.visit_id, again.visit_id)
                  AND visit.state = 'finished')
    ORDER BY 1, 2, 3"""
RULES = """
    SELECT DISTINCT site_rule.host, kind, site_rule.url, status, refusal, evidence.digest
    FROM site_rule LEFT JOIN evidence ON evidence.id = evidence_id
    LEFT JOIN site_rule_again AS again ON site_rule_id = site_rule.id
    WHERE EXISTS (SELECT FROM visit WHERE visit.id IN (site_rule.visit_id, again.visit_id)
                  AND visit.state = 'finished')
    ORDER BY 1, 3"""


@dataclass(slots=True)
class Run:
    """One run: its workers on one database."""

    url: str
    concurrency: int
    folder: Path
    workers: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    started: int = 0
    kills: int = 0

    def start(self) -> None:
        """Start one more worker, with a contact of its own."""
        self.started += 1
        environment = {
            **os.environ,
            "REGISTRY_DATABASE_URL": self.url,
            "CRAWLER_CONTACT": f"mailto:worker{self.started}@example.org",
        }
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen(
                [BIN / "crawler", "worker", "--concurrency", str(self.concurrency)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers[process.pid] = process

    def replace_ended(self) -> None:
        """Start a worker for each that has ended: it began while the server was away."""
        for number, process in list(self.workers.items()):
            if process.poll() is not None:
                del self.workers[number]
                self.start()

    def kill_one(self, chance: random.Random) -> None:
        """Kill (-9) a worker, which another one replaces, or one of its children."""
        victim = chance.choice(list(self.workers))
        children = children_of(victim)
        if children and chance.random() < 0.5:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(children), signal.SIGKILL)
        else:
            process = self.workers.pop(victim)
            process.kill()
            process.wait()
            self.start()
        self.kills += 1

    def stop(self) -> None:
        """Let the workers drain, and wait for them."""
        for process in self.workers.values():
            process.terminate()
        for process in self.workers.values():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def children_of(process: int) -> list[int]:
    """Return the ids of a process's children."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == process:
                found.append(int(entry.name))
    return found


def schedule(url: str, sites: ManySites, delay: float, folder: Path) -> None:
    """Schedule all sites."""
    (folder / "sites.csv").write_text("\n".join(["url", *sites.urls]) + "\n")
    subprocess.run(
        [BIN / "crawler", "schedule", "add", "--from", str(folder / "sites.csv"),
         "--every", "30d", "--delay", str(delay), "--json"],
        env={**os.environ, "REGISTRY_DATABASE_URL": url},
        check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip


def due(server: OwnServer, url: str) -> int:
    """Return the number of sites that are still due; the server may be away."""
    while True:
        try:
            with psycopg.connect(url) as conn:
                row = conn.execute(
                    "SELECT count(*) FROM schedule WHERE next_due_at <= now()"
                ).fetchone()
                return int(row[0]) if row else 0
        except psycopg.OperationalError:
            time.sleep(0.2)


def worked(server: OwnServer, run: Run, options: argparse.Namespace, *, disturbed: bool) -> float:
    """Let the workers visit all sites; return the seconds that it took."""
    chance = random.Random(options.seed)
    began = time.monotonic()
    for _ in range(options.workers):
        run.start()
    kill_at = began + options.every
    restarts = [options.kills * (n + 1) // (options.restarts + 1) for n in range(options.restarts)]
    while due(server, run.url):
        if time.monotonic() - began > options.most_seconds:
            raise SystemExit(f"not all visits were made within {options.most_seconds} s")
        time.sleep(0.3)
        run.replace_ended()
        if disturbed and time.monotonic() > kill_at and run.kills < options.kills:
            run.kill_one(chance)
            kill_at = time.monotonic() + options.every
            if restarts and run.kills >= restarts[0]:
                restarts.pop(0)
                server.restart()
    seconds = time.monotonic() - began
    run.stop()
    return seconds


def report(name: str, sites: ManySites, run: Run, seconds: float, delay: float) -> bool:
    """Print what the sites saw; return whether no host was visited by two workers at a time."""
    gaps = [b.at - a.at for asked in sites.asked.values() for a, b in pairwise(asked)]
    most = max(one.in_progress for asked in sites.asked.values() for one in asked)
    turns = [
        [agent for agent, before in zip(agents, [None, *agents], strict=False) if agent != before]
        for agents in ([one.agent for one in asked] for asked in sites.asked.values())
    ]
    mixed = sum(len(turn) != len(set(turn)) for turn in turns)
    requests = sum(map(len, sites.asked.values()))
    short = sum(gap < delay for gap in gaps)
    print(
        f"{name}: {seconds:.0f} s, {requests} requests ({requests / seconds:.0f}/s), "
        f"{run.started} workers, {run.kills} kills\n"
        f"  gaps: least {min(gaps):.3f} s, median {median(gaps):.3f} s, "
        f"{short} of {len(gaps)} below the delay of {delay} s; at most {most} at a time\n"
        f"  hosts with more than one worker: {sum(len(turn) > 1 for turn in turns)}, "
        f"alternating: {mixed}",
        flush=True,
    )
    return mixed == 0


def content(url: str) -> tuple[list[object], list[object], list[object]]:
    """Return the observations, the site rules, and the states of all visits."""
    with psycopg.connect(url) as conn:
        states = conn.execute("SELECT state, count(*) FROM visit GROUP BY 1 ORDER BY 1").fetchall()
        seen: list[object] = list(conn.execute(CONTENT).fetchall())
        return seen, list(conn.execute(RULES).fetchall()), list(states)


@contextmanager
def database(server: OwnServer, name: str) -> Iterator[str]:
    """Create a migrated database."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
    migrate(server.url(name))
    yield server.url(name)


def main() -> None:
    """Run both, and compare them."""
    parser = argparse.ArgumentParser(description="Many workers, undisturbed and killed.")
    parser.add_argument("--sites", type=int, default=200)
    parser.add_argument("--pages", type=int, default=16)
    parser.add_argument("--workers", type=int, default=10)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--delay", type=float, default=0.3)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--restarts", type=int, default=2)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two kills")
    parser.add_argument("--most-seconds", type=float, default=900)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = []
    folder = Path(tempfile.mkdtemp(prefix="bench-workers-", dir="/tmp"))
    folder.chmod(0o755)
    with own_server(folder) as server, ManySites(options.sites, options.pages) as sites:
        for name in ("undisturbed", "killed"):
            sites.asked.clear()
            with database(server, name) as url:
                schedule(url, sites, options.delay, folder)
                run = Run(url, options.concurrency, folder)
                seconds = worked(server, run, options, disturbed=name == "killed")
                report(name, sites, run, seconds, options.delay)
                found.append(content(url))
                print(f"  {len(found[-1][0])} observations; visits: {found[-1][2]}", flush=True)
    equal = found[0][:2] == found[1][:2]
    print("observations and site rules are equal" if equal else "DIFFERENT", f"({folder}/log)")
    sys.exit(not equal)


if __name__ == "__main__":
    main()

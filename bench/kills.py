"""Commands and their embedded server killed (-9) at random moments, and run again.

    .venv/bin/python -m bench.kills --times 100 --seed 1

A round runs one command (`crawler run`, `registry import`, also as the first ever on a
new home, `snapshot build`, `check`), kills it, the server, the server's keeper or all of
them at a random moment of the time it takes undisturbed, and at once runs it again. Then
the state must be that of an undisturbed run: rows of the database by content, the
snapshot's files, the rows written; no process may run any more, and no temporary file
exist. Prints one line for each round and fails if one went wrong. Needs Linux.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq

from bench.kills_state import State, database_state, left_running, temporary_files
from demo.dataset import make_dataset
from demo.server import SampleSite
from registry.db.embedded import embedded_server
from registry.db.migrate import migrate
from registry.db.server_setup import find_setup
from registry.snapshot import store
from registry.snapshot.opened import open_snapshot

BIN = Path(sys.executable).parent
CLAIMS = 5_000
PATIENCE_SECONDS = 120
# The victims; each is drawn in proportion to its number here.
VICTIMS = ("command", "command", "command", "server", "keeper", "all")


@dataclass(frozen=True, slots=True)
class Action:
    """A command, the database it begins with, and whether the server is new, too."""

    name: str
    arguments: tuple[str, ...]
    database: str
    fresh: bool = False


@dataclass(slots=True)
class Bench:
    """One home, its sample site, and the state after each action when it is undisturbed."""

    folder: Path
    site: SampleSite
    actions: list[Action] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    expected: dict[str, tuple[int, State]] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Return the commands' REGISTRY_HOME."""
        return self.folder / "home"

    def prepare(self) -> None:
        """Make inputs and databases, and run every action undisturbed."""
        lines = (f"https://art.example/{n}.jpg,{n:064x}" for n in range(CLAIMS))
        (self.folder / "list.csv").write_text("\n".join(["url,sha256", *lines]) + "\n")
        hosts = {"cdn_url": self.site.cdn_url, "other_url": self.site.other_url}
        make_dataset(self.site.url, self.folder / "dataset.parquet", **hosts)
        self.actions = actions(self.site.url)
        with embedded_server(self.home) as url:
            migrate(url)
            copy_database(url, "registry", "blank")
        for name in ("crawl", "import"):
            self.run(next(a for a in self.actions if a.name == name))
        with embedded_server(self.home) as url:
            copy_database(url, "registry", "filled")
        for action in self.actions:
            self.reset(action)
            started = time.monotonic()
            code = self.run(action)
            self.seconds[action.name] = time.monotonic() - started
            self.expected[action.name] = code, self.state()
            self.restore(action)

    def reset(self, action: Action) -> None:
        """Restore the state before the action."""
        shutil.rmtree(self.home / "snapshots", ignore_errors=True)
        for name in ("rows.parquet", "report.html"):
            (self.folder / name).unlink(missing_ok=True)
        if action.fresh:
            self.home.rename(self.folder / "spare")
            make_open(self.home)
        else:
            with embedded_server(self.home) as url:
                copy_database(url, action.database, "registry")

    def restore(self, action: Action) -> None:
        """Restore the home that a new one has replaced."""
        if action.fresh:
            shutil.rmtree(self.home)
            (self.folder / "spare").rename(self.home)

    def start(self, action: Action) -> subprocess.Popen[bytes]:
        """Start the action's command."""
        environment = {**os.environ, "REGISTRY_HOME": str(self.home)}
        environment.pop("REGISTRY_DATABASE_URL", None)
        with open(self.folder / "said", "wb") as said:
            return subprocess.Popen(
                [str(BIN / action.arguments[0]), *action.arguments[1:]],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def run(self, action: Action) -> int:
        """Run the action's command to its end and return its exit code."""
        process = self.start(action)
        try:
            return process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return -1

    def state(self) -> State:
        """Return the present state, by content."""
        with embedded_server(self.home) as url, psycopg.connect(url) as conn:
            found = database_state(conn)
        newest = store.newest(self.home / "snapshots")
        if newest is not None:
            found["snapshot"] = open_snapshot(newest).manifest.digest
        rows = self.folder / "rows.parquet"
        if rows.exists():
            found["rows"] = str(pq.read_table(rows).to_pylist())
            found["report"] = str((self.folder / "report.html").exists())
        return found


def actions(site: str) -> list[Action]:
    """Return the commands that are killed."""
    load = ("registry", "import", "list.csv")
    check = ("registry", "check", "dataset.parquet", "--out", "rows.parquet")
    return [
        Action("crawl", ("crawler", "run", f"{site}/", "--delay", "0"), "blank"),
        Action("import", load, "blank"),
        Action("first import", load, "blank", fresh=True),
        Action("build", ("registry", "snapshot", "build"), "filled"),
        Action("check", (*check, "--report", "report.html"), "filled"),
    ]


def copy_database(url: str, source: str, target: str) -> None:
    """Replace a database of the embedded server by a copy of another."""
    with psycopg.connect(url.replace("/registry?", "/postgres?"), autocommit=True) as conn:
        conn.execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)")
        conn.execute(f"CREATE DATABASE {target} TEMPLATE {source}")


def make_open(folder: Path) -> None:
    """Make a folder that the server's account can reach."""
    folder.mkdir()
    folder.chmod(0o755 if os.geteuid() == 0 else 0o700)


def process_id(file: Path) -> int | None:
    """Return the process id that a file begins with, None if there is none."""
    with suppress(OSError, ValueError, IndexError):
        return int(file.read_text().split()[0])
    return None


def kill(bench: Bench, process: subprocess.Popen[bytes], victim: str) -> str:
    """Kill a victim, or the command if the victim does not run; return what was killed."""
    root = find_setup(bench.home).root
    of_server = {
        "server": [process_id(root / "data/postmaster.pid")],
        "keeper": [process_id(root / "keeper")],
    }
    of_server["all"] = [*of_server["keeper"], *of_server["server"], process.pid]
    chosen = [pid for pid in of_server.get(victim, []) if pid in left_running(bench.home)]
    if victim == "all" or not chosen:
        chosen.append(process.pid)
    for pid in chosen:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return victim if len(chosen) > 1 or process.pid not in chosen else "command"


def played(bench: Bench, action: Action, rng: random.Random) -> tuple[str, list[str]]:
    """Run one round; return what was killed and what is wrong after it."""
    moment = rng.uniform(0, bench.seconds[action.name])
    victim = rng.choice(VICTIMS)
    bench.reset(action)
    process = bench.start(action)
    with suppress(subprocess.TimeoutExpired):
        process.wait(moment)
    victim = kill(bench, process, victim)
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_SECONDS)
    code = bench.run(action)
    said = (bench.folder / "said").read_text(errors="replace")
    wrong = [] if code == bench.expected[action.name][0] else [f"exit code {code}: {said[-500:]}"]
    wrong += after(bench)
    state = bench.state()
    expected = bench.expected[action.name][1]
    wrong += [f"{name} differs" for name in expected if state.get(name) != expected[name]]
    bench.restore(action)
    return f"{action.name} {moment:.2f} s, {victim}", wrong


def after(bench: Bench, seconds: float = 20) -> list[str]:
    """Return the temporary files and processes that remain after all commands have ended."""
    deadline = time.monotonic() + seconds
    while (running := left_running(bench.home)) and time.monotonic() < deadline:
        time.sleep(0.05)
    wrong = [f"still running: {command}" for command in running.values()]
    return wrong + [f"left: {path}" for path in temporary_files(bench.folder)]


@contextmanager
def bench_in_a_new_folder() -> Iterator[Bench]:
    """Yield a prepared bench; remove its folder in the end."""
    folder = Path(tempfile.mkdtemp(prefix="optout-kills-", dir="/tmp"))
    try:
        folder.chmod(0o755 if os.geteuid() == 0 else 0o700)
        make_open(folder / "home")
        with SampleSite() as site:
            made = Bench(folder, site)
            made.prepare()
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def play(
    times: int, seed: int, say: Callable[[str], Any] = print
) -> tuple[Counter[str], list[str]]:
    """Run rounds, every action in turn; return the kills by victim, and the faults."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    faults: list[str] = []
    with bench_in_a_new_folder() as bench:
        for number in range(times):
            action = bench.actions[number % len(bench.actions)]
            done, wrong = played(bench, action, rng)
            say(f"{number + 1:>4} {done}: {'; '.join(wrong) or 'as undisturbed'}")
            counts[f"{action.name}: {done.rpartition(', ')[2]}"] += 1
            faults += [f"{done}: {fault}" for fault in wrong]
    return counts, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counts, faults = play(options.times, options.seed)
    for what, count in sorted(counts.items()):
        print(f"{count:>4} {what}")
    print(f"{sum(counts.values())} kills, {len(faults)} faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())

"""A PostgreSQL of a benchmark's own, which it can restart."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from registry.db.server_setup import ServerSetup, find_setup, make_folder

SETTINGS = "-c listen_addresses= -c max_connections=200 -c shared_buffers=256MB"


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A server on a Unix socket, with the programs of the embedded one."""

    setup: ServerSetup
    folder: Path

    def url(self, database: str) -> str:
        """Return the URL of one of its databases."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def restart(self) -> None:
        """End all sessions, stop the server and start it again."""
        self.run("pg_ctl", "-w", "-s", "-m", "fast", "-l", self.log, "-o", self.options, "restart")

    @property
    def log(self) -> str:
        """Return the file of its messages."""
        return str(self.folder / "log")

    @property
    def options(self) -> str:
        """Return its settings."""
        return f"{SETTINGS} -c unix_socket_directories={self.folder}"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs on its data."""
        account = self.setup.account
        subprocess.run(
            [self.setup.binaries / program, "-D", self.folder / "data", *arguments],
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
        )


@contextmanager
def own_server(folder: Path) -> Iterator[OwnServer]:
    """Run a new server in a folder below `folder`, until the context ends."""
    setup = find_setup(folder / "home")
    place = folder / "server"
    make_folder(place, 0o700, setup.account)
    server = OwnServer(setup, place)
    server.run("initdb", "--no-sync", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
    server.run("pg_ctl", "-w", "-s", "-l", server.log, "-o", server.options, "start")
    try:
        yield server
    finally:
        server.run("pg_ctl", "-w", "-s", "-m", "immediate", "stop")

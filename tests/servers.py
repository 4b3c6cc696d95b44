"""Folders, servers and databases for tests; the fixtures that use them are in conftest.py."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg

from demo.server import SampleSite
from registry.signals import carriers

# Bytes of memory that all servers of the tests together may need several times over.
ROOM = 6 << 30


def asked(site: SampleSite) -> list[str]:
    """Return the paths that the sample site was asked for, but for the files of a site."""
    # Asked late: a wrong plug-in is named by its own tests, and does not stop all others.
    site_files = {path for _, path in carriers().requested(shows_pages=True)}
    return [r.path for r in site.requests if r.path not in site_files]


def roomy() -> str:
    """Return where servers keep their files: in memory if there is room, as it is for most.

    A database is hundreds of files. On ext4 without a journal, making them is slow for minutes
    after others were removed.
    """
    memory = Path("/dev/shm")
    free = shutil.disk_usage(memory).free if memory.is_dir() else 0
    return str(memory) if min(free, psutil.virtual_memory().available) >= ROOM else "/tmp"


@contextmanager
def open_folder(prefix: str) -> Iterator[Path]:
    """Make a folder that the server's account reaches (pytest's own are closed when root)."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=roomy()))
    folder.chmod(0o755 if os.geteuid() == 0 else 0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def installed_binaries() -> Path | None:
    """Find the server programs of an installed PostgreSQL that is not the embedded version."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    fit = [p for p in found if (p / "initdb").exists() and 15 <= _major(p) != 18]
    return min(fit, key=_major, default=None)


def _major(binaries: Path) -> int:
    digits = "".join(c for c in binaries.parent.name if c.isdigit() or c == ".")
    return int(digits.split(".")[0] or 0)


@contextmanager
def installed_server(binaries: Path, folder: Path) -> Iterator[str]:
    """Run an installed PostgreSQL in `folder`, on a Unix socket only; yield its URL."""
    account = pwd.getpwnam("postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
    os.chown(folder, account.pw_uid, account.pw_gid)
    data = folder / "data"

    def program(name: str, *arguments: str) -> None:
        subprocess.run(
            [str(binaries / name), "-D", str(data), *arguments],
            user=account.pw_uid if os.geteuid() == 0 else None,
            group=account.pw_gid if os.geteuid() == 0 else None,
            extra_groups=[] if os.geteuid() == 0 else None,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )

    program("initdb", "--no-sync", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    program("pg_ctl", "-w", "-s", "-l", str(folder / "log"), "-o", settings, "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        program("pg_ctl", "-w", "-s", "-m", "immediate", "stop")


def with_database(url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    address, _, query = url.partition("?")
    return f"{address.rsplit('/', 1)[0]}/{name}?{query}"


@contextmanager
def new_database(server_url: str, template: str) -> Iterator[str]:
    """Create a database for one test and drop it afterwards, whoever is still connected."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield with_database(server_url, name)
        finally:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


def wait_for_end(root: Path, seconds: float = 10) -> None:
    """Wait until no embedded server runs in this folder; its keeper ends it within a second."""
    deadline = time.monotonic() + seconds
    while (root / "keeper").exists() and time.monotonic() < deadline:
        with open(root / "keeper", "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.05)
            else:
                return

"""Fixtures for tests on real PostgreSQL, and for the installed commands.

`database_url`   URL of a database of its own, migrated, made for this test alone;
                 hand it to a subprocess as REGISTRY_DATABASE_URL
`conn`           an autocommit psycopg connection to that database
`empty_database_url`  the same without any tables, for tests of migrations
`registry_home`  a new REGISTRY_HOME, set in the environment for this test; a
                 subprocess without REGISTRY_DATABASE_URL makes its embedded server there
`run`            run an installed command to its end: run("registry", "stats", "--json",
                 database=database_url).stdout

Tests under tests/integration that use a database run once for each server: the
embedded one and, where one is installed, one of another version. All others
run on the embedded one.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from registry.db import migrate
from registry.db.connect import connect_to
from registry.db.embedded import embedded_server

# What the person running the tests has set for their own work must not reach them.
for _name in [n for n in os.environ if n.startswith(("REGISTRY_", "CRAWLER_", "PG"))]:
    del os.environ[_name]

SERVERS = ("embedded", "installed")
BIN = Path(sys.executable).parent


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the servers a database test runs on, by the folder it stands in."""
    if "server" in metafunc.fixturenames:
        every = "integration" in metafunc.definition.path.parts
        metafunc.parametrize("server", SERVERS if every else SERVERS[:1], indirect=True)


@contextmanager
def open_folder(prefix: str) -> Iterator[Path]:
    """Make a folder that the server's account reaches (pytest's own are closed when root)."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
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


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a running server with the migrated database `template_registry`."""
    with open_folder("optout-tests-") as folder:
        if request.param == "embedded":
            running = embedded_server(folder)
        elif binaries := installed_binaries():
            running = installed_server(binaries, folder)
        else:
            pytest.skip("no other PostgreSQL (15 or newer) is installed under /usr/lib/postgresql")
        with running as url:
            with psycopg.connect(url, autocommit=True) as conn:
                # A crash of the machine may cost these databases.
                conn.execute("ALTER SYSTEM SET fsync = off")
                conn.execute("SELECT pg_reload_conf()")
                conn.execute("CREATE DATABASE template_registry")
            migrate.migrate(with_database(url, "template_registry"))
            yield url


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


@pytest.fixture
def database_url(server: str) -> Iterator[str]:
    """URL of a migrated database made for this test alone."""
    with new_database(server, "template_registry") as url:
        yield url


@pytest.fixture
def empty_database_url(server: str) -> Iterator[str]:
    """URL of a database without any tables."""
    with new_database(server, "template0") as url:
        yield url


@pytest.fixture
def conn(database_url: str) -> Iterator[psycopg.Connection]:
    """An autocommit connection to this test's database, as `registry.db.connect` makes it."""
    with connect_to(database_url) as connection:
        yield connection


@pytest.fixture
def registry_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A new folder, set as REGISTRY_HOME; an embedded server left in it is waited for."""
    with open_folder("optout-home-") as folder:
        monkeypatch.setenv("REGISTRY_HOME", str(folder))
        yield folder
        wait_for_end(folder / "postgres")


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


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run an installed command to its end and return it, whatever its exit code."""

    def run_command(
        program: str, *arguments: object, database: str | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = dict(os.environ)
        if database is not None:
            environment["REGISTRY_DATABASE_URL"] = database
        return subprocess.run(
            [str(BIN / program), *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=cwd,
        )

    return run_command

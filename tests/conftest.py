"""Fixtures for tests on real PostgreSQL, and for the installed commands.

`database_url`   URL of a database of its own, migrated, made for this test alone;
                 hand it to a subprocess as REGISTRY_DATABASE_URL
`conn`           an autocommit psycopg connection to that database
`empty_database_url`  the same without any tables, for tests of migrations
`registry_home`  a new REGISTRY_HOME, set in the environment for this test; a
                 subprocess without REGISTRY_DATABASE_URL makes its embedded server there
`site`           the sample art site, served on loopback; `crawl` runs the crawler on it
`run`            run an installed command to its end: run("registry", "stats", "--json",
                 database=database_url).stdout

Tests under tests/integration that use a database run once for each server: the
embedded one and, where one is installed, one of another version. All others
run on the embedded one.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import forking
import nursery
import psycopg
import pytest
from hypothesis import HealthCheck, settings
from servers import (
    installed_binaries,
    installed_server,
    new_database,
    open_folder,
    wait_for_end,
    with_database,
)

from demo.server import SampleSite
from registry.db import migrate
from registry.db.connect import connect_to
from registry.db.embedded import embedded_server

# What the person running the tests has set for their own work must not reach them.
for _name in [n for n in os.environ if n.startswith(("REGISTRY_", "CRAWLER_", "PG"))]:
    del os.environ[_name]
# Several hundred commands are started here: without compiled modules each compiles all it loads.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What is remembered of verified snapshots is not kept in the folder of the person's own work.
os.environ["REGISTRY_HOME"] = tempfile.mkdtemp(prefix="optout-tests-")
atexit.register(shutil.rmtree, os.environ["REGISTRY_HOME"], ignore_errors=True)

# `picture`, `snapshot` and `art_snapshot`, for tests of checks.
pytest_plugins = ["checking"]

if forking.is_wanted():
    nursery.start_forked(nursery.address)

# A runner that ignores Ctrl-C (nohup) must not teach the commands under test to ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Machines that run tests are shared and slow at times, which is no fault of the code. Each run
# takes other examples, so that fewer at a time find as much in the end.
settings.register_profile(
    "shared", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared")

SERVERS = ("embedded", "installed")
BIN = Path(sys.executable).parent


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run three files side by side for two cores, up to 4 more than cores: most wait at times."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return cores + min(-(-cores // 2), 4)


def pytest_collection_finish() -> None:
    """Have garbage looked for less often, and not among ten thousand tests."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the servers a database test runs on, by the folder it stands in."""
    if "server" in metafunc.fixturenames:
        every = "integration" in metafunc.definition.path.parts
        metafunc.parametrize("server", SERVERS if every else SERVERS[:1], indirect=True)


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
                conn.execute("ALTER SYSTEM SET max_wal_size = '128MB'")
                conn.execute("SELECT pg_reload_conf()")
                conn.execute("CREATE DATABASE template_registry")
            migrate.migrate(with_database(url, "template_registry"))
            yield url


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


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run an installed command to its end and return it, whatever its exit code."""

    def run_command(
        program: str, *arguments: object, database: str | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = dict(os.environ)
        if database is not None:
            environment["REGISTRY_DATABASE_URL"] = database
        words = [str(BIN / program), *map(str, arguments)]
        if forking.can_be_forked(environment):
            return forking.run(words, environment, cwd or Path.cwd(), timeout=120)
        return subprocess.run(
            words,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=cwd,
        )

    return run_command


@pytest.fixture
def site() -> Iterator[SampleSite]:
    """Serve the sample art site."""
    with SampleSite() as served:
        yield served


@pytest.fixture
def crawl(
    run: Callable[..., subprocess.CompletedProcess[str]], database_url: str
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `crawler run` as fast as loopback allows, on a database of its own."""

    def crawled(url: str, *options: object) -> subprocess.CompletedProcess[str]:
        return run(
            "crawler", "run", url, "--delay", 0, "--timeout", 2, *options, database=database_url
        )

    return crawled


@pytest.fixture
def explain(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `registry explain` in the test's own folder."""

    def explain_here(*arguments: object) -> subprocess.CompletedProcess[str]:
        return run("registry", "explain", *arguments, cwd=tmp_path)

    return explain_here

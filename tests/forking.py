"""Runs the installed commands in processes that are forked, not started.

Several hundred commands are run by tests, each of which would load the same modules for most of
a second. A server that has loaded them forks a process for each, which calls the command's
entry point and ends as its own. `OPTOUT_TESTS_FORK=no` starts each command instead.
"""

from __future__ import annotations

import atexit
import importlib.metadata
import multiprocessing
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import nursery

import crawler.cli
import registry.checking
import registry.cli
import registry.db

# What an interpreter reads when it starts, or a library when it is loaded.
READ_AT_START = ("PYTHON", "LANG", "LC_", "LD_", "OPENBLAS", "OMP_", "MALLOC_", "NUMBA_", "ARROW_")
PACKAGES = (registry.cli, registry.checking, registry.db, crawler.cli)
MODULES = ("crawler.visit.run", "registry.snapshot.opened", "pyarrow.parquet")

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        *MODULES,
        *(
            module.name
            for package in PACKAGES
            for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        ),
        "tests.frozen",
    ]
)


def is_wanted() -> bool:
    """Return whether processes are to be forked."""
    return os.environ.get("OPTOUT_TESTS_FORK") != "no"


def can_be_forked(environment: Mapping[str, str]) -> bool:
    """Return whether a command with this environment does the same as one that is started."""
    return is_wanted() and _read_at_start(environment) == _read_at_start(os.environ)


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(READ_AT_START)}


def run(
    words: Sequence[str], environment: Mapping[str, str], cwd: Path, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. Raises subprocess.TimeoutExpired."""
    # Text files, in which line ends are read as subprocess reads them.
    with tempfile.NamedTemporaryFile("r") as out, tempfile.NamedTemporaryFile("r") as error:
        files = out.name, error.name
        process = _FORKS.Process(
            target=_command,
            args=([*words], dict(environment), str(cwd), files, nursery.address()),
        )
        process.start()
        process.join(timeout)
        code = process.exitcode
        if code is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([*words], timeout)
        process.close()
        return subprocess.CompletedProcess([*words], code, out.read(), error.read())


def _command(
    words: list[str],
    environment: dict[str, str],
    cwd: str,
    files: tuple[str, str],
    workers: str,
) -> None:
    """Do what the script does that is installed for a command."""
    nursery.start_forked(lambda: workers)
    for number, path in enumerate(files, 1):
        fd = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.dup2(fd, number)
        os.close(fd)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w")
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", buffering=1, errors="backslashreplace")
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv, sys.path[0] = words, str(Path(sys.executable).parent)
    name = Path(words[0]).name
    (script,) = importlib.metadata.entry_points(group="console_scripts", name=name)
    try:
        sys.exit(script.load()())
    finally:
        atexit._run_exitfuncs()

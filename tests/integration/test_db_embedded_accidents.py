"""The embedded server where its users are killed while they leave, limited, or hang."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from conftest import BIN
from servers import open_folder, wait_for_end

from registry.db import embedded, fresh, server
from registry.db.embedded import embedded_server
from registry.db.server_setup import ServerSetup
from registry.errors import DatabaseUnavailable

USER = """
import sys
from pathlib import Path
import psycopg
from registry.db.embedded import embedded_server
from registry.db.server_setup import ServerSetup
with embedded_server(Path(sys.argv[1])) as url:
    with psycopg.connect(url) as conn:
        pid = conn.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
        ).fetchone()[0]
    print(pid, flush=True)
    sys.stdin.read()
"""
MEBIBYTE = 1 << 20
LIMIT = 2 * MEBIBYTE


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One home for the whole file."""
    with open_folder("optout-accidents-") as folder:
        yield folder
        wait_for_end(folder / "postgres")


def user_of(home: Path) -> tuple[subprocess.Popen[str], int]:
    """Start a process that uses the server until its stdin is closed; and the checkpointer's id."""
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    return process, int(process.stdout.readline() or 0)


def end(process: subprocess.Popen[str]) -> None:
    with process:
        process.communicate("")


def wait_until_it_stops(home: Path) -> None:
    deadline = time.monotonic() + 20
    while "stopping" not in (home / "postgres/data/postmaster.pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_newcomer_does_not_join_a_server_that_is_being_stopped(home: Path) -> None:
    leaver, checkpointer = user_of(home)
    os.kill(checkpointer, signal.SIGSTOP)
    try:
        assert leaver.stdin
        leaver.stdin.close()
        wait_until_it_stops(home)
        with leaver:
            leaver.kill()
        newcomer = subprocess.Popen(
            [sys.executable, "-c", USER, str(home)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        # Time to join the old server, if it did.
        time.sleep(1)
    finally:
        os.kill(checkpointer, signal.SIGCONT)
    with newcomer:
        _, stderr = newcomer.communicate(timeout=60)
    assert newcomer.returncode == 0, stderr


def test_a_server_that_hangs_is_killed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SHUTDOWN_SECONDS", (0.3, 0.3))
    with embedded_server(home) as url, psycopg.connect(url) as conn:
        row = conn.execute("SELECT pg_backend_pid()").fetchone()
        assert row
        pid = int((home / "postgres/data/postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGSTOP)
    assert not Path(f"/proc/{pid}").exists()
    with embedded_server(home) as url, psycopg.connect(url) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_keeper_that_hangs_is_killed_and_its_server_ended(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STOP_SECONDS", 0.3)
    with embedded_server(home):
        pid = int((home / "postgres/data/postmaster.pid").read_text().split()[0])
        os.kill(int((home / "postgres/keeper").read_text()), signal.SIGSTOP)
    assert not Path(f"/proc/{pid}").exists() or _is_zombie(pid)
    with embedded_server(home) as url, psycopg.connect(url) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def _is_zombie(pid: int) -> bool:
    """Tell whether a process has ended and only waits for its parent (in a container, for ever)."""
    return ") Z" in Path(f"/proc/{pid}/stat").read_text()


def test_waiting_for_another_command_has_an_end(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "GATE_SECONDS", 0.2)
    (home / "postgres").mkdir(exist_ok=True)
    with open(home / "postgres/gate", "w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        with pytest.raises(DatabaseUnavailable, match="another command") as caught:
            embedded_server(home).__enter__()
    assert str(home / "postgres/log") in caught.value.hint


@pytest.mark.parametrize("made", [False, True], ids=["new", "made-before"])
def test_a_file_size_limit_of_a_command_is_not_the_servers(registry_home: Path, made: bool) -> None:
    (registry_home / "list.csv").write_text(
        "url\n" + "".join(f"https://art.example/{n}.jpg\n" for n in range(5_000))
    )

    def limited() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])

    if made:
        subprocess.run([str(BIN / "registry"), "init"], capture_output=True, timeout=60, check=True)
    done = subprocess.run(
        [str(BIN / "registry"), "import", str(registry_home / "list.csv")],
        preexec_fn=limited,
        # Else compiled modules are cut off there, too.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    counted = subprocess.run(
        [str(BIN / "registry"), "stats", "--json"], capture_output=True, timeout=60, check=True
    )
    assert json.loads(counted.stdout)["totals"]["claims"] == 5_000


def test_nothing_is_inherited(tmp_path: Path) -> None:
    report = "import os, signal, resource; print(*resource.getrlimit(resource.RLIMIT_CPU)); " + (
        "print(os.getcwd(), os.umask(0), signal.pthread_sigmask(signal.SIG_BLOCK, ()), "
        "signal.getsignal(signal.SIGHUP) is signal.SIG_DFL)"
    )
    order = {"command": [sys.executable, "-c", report], "environment": None, "account": None}

    def burdened() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (100, hard))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD])
        os.umask(0)

    done = subprocess.run(
        [sys.executable, "-I", "-S", fresh.__file__, json.dumps(order)],
        preexec_fn=burdened,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    soft, hard, *rest = done.stdout.split()
    assert soft == hard
    assert rest == ["/", str(0o077), "set()", "True"]


def test_a_limit_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    code = (
        "import resource, runpy, sys\n"
        "from unittest import mock\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({LIMIT}, {LIMIT}))\n"
        f"sys.argv = ['fresh.py', {json.dumps(json.dumps({'command': []}))}]\n"
        # As an account that may lift no limit.
        "with mock.patch('resource.setrlimit', side_effect=ValueError):\n"
        f"    runpy.run_path({fresh.__file__!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert f"files are limited to {LIMIT} bytes here (ulimit -f)" in done.stderr


def _server_pid(home: Path) -> int:
    """Wait for the server to write its process id, and return it."""
    file = home / "postgres/data/postmaster.pid"
    deadline = time.monotonic() + 20
    while not (file.exists() and file.read_text().partition("\n")[0]):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return int(file.read_text().split()[0])


@pytest.mark.parametrize("victim", ["keeper", "server"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_server_that_is_killed_while_it_starts_is_started_once_more(
    home: Path, monkeypatch: pytest.MonkeyPatch, victim: str, times: int
) -> None:
    launch, killed = server._start_keeper, []

    def killing(setup: ServerSetup) -> None:
        launch(setup)
        pid = _server_pid(home)
        if len(killed) < times:
            os.kill(int((home / "postgres/keeper").read_text()) if victim == "keeper" else pid, 9)
            killed.append(victim)

    monkeypatch.setattr(server, "_start_keeper", killing)
    if times == 1:
        with embedded_server(home) as url, psycopg.connect(url) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
        return
    with pytest.raises(DatabaseUnavailable, match="did not start") as caught:
        embedded_server(home).__enter__()
    assert "starting up" not in caught.value.message


# Crashes the server between the moment it is found ready and the first connection.
RECOVERING = """
import os, signal
import psycopg
from registry.db import embedded
from registry.db.connect import connect
hold, crashed = embedded.hold, []

def crashing(home):
    url = hold(home)
    if not crashed:
        # The server ends every other session once it notices: then it recovers.
        with psycopg.connect(url) as other, psycopg.connect(url) as conn:
            pid = conn.execute("SELECT pg_backend_pid()").fetchone()[0]
            crashed.append(pid)
            os.kill(pid, signal.SIGKILL)
            for session in (conn, other):
                try:
                    session.execute("SELECT pg_sleep(20)")
                except psycopg.OperationalError:
                    pass
    return url

embedded.hold = crashing
with connect() as conn:
    print(conn.execute("SELECT 1").fetchone())
"""
KILLED = """
import os, signal
from registry.db.connect import connect
from registry.errors import DatabaseUnavailable
from registry.home import registry_home
try:
    with connect() as conn:
        with open(registry_home() / "postgres/data/postmaster.pid") as file:
            os.kill(int(file.readline()), signal.SIGKILL)
        while True:
            conn.execute("SELECT pg_sleep(0.01)")
except DatabaseUnavailable as error:
    print(error.message, error.hint, sep="\\n")
"""


def ran(code: str) -> str:
    """Run Python in a process of its own, which holds the server until its end."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_server_that_recovers_after_it_was_found_ready_is_waited_for(registry_home: Path) -> None:
    assert ran(RECOVERING) == "(1,)\n"


def test_no_variable_is_named_that_is_not_set(registry_home: Path) -> None:
    message, hint = ran(KILLED).splitlines()
    assert "does not answer" in message
    assert "REGISTRY_DATABASE_URL" not in hint
    assert str(registry_home / "postgres/log") in hint

"""The embedded PostgreSQL: started on demand, stopped when the last user leaves.

Every user holds a shared lock on the file `users`; the kernel frees it however
a process ends. Starting and stopping happen under the exclusive lock `gate`. A
leaver that finds nobody else stops the server and waits for its end; users that
were killed are noticed by the keeper (keeper.py), which does the same within a
second. The server listens on a Unix socket in a folder of mode 0700 and on no
network port.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from registry.db import keeper
from registry.db.place import MAJOR, Place, find_place, make_folder
from registry.errors import DatabaseUnavailable

# A server that recovers from a crash replays its log before it answers.
START_SECONDS = 600.0
STOP_SECONDS = 60.0
SOCKET = ".s.PGSQL.5432"
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

_held: dict[Path, Place] = {}
_held_lock = threading.Lock()


@contextmanager
def embedded_server(home: Path) -> Iterator[str]:
    """Yield the URL of the embedded server of `home`; stop it after its last user.

    Raises DatabaseUnavailable with the reason when it cannot be started.
    """
    with _explained(home):
        place = find_place(home)
        users = _join(place)
    try:
        yield place.url
    finally:
        _leave(place, users)


def hold(home: Path) -> str:
    """Return the embedded server's URL and stay its user until this process ends.

    A server that was killed in the meantime is started again.
    """
    with _held_lock, _explained(home):
        if home in _held:
            _revive(_held[home])
        else:
            place = find_place(home)
            atexit.register(_leave, place, _join(place))
            _held[home] = place
        return _held[home].url


@contextmanager
def _explained(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or home
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL cannot be started: {where}: {error.strerror}",
            "name a folder you may write to in REGISTRY_HOME, or a server in REGISTRY_DATABASE_URL",
        ) from error


def _revive(place: Place) -> None:
    if not _answers(place):
        with _gate(place):
            if not _is_kept(place):
                _start(place)


def _join(place: Place) -> int:
    """Start the server unless it runs, and return our lock on it."""
    make_folder(place.root, 0o755 if place.account else 0o700, None)
    with _gate(place):
        if not _is_kept(place):
            _start(place)
        users = os.open(place.root / "users", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(users, fcntl.LOCK_SH)
        return users


def _leave(place: Place, users: int) -> None:
    try:
        with _gate(place):
            os.close(users)
            if _is_free(place.root / "users"):
                _stop(place)
    except FileNotFoundError:
        # The folder was deleted under the server, which notices and ends itself.
        return


@contextmanager
def _gate(place: Place) -> Iterator[None]:
    gate = os.open(place.root / "gate", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield
    finally:
        os.close(gate)


def _is_free(path: Path) -> bool:
    """Tell whether nobody holds a lock on the file."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def _is_kept(place: Place) -> bool:
    return not _is_free(place.root / "keeper")


def _start(place: Place) -> None:
    if not place.data.exists():
        _create(place)
    found = (place.data / "PG_VERSION").read_text().strip()
    if found != str(MAJOR):
        raise DatabaseUnavailable(
            f"{place.data} was made by PostgreSQL {found}, the embedded one is {MAJOR}",
            "dump it with that version's pg_dump, move the folder away, run `registry init`, "
            "and load the dump",
        )
    _end_orphan(place)
    make_folder(place.sockets, 0o700, place.account)
    deadline = time.monotonic() + 15
    while not _launch(place):
        # Sessions of a server that was killed outlive it for a moment.
        if b"still in use" not in place.log.read_bytes() or time.monotonic() > deadline:
            raise DatabaseUnavailable(
                f"the embedded PostgreSQL did not start: {_last_words(place.log)}",
                f"see {place.log}",
            )
        time.sleep(0.2)


def _create(place: Place) -> None:
    """Make the data folder with an empty database `registry`; all of it or nothing."""
    unfinished = place.root / "data.unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    make_folder(unfinished, 0o700, place.account)
    options = ["--username=postgres", "--encoding=UTF8", "--locale-provider=builtin"]
    options += [
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--auth-local=trust",
        "--auth-host=reject",
    ]
    _run(place, ["initdb", f"--pgdata={unfinished}", *options])
    _run(
        place,
        ["postgres", "--single", "-D", str(unfinished), "-c", "exit_on_error=on", "postgres"],
        b"CREATE DATABASE registry\n",
    )
    unfinished.rename(place.data)


def _run(place: Place, command: list[str], stdin: bytes = b"") -> None:
    account = place.account
    done = subprocess.run(
        [str(place.binaries / command[0]), *command[1:]],
        input=stdin,
        capture_output=True,
        cwd="/",
        env=_ENVIRONMENT,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        # Ctrl-C while it runs is ours to handle; half a data folder is discarded.
        start_new_session=True,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise DatabaseUnavailable(f"{command[0]} failed: {lines[-1]}")


def _launch(place: Place) -> bool:
    """Start keeper and server; return whether the server answers."""
    if place.log.exists():
        place.log.replace(place.root / "log.1")
    server = [str(place.binaries / "postgres"), "-D", str(place.data)]
    for setting in (
        "listen_addresses=",
        "port=5432",
        f"unix_socket_directories={_quoted(place.sockets)}",
        "cluster_name=optout-registry",
        "timezone=UTC",
        "log_timezone=UTC",
    ):
        server += ["-c", setting]
    order = {
        **{name: str(place.root / name) for name in ("gate", "users", "keeper", "log")},
        "command": server,
        "environment": _ENVIRONMENT,
        "account": [place.account.uid, place.account.gid] if place.account else None,
    }
    # Without the place's own log the reason of a failed start would be lost.
    with open(place.log, "ab") as log:
        subprocess.run(
            [sys.executable, "-I", "-S", keeper.__file__, json.dumps(order)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            check=False,
        )
    return _comes_up(place)


def _quoted(path: Path) -> str:
    """Quote one entry of a list setting: a comma or blank in it would end the entry."""
    return '"' + str(path).replace('"', '""') + '"'


def _comes_up(place: Place) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while _is_kept(place) and time.monotonic() < deadline:
        if _answers(place) and _status(place) == "ready":
            return True
        time.sleep(0.01)
    return False


def _pid_file(place: Place) -> list[str]:
    try:
        return (place.data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _status(place: Place) -> str:
    """Return the eighth line of postmaster.pid, `ready` once connections are taken."""
    return "".join(_pid_file(place)[7:8]).strip()


def _answers(place: Place) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(str(place.sockets / SOCKET))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def _end_orphan(place: Place) -> None:
    """Clear away a server that has no keeper, or what is left of one.

    Where it still answers, only its keeper was killed: end it. Where it does
    not, its lock files are stale, but PostgreSQL would take them for good if
    their process id lives on as another process or as a zombie that nobody
    reaps (in a container), so they are removed. Its second guard against two
    servers on one folder, the shared memory, still stands.
    """
    if _answers(place):
        os.kill(int(_pid_file(place)[0]), signal.SIGINT)
        deadline = time.monotonic() + STOP_SECONDS
        while _pid_file(place) and time.monotonic() < deadline:
            time.sleep(0.01)
        return
    for stale in (place.data / "postmaster.pid", place.sockets / f"{SOCKET}.lock"):
        stale.unlink(missing_ok=True)


def _stop(place: Place) -> None:
    """Ask the keeper to end the server, wait until both are gone, and see that they are."""
    if _is_kept(place):
        with suppress(ProcessLookupError):
            os.kill(int((place.root / "keeper").read_text()), signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_kept(place):
        if time.monotonic() > deadline:
            return
        time.sleep(0.01)
    _end_orphan(place)


def _last_words(log: Path) -> str:
    """Return the last line of a log that says what went wrong."""
    lines = log.read_text(errors="replace").strip().splitlines() or ["no reason given"]
    fatal = [line.split("FATAL:", 1)[1].strip() for line in lines if "FATAL:" in line]
    return (fatal or lines)[-1]

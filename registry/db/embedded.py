"""The embedded PostgreSQL: started on demand, stopped with its last user.

Every user process holds a shared lock on the file `users`; the kernel frees it however
the process ends. The server is started and stopped under the exclusive lock `gate`. The
last process to leave stops the server and waits for its end; if it was killed, the keeper
(keeper.py) stops the server within a second. So a server without users is about to end and
is never joined: the next process ends it and starts a new one. The server listens on a
Unix socket in a folder of mode 0700, not on a network port.
"""

from __future__ import annotations

import atexit
import errno
import fcntl
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.db import server
from registry.db.server_setup import ServerSetup, find_setup, make_folder
from registry.db.waiting import waits
from registry.errors import DatabaseUnavailable

# More than one start and one stop can take.
GATE_SECONDS = server.START_SECONDS + 2 * server.STOP_SECONDS
FULL = (errno.ENOSPC, errno.EDQUOT)
_ELSEWHERE = (
    "set REGISTRY_HOME to a folder that you may write to, or REGISTRY_DATABASE_URL to a server"
)

log = logging.getLogger(__name__)
_held: dict[Path, ServerSetup] = {}
_held_lock = threading.Lock()


@contextmanager
def embedded_server(home: Path) -> Iterator[str]:
    """Yield the URL of the embedded server of `home`; stop it after its last user.

    Raises DatabaseUnavailable with the reason when it cannot be started.
    """
    with _reported(home):
        setup = find_setup(home)
        users = _join(setup)
    try:
        yield setup.url
    finally:
        _leave(setup, users)


def hold(home: Path) -> str:
    """Return the embedded server's URL, and use it until this process ends.

    A server that was killed meanwhile is started again.
    """
    with _held_lock, _reported(home):
        if home in _held:
            _restart_if_ended(_held[home])
        else:
            setup = find_setup(home)
            atexit.register(_leave, setup, _join(setup))
            _held[home] = setup
        return _held[home].url


@contextmanager
def _reported(home: Path) -> Iterator[None]:
    """Raise DatabaseUnavailable, with the path and the reason, in place of an OSError."""
    try:
        yield
    except OSError as error:
        where = error.filename or home
        hint = f"free space in {home}" if error.errno in FULL else _ELSEWHERE
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL cannot be started: {where}: {error.strerror}", hint
        ) from error


def held_folder(home: Path) -> Path:
    """Return the folder of the server of `home` that this process holds, or else `home`."""
    return _held[home].root if home in _held else home


def is_held(home: Path, url: str) -> bool:
    """Return whether this is the URL of the server of `home` and this process holds it."""
    return home in _held and _held[home].url == url


def _restart_if_ended(setup: ServerSetup) -> None:
    if server.answer(setup) != "ready":
        with _gate(setup) as gate:
            _make_ready(setup, gate)


def _join(setup: ServerSetup) -> int:
    """Start a server unless one runs for others, and return this process's lock on `users`."""
    make_folder(setup.root, 0o755 if setup.account else 0o700, None)
    with _gate(setup) as gate:
        if server.is_free(setup.root / "users"):
            server.stop(setup)
        _make_ready(setup, gate)
        users = os.open(setup.root / "users", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(users, fcntl.LOCK_SH)
        return users


def _make_ready(setup: ServerSetup, gate: int) -> None:
    """Wait until the running server accepts connections, or start one."""
    if not server.becomes_ready(setup):
        server.stop(setup)
        server.start(setup, gate)


def _leave(setup: ServerSetup, users: int) -> None:
    try:
        with _gate(setup):
            os.close(users)
            if server.is_free(setup.root / "users"):
                server.stop(setup)
    except FileNotFoundError:
        # The folder was deleted; the server notices that and ends.
        return
    except DatabaseUnavailable as error:
        # The user's work is done: a warning is enough.
        log.warning("%s (%s)", error.message, error.hint)


@contextmanager
def _gate(setup: ServerSetup) -> Iterator[int]:
    """Lock the gate and yield it. Raises DatabaseUnavailable after GATE_SECONDS."""
    path = setup.root / "gate"
    gate = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    what = f"another command to start or stop the embedded PostgreSQL (its log: {setup.log})"
    try:
        for _ in waits(GATE_SECONDS, what):
            if _locks(gate):
                break
        else:
            raise DatabaseUnavailable(
                f"another command has been starting or stopping the embedded PostgreSQL for "
                f"{GATE_SECONDS:.0f} s",
                f"end the process that holds {path} (`fuser {path}` names it); see {setup.log}",
            )
        yield gate
    finally:
        os.close(gate)


def _locks(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

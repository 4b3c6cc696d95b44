"""Keeper of the embedded server: its parent process, which ends it when nobody is left.

Run as a script with the standard library only (`python -I -S keeper.py ORDER`),
in a session of its own, so that Ctrl-C in a terminal reaches neither it nor
PostgreSQL. Users of the server have it ended when they leave (SIGTERM); the keeper
is there for those that were killed and could not. While it lives it holds an
exclusive lock on the file `keeper`, which also names its process id (whoever starts
a keeper empties that file first).

ORDER is a JSON object: `gate`, `users`, `keeper` (lock files), `log`, `command`
(list), `environment`, `account` ([uid, gid] to run the command as, or null), `patience`: the
seconds that a fast and then an immediate shutdown may take, and `sockets`: a folder outside
of the server's own to remove after its end, or null.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

LOOK_EVERY_SECONDS = 1.0
# A checkpointer at work adds to its title what it does.
_IDLE = re.compile(rb": (?:checkpointer|io worker \d+)[ \0]*$")


def _try_lock(path: str) -> int | None:
    """Lock a file exclusively; None where somebody else holds it or it is gone."""
    try:
        lock = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _nobody_left(order: dict[str, Any]) -> bool:
    """Return whether nobody holds the users' lock; if so the gate stays locked.

    Servers are started and stopped by whoever holds the gate. When the server is
    ended here the gate stays locked until this process is gone, so that a newcomer
    waits and then starts a new server.
    """
    gate = _try_lock(order["gate"])
    if gate is None:
        return False
    if _try_lock(order["users"]) is not None:
        return True
    os.close(gate)
    return False


def _watch(order: dict[str, Any], server: subprocess.Popen[bytes], asked: threading.Event) -> None:
    """End the server once that is asked for, or nobody is left."""
    while not asked.wait(LOOK_EVERY_SECONDS) and not _nobody_left(order):
        pass
    # Fast shutdown ends the sessions and makes a checkpoint, immediate shutdown does
    # without; the next start then recovers. A server that takes neither hangs.
    fast, immediate = order["patience"]
    if not _ends(server, signal.SIGINT, fast) and not _ends(server, signal.SIGQUIT, immediate):
        server.kill()


def _ends(server: subprocess.Popen[bytes], number: int, seconds: float) -> bool:
    """Ask the server to end; tell whether it did within the seconds.

    A fast shutdown that meets a server in recovery stops half way (PostgreSQL 18.4): the
    checkpoint is never begun. What does nothing any more is not waited for.
    """
    server.send_signal(number)
    until = time.monotonic() + seconds
    idle = 0
    while time.monotonic() < until:
        with suppress(subprocess.TimeoutExpired):
            server.wait(min(LOOK_EVERY_SECONDS, seconds))
            return True
        idle = idle + 1 if _does_nothing(server.pid) else 0
        if number == signal.SIGINT and idle > 1:
            return False
    return False


def _does_nothing(pid: int) -> bool:
    """Return whether a server's processes are idle helpers only, by their titles (Linux)."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        titles = [Path(f"/proc/{child}/cmdline").read_bytes() for child in children]
    except OSError:
        return False
    return bool(titles) and all(_IDLE.search(title) for title in titles)


def _start(order: dict[str, Any]) -> subprocess.Popen[bytes]:
    uid, gid = order["account"] or (None, None)
    with open(order["log"], "ab") as log:
        return subprocess.Popen(
            order["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=order["environment"],
            user=uid,
            group=gid,
            extra_groups=None if uid is None else [],
            umask=0o077,
        )


def main() -> None:
    """Lock, step into the background, and serve until the server ends."""
    order = json.loads(sys.argv[1])
    lock = os.open(order["keeper"], os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if os.fork():
        os._exit(0)
    # Whoever reads the process id may send a signal at once.
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    os.write(lock, b"%d\n" % os.getpid())
    server = _start(order)
    threading.Thread(target=_watch, args=(order, server, asked), daemon=True).start()
    server.wait()
    if order["sockets"]:
        # What a killed server left there stays, for the next one to take over.
        with suppress(OSError):
            os.rmdir(order["sockets"])


if __name__ == "__main__":
    main()

"""The keeper: the parent process of the embedded server, which stops it without users.

Run as a script with the standard library only (`python -I -S keeper.py ORDER`),
in a session of its own, so that Ctrl-C in a terminal reaches neither it nor
PostgreSQL. The last user of the server sends the keeper SIGTERM to stop it; if the last user
was killed, the keeper notices that and stops the server. While it runs it holds an
exclusive lock on the file `keeper`, which also names its process id (the process that starts
a keeper empties that file first).

ORDER is a JSON object: `gate`, `users`, `keeper` (lock files), `log`, `command`
(list), `environment`, `account` ([uid, gid] to run the command as, or null),
`shutdown_seconds`: the time limits of a fast and then of an immediate shutdown, and
`sockets`: a folder outside of the server's own to remove when the server has ended, or null.
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

POLL_SECONDS = 1.0
# A busy checkpointer adds its present task to its title.
_IDLE = re.compile(rb": (?:checkpointer|io worker \d+)[ \0]*$")


def _try_lock(path: str) -> int | None:
    """Lock a file exclusively, and return it; None if it is locked already or does not exist."""
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


def _has_no_users(order: dict[str, Any]) -> bool:
    """Return whether no process holds the users' lock; if so the gate stays locked.

    Only the holder of the gate starts or stops servers. When the server is stopped
    here the gate stays locked until this process has ended, so that the next user
    waits and then starts a new server.
    """
    gate = _try_lock(order["gate"])
    if gate is None:
        return False
    if _try_lock(order["users"]) is not None:
        return True
    os.close(gate)
    return False


def _watch(
    order: dict[str, Any], server: subprocess.Popen[bytes], stop_requested: threading.Event
) -> None:
    """Stop the server when that is requested, or when it has no users."""
    while not stop_requested.wait(POLL_SECONDS) and not _has_no_users(order):
        pass
    # A fast shutdown ends the sessions and makes a checkpoint. An immediate shutdown makes
    # none, so the next start recovers. A server that ends by neither hangs, and is killed.
    fast, immediate = order["shutdown_seconds"]
    if not _stops(server, signal.SIGINT, fast) and not _stops(server, signal.SIGQUIT, immediate):
        server.kill()


def _stops(server: subprocess.Popen[bytes], number: int, seconds: float) -> bool:
    """Send the server a signal; return whether it ends within the seconds.

    A fast shutdown of a server in recovery can stop half way (PostgreSQL 18.4): the
    checkpoint never begins. So a fast shutdown fails as soon as the server is idle.
    """
    server.send_signal(number)
    until = time.monotonic() + seconds
    idle = 0
    while time.monotonic() < until:
        with suppress(subprocess.TimeoutExpired):
            server.wait(min(POLL_SECONDS, seconds))
            return True
        idle = idle + 1 if _is_idle(server.pid) else 0
        if number == signal.SIGINT and idle > 1:
            return False
    return False


def _is_idle(pid: int) -> bool:
    """Return whether all processes of a server are idle helpers, by their titles (Linux)."""
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
    """Lock `keeper`, go to the background, start the server and wait until it ends."""
    order = json.loads(sys.argv[1])
    lock = os.open(order["keeper"], os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if os.fork():
        os._exit(0)
    # Before the process id is written: its readers may send a signal at once.
    stop_requested = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_requested.set())
    os.write(lock, b"%d\n" % os.getpid())
    server = _start(order)
    threading.Thread(target=_watch, args=(order, server, stop_requested), daemon=True).start()
    server.wait()
    if order["sockets"]:
        # Files that a killed server left keep the folder; the next server replaces them.
        with suppress(OSError):
            os.rmdir(order["sockets"])


if __name__ == "__main__":
    main()

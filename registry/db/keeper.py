"""Keeper of the embedded server: its parent process, which ends it when nobody is left.

Run as a script with the standard library only (`python -I -S keeper.py ORDER`),
in a session of its own, so that Ctrl-C in a terminal reaches neither it nor
PostgreSQL. Users of the server end it themselves when they leave; the keeper is
there for those that were killed and could not. While it lives it holds an
exclusive lock on the file `keeper`, which also names its process id.

ORDER is a JSON object: `gate`, `users`, `keeper` (lock files), `log`, `command`
(list), `environment`, and `account` ([uid, gid] to run the command as, or null).
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

LOOK_EVERY_SECONDS = 1.0


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


def _watch(order: dict[str, Any], pid: int) -> None:
    """End the server once nobody holds the users' lock."""
    while True:
        time.sleep(LOOK_EVERY_SECONDS)
        # Servers are started and stopped by whoever holds the gate. When the
        # server is ended here the gate stays locked until this process is
        # gone, so that a newcomer waits and then starts a new server.
        gate = _try_lock(order["gate"])
        if gate is None:
            continue
        if _try_lock(order["users"]) is not None:
            os.kill(pid, signal.SIGINT)
            return
        os.close(gate)


def _serve(order: dict[str, Any]) -> None:
    uid, gid = order["account"] or (None, None)
    with open(order["log"], "ab") as log:
        server = subprocess.Popen(
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
    # SIGINT is PostgreSQL's fast shutdown: sessions are ended, a checkpoint is made.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.kill(server.pid, signal.SIGINT))
    threading.Thread(target=_watch, args=(order, server.pid), daemon=True).start()
    server.wait()


def main() -> None:
    """Lock, step into the background, and serve until the server ends."""
    order = json.loads(sys.argv[1])
    lock = os.open(order["keeper"], os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if os.fork():
        os._exit(0)
    os.ftruncate(lock, 0)
    os.write(lock, b"%d\n" % os.getpid())
    _serve(order)


if __name__ == "__main__":
    main()

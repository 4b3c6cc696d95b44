"""Starts the sandbox's worker processes as forks of one that has loaded what they need.

The tests start more than a thousand workers, each of which would load the same modules for a
third of a second. Only how a worker is started differs: `tests/integration/test_sandbox.py`, and
every command that is not forked, start real ones. `OPTOUT_TESTS_FORK=no` starts real ones only.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import pickle
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path

from registry.sandbox import pool

_STATUS = 16
_MOST_BYTES = 1 << 20
_lock = threading.Lock()
really_started = pool._started


def address() -> str:
    """Return the socket where workers are asked for; start the server if there is none."""
    with _lock:
        return _served()


@cache
def _served() -> str:
    folder = tempfile.mkdtemp(prefix="optout-nursery-")
    path = f"{folder}/socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(path)
        listening.listen(64)
        code = f"import sys; sys.path[:] = {sys.path!r}; import nursery; nursery.serve()"
        server = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=listening,
            process_group=0,
        )
    atexit.register(_end, os.getpid(), server, folder)
    return path


def _end(owner: int, server: subprocess.Popen[bytes], folder: str) -> None:
    if os.getpid() == owner:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


class Forked:
    """A worker, as the sandbox's pool uses a subprocess.Popen."""

    def __init__(self, path: str, channel: Connection) -> None:
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.connect(path)
        theirs, ours = os.pipe()
        self.stdin = os.fdopen(ours, "wb", buffering=0)
        asked = pickle.dumps((sys.path, dict(os.environ), str(Path.cwd())))
        try:
            socket.send_fds(self._server, [asked], [theirs, channel.fileno()])
        finally:
            os.close(theirs)
        self._pid = int(self._server.recv(_STATUS))
        self._code: int | None = None
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        return self._code if self._code is not None else self._ended(socket.MSG_DONTWAIT)

    def wait(self) -> int:
        code = self._code
        while code is None:
            code = self._ended(0)
        return code

    def kill(self) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def _ended(self, flags: int) -> int | None:
        """Return the exit code of an ended worker, negative for a signal."""
        with self._lock:
            if self._code is None:
                try:
                    self._code = int(self._server.recv(_STATUS, flags) or b"1")
                except BlockingIOError:
                    return None
                self._server.close()
            return self._code


def start_forked(where: Callable[[], str]) -> None:
    """Let the workers of this process be forked by the server at this socket."""
    pool._started = lambda channel: Forked(where(), channel)  # type: ignore[assignment,return-value]


def serve() -> None:
    """Fork a worker for each connection to the socket at stdout, until stdin is closed."""
    from crawler.visit import readers
    from registry.pictures import reading
    from registry.sandbox import worker

    reading.load()
    readers.load()
    gc.collect()
    gc.freeze()
    del worker
    listening = socket.socket(fileno=os.dup(1))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with selectors.DefaultSelector() as waiting:
        waiting.register(listening, selectors.EVENT_READ)
        waiting.register(0, selectors.EVENT_READ)
        while all(key.fd != 0 for key, _ in waiting.select()):
            asking, _ = listening.accept()
            with asking:
                if os.fork() == 0:
                    waiting.close()
                    listening.close()
                    os._exit(_keep(asking))


def _keep(asking: socket.socket) -> int:
    """Fork a worker, say its number, and say how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, fds, _, _ = socket.recv_fds(asking, _MOST_BYTES, 2)
    pid = os.fork()
    if pid == 0:
        asking.close()
        _work(message, *fds)
    for fd in fds:
        os.close(fd)
    with contextlib.suppress(OSError):
        asking.send(str(pid).encode())
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        asking.send(str(os.waitstatus_to_exitcode(status)).encode())
    return 0


def _work(message: bytes, lifeline: int, channel: int) -> None:
    """Do what a worker that is started really does."""
    from registry.sandbox.worker import main

    path, environment, cwd = pickle.loads(message)
    os.setpgid(0, 0)
    os.dup2(lifeline, 0)
    os.close(lifeline)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.path[:] = path
    code = 1
    try:
        main(channel)
        code = 0
    finally:
        os._exit(code)

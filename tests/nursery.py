"""Starts the processes of commands under test as forks of one that has loaded what they need.

The sandbox's workers and the children of `crawler worker` are interpreters that are started with
a line of code. The tests start more than a thousand, each of which would load the same modules
for a third of a second to a whole one. Only how they are started differs. Real ones are started by
`tests/integration/test_sandbox.py` and by every command that is not forked itself.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import fcntl
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
import traceback
from collections.abc import Callable, Sequence
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from registry.sandbox import pool

_STATUS = 16
_MOST_BYTES = 1 << 20
# Above all files that a process has when it is forked.
_HIGH = 200
_lock = threading.Lock()
really_started = pool._started
_really_executed = asyncio.create_subprocess_exec


def address() -> str:
    """Return the socket where processes are asked for; start the server if there is none."""
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


def start_forked(where: Callable[[], str]) -> None:
    """Let processes that this one starts be forked by the server at this socket."""
    pool._started = lambda channel: _worker(where(), channel)  # type: ignore[assignment,return-value]

    async def executed(*words: str, **options: Any) -> Any:
        if words[1:3] == ("-P", "-c"):
            return await _child(where(), words[3], options["limit"])
        return await _really_executed(*words, **options)

    asyncio.create_subprocess_exec = executed


class Forked:
    """A process that runs some code; `files` are its first ones, from standard input on."""

    def __init__(self, path: str, code: str, files: Sequence[int]) -> None:
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.connect(path)
        again = f"import nursery; nursery.start_forked(lambda: {path!r})\n{code}"
        asked = pickle.dumps((again, sys.path, dict(os.environ), str(Path.cwd())))
        socket.send_fds(self._server, [asked], files)
        self.pid = int(self._server.recv(_STATUS))
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
                os.kill(self.pid, signal.SIGKILL)

    def _ended(self, flags: int) -> int | None:
        """Return the exit code of an ended process, negative for a signal."""
        with self._lock:
            if self._code is None:
                try:
                    self._code = int(self._server.recv(_STATUS, flags) or b"1")
                except BlockingIOError:
                    return None
                self._server.close()
            return self._code


class _Worker(Forked):
    """A worker, as the sandbox's pool uses a subprocess.Popen."""

    def __init__(self, path: str, code: str, files: Sequence[int], lifeline: int) -> None:
        super().__init__(path, code, files)
        self.stdin = os.fdopen(lifeline, "wb", buffering=0)


def _worker(path: str, channel: Connection) -> _Worker:
    code = "from registry.sandbox.worker import main; main(3)"
    theirs, ours = os.pipe()
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        return _Worker(path, code, [theirs, null, 2, channel.fileno()], ours)
    finally:
        os.close(theirs)
        os.close(null)


class _Child:
    """A child, as `crawler worker` uses an asyncio.subprocess.Process."""

    def __init__(
        self, forked: Forked, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader
    ) -> None:
        self.stdin, self.stdout, self.pid, self.kill = stdin, stdout, forked.pid, forked.kill
        self._forked = forked

    async def wait(self) -> int:
        return await asyncio.to_thread(self._forked.wait)


async def _child(path: str, code: str, limit: int) -> _Child:
    their_input, our_input = os.pipe()
    our_output, their_output = os.pipe()
    forked = Forked(path, code, [their_input, their_output, 2])
    os.close(their_input)
    os.close(their_output)
    loop = asyncio.get_running_loop()
    stdout = asyncio.StreamReader(limit)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(our_output, "rb", buffering=0)
    )
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(our_input, "wb", buffering=0)
    )
    return _Child(forked, asyncio.StreamWriter(transport, protocol, None, loop), stdout)


def serve() -> None:
    """Fork a process for each connection to the socket at stdout, until stdin is closed."""
    import crawler.worker.child
    from crawler.visit import readers
    from registry.pictures import reading

    del crawler
    reading.load()
    readers.load()
    gc.collect()
    gc.freeze()
    listening = socket.socket(fileno=os.dup(1))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with selectors.DefaultSelector() as waiting:
        waiting.register(listening, selectors.EVENT_READ)
        waiting.register(0, selectors.EVENT_READ)
        while all(key.fd != 0 for key, _ in waiting.select()):
            asking, _ = listening.accept()
            with asking:
                if os.fork() == 0:
                    os._exit(_keep(asking))


def _keep(asking: socket.socket) -> int:
    """Fork a process, say its number, and say how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, fds, _, _ = socket.recv_fds(asking, _MOST_BYTES, 4)
    pid = os.fork()
    if pid == 0:
        _run(message, fds)
    os.closerange(0, asking.fileno())
    for fd in fds:
        os.close(fd)
    with contextlib.suppress(OSError):
        asking.send(str(pid).encode())
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        asking.send(str(os.waitstatus_to_exitcode(status)).encode())
    return 0


def _run(message: bytes, fds: Sequence[int]) -> None:
    """Do what an interpreter does that is started with some code; do not return."""
    code, path, environment, cwd = pickle.loads(message)
    kept = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH) for fd in fds]
    os.closerange(0, _HIGH)
    for number, fd in enumerate(kept):
        os.dup2(fd, number)
        os.close(fd)
    os.setpgid(0, 0)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.path[:] = path
    try:
        exec(code, {"__name__": "__main__"})
    except BaseException:  # noqa: BLE001 (printed; whatever it is, this process ends)
        traceback.print_exc()
        os._exit(1)
    os._exit(0)

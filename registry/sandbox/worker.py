"""The worker's side: take work from the parent, send results item by item, end with it.

The kernel enforces the limits, so that no decoder can exceed them: a timer ends the
process, and its private memory is limited. On systems without such a limit (macOS), a
thread checks the memory used.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from registry.sandbox.work import OUT_OF_MEMORY_CODE, READY, TAKEN, Kind, Work

LIFELINE = 0
WATCH_SECONDS = 0.1
_STATM = Path("/proc/self/statm")
_OUT_OF_MEMORY = pickle.dumps(("out-of-memory", None))


def main(channel: int) -> None:
    """Serve the parent at the other end of a socket until the socket is closed."""
    _settle_in()
    connection = Connection(channel)
    _send(connection, READY)
    _silence()
    prepared: set[Callable[[], object]] = set()
    while True:
        try:
            work, items = connection.recv()
        except (EOFError, OSError):
            return
        _send(connection, TAKEN)
        _serve(connection, work, items, prepared)


def _send(connection: Connection, message: bytes) -> None:
    """Send to the parent; end quietly if the parent has ended."""
    try:
        connection.send_bytes(message)
    except OSError:
        os._exit(1)


def _settle_in() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Restore the default action: the signal ends the process, even within C code.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The workers are the threads; each further one costs memory that is counted.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _silence() -> None:
    """Discard decoders' output on stderr; exceptions are sent to the parent as messages."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)


def _end_with_parent() -> None:
    """Wait for the end of the parent, which closes its end of the pipe."""
    with contextlib.suppress(OSError):
        os.read(LIFELINE, 1)
    os._exit(1)


def _serve(
    connection: Connection,
    work: Work[Any, Any],
    items: Sequence[Any],
    prepared: set[Callable[[], object]],
) -> None:
    if work.prepare not in prepared:
        work.prepare()
        prepared.add(work.prepare)
    limit_memory(work.limits.memory)
    for item in items:
        message = _called(work, item)
        _send(connection, message)
        if message is _OUT_OF_MEMORY:
            os._exit(OUT_OF_MEMORY_CODE)
    if _STATM.exists():
        # Receiving the next items is not part of a call.
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _called(work: Work[Any, Any], item: Any) -> bytes:
    """Call the function within its limits; return the answer as a message."""
    signal.setitimer(signal.ITIMER_REAL, work.limits.seconds)
    try:
        return _message("value", work.function(item))
    except MemoryError:
        return _OUT_OF_MEMORY
    except Exception:  # noqa: BLE001 (the function is any code; the parent reports the traceback)
        return _message("fault", traceback.format_exc())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _message(kind: Kind, value: object) -> bytes:
    return pickle.dumps((kind, value), pickle.HIGHEST_PROTOCOL)


def limit_memory(memory: int) -> None:
    """Limit this process to so many bytes of private memory in addition to its present use."""
    if _STATM.exists():
        # Sixth field: pages of data and stack, which is what the kernel's limit is about.
        held = int(_STATM.read_text().split()[5]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        soft = held + memory
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    elif not _watched:
        _watched.append(memory)
        threading.Thread(target=watch_memory, args=[memory], daemon=True).start()


# Holds a limit once memory is watched by a thread.
_watched: list[int] = []


def watch_memory(memory: int) -> None:
    """End this process once it uses so many bytes more than at this call."""
    unit = 1 if sys.platform == "darwin" else 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit + memory
    while resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit <= most:
        time.sleep(WATCH_SECONDS)
    os._exit(OUT_OF_MEMORY_CODE)

"""Fingerprinting in other processes: decoding is slow, and some files crash decoders.

Every worker is a pool of one process. A file that kills it or takes too long
costs that file alone; the next file gets a new process.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from registry.errors import UnreadablePicture
from registry.model import Picture

WORKERS = 2
SECONDS = 60.0


Reader = Callable[[bytes], Picture]


def _fingerprint(data: bytes) -> Picture:
    from registry.fingerprints import fingerprint

    return fingerprint(data)


class PicturePool:
    """Turns bytes into pictures. `seconds` is the time limit per file."""

    def __init__(
        self, workers: int = WORKERS, seconds: float = SECONDS, reader: Reader = _fingerprint
    ) -> None:
        """Start nothing yet: the first file starts the first process."""
        self._seconds = seconds
        self._reader = reader
        self._pools: list[ProcessPoolExecutor | None] = [None] * workers
        self._free: asyncio.Queue[int] = asyncio.Queue()
        for number in range(workers):
            self._free.put_nowait(number)

    async def read(self, data: bytes) -> Picture | str:
        """Return the picture of a file's bytes, or the reason why there is none.

        Reasons: those of UnreadablePicture, `timeout`, and `crashed`.
        """
        number = await self._free.get()
        try:
            return await self._read_in(number, data)
        finally:
            self._free.put_nowait(number)

    async def _read_in(self, number: int, data: bytes) -> Picture | str:
        pool = self._pools[number] or _new_pool()
        self._pools[number] = pool
        started = time.monotonic()
        try:
            return await asyncio.wrap_future(pool.submit(_read, self._reader, data, self._seconds))
        except BrokenProcessPool:
            self._pools[number] = None
            pool.shutdown(wait=False)
            return "timeout" if time.monotonic() - started >= self._seconds else "crashed"

    def close(self) -> None:
        """End the processes; files still being read are given up."""
        for pool in self._pools:
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)


def _new_pool() -> ProcessPoolExecutor:
    # Forking a process with threads in it is not safe; a fresh one is.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, initializer=_prepare)


def _prepare() -> None:
    """Leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _read(reader: Reader, data: bytes, seconds: float) -> Picture | str:
    # Without a handler the alarm ends the process: a decoder that is stuck in
    # C code would never come back to run one.
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return reader(data)
    except UnreadablePicture as error:
        return error.reason
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)

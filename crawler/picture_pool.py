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
from dataclasses import dataclass

from registry.errors import UnreadablePicture
from registry.model import Evidence, Picture

WORKERS = 2
SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class FileRead:
    """What came of the bytes of one image: a picture or a refusal, and the marks in the file.

    `warnings` say which of the file's marks could not be read.
    """

    picture: Picture | None = None
    refusal: str | None = None
    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[str, ...] = ()


Reader = Callable[[bytes, str], FileRead]


def _read_file(data: bytes, url: str) -> FileRead:
    from registry.embedded_marks import read_embedded
    from registry.fingerprints import fingerprint

    # A file may say what may be done with it even where its picture cannot be decoded.
    marks = read_embedded(data, url)
    try:
        return FileRead(fingerprint(data), None, marks.evidence, marks.warnings)
    except UnreadablePicture as error:
        return FileRead(None, error.reason, marks.evidence, marks.warnings)


class PicturePool:
    """Turns bytes into pictures. `seconds` is the time limit per file."""

    def __init__(
        self, workers: int = WORKERS, seconds: float = SECONDS, reader: Reader = _read_file
    ) -> None:
        """Start nothing yet: the first file starts the first process."""
        self._seconds = seconds
        self._reader = reader
        self._pools: list[ProcessPoolExecutor | None] = [None] * workers
        self._free: asyncio.Queue[int] = asyncio.Queue()
        for number in range(workers):
            self._free.put_nowait(number)

    async def read(self, data: bytes, url: str = "") -> FileRead:
        """Return the picture of a file's bytes, or the reason why there is none, and its marks.

        Reasons: those of UnreadablePicture, `timeout`, and `crashed`.
        """
        number = await self._free.get()
        try:
            return await self._read_in(number, data, url)
        finally:
            self._free.put_nowait(number)

    async def _read_in(self, number: int, data: bytes, url: str) -> FileRead:
        pool = self._pools[number] or _new_pool()
        self._pools[number] = pool
        started = time.monotonic()
        try:
            future = pool.submit(_read, self._reader, data, url, self._seconds)
            return await asyncio.wrap_future(future)
        except BrokenProcessPool:
            self._pools[number] = None
            pool.shutdown(wait=False)
            late = time.monotonic() - started >= self._seconds
            return FileRead(refusal="timeout" if late else "crashed")

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


def _read(reader: Reader, data: bytes, url: str, seconds: float) -> FileRead:
    # Without a handler the alarm ends the process: a decoder that is stuck in
    # C code would never come back to run one.
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return reader(data, url)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)

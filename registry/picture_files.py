"""Fingerprinting picture files on disk, in worker processes when there are many."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from registry.errors import UnreadableInput
from registry.model import Picture

# Starting a worker costs as much as fingerprinting this many pictures.
WORTH_A_POOL = 32
CHUNK = 64

Read = Picture | str


def silence_pillow() -> None:
    """Keep this process from printing what Pillow remarks on damaged metadata.

    Whether a picture can be read is said by us; its metadata is nobody's question here.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL + 1)


def read_picture(path: Path) -> Read:
    """Return the picture in a file, or in one line why it cannot be had."""
    from registry.fingerprints import fingerprint_file

    try:
        return fingerprint_file(path)
    except UnreadableInput as error:
        return error.message


def read_pictures(paths: Sequence[Path]) -> Iterator[tuple[Path, Read]]:
    """Yield every file with its picture or the reason why not, in order."""
    if len(paths) < WORTH_A_POOL:
        yield from ((path, read_picture(path)) for path in paths)
        return
    pool = _pool(os.cpu_count() or 1)
    try:
        for start in range(0, len(paths), CHUNK):
            chunk = paths[start : start + CHUNK]
            try:
                found = list(pool.map(read_picture, chunk, chunksize=4))
            except BrokenProcessPool:
                pool = _pool(os.cpu_count() or 1)
                found = [_alone(path) for path in chunk]
            yield from zip(chunk, found, strict=True)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _alone(path: Path) -> Read:
    """Read one picture of a chunk that killed a worker, in a worker of its own."""
    with _pool(1) as pool:
        try:
            return pool.submit(read_picture, path).result()
        except BrokenProcessPool:
            return f"{path}: the decoder crashed"


def _pool(workers: int) -> ProcessPoolExecutor:
    # Spawned, not forked: this process has threads.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)


def _start_worker() -> None:
    # Ctrl-C is the parent's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    silence_pillow()

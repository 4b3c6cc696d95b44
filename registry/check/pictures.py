"""Hashing the pictures of a dataset in worker processes.

A picture that crashes its worker (a decoder's fault) costs that picture, not
the check: the pool is made anew and the picture is counted as `image-crashed`.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from registry.errors import UnreadablePicture

CHUNK = 8


@dataclass(frozen=True, slots=True)
class Hashed:
    """Digests and fingerprints of one picture as raw values, or the problem with it."""

    sha256: bytes | None = None
    md5: bytes | None = None
    phash64: int | None = None
    phash256: bytes | None = None
    problem: str | None = None


def hash_picture(data: bytes | None) -> Hashed:
    """Hash one picture; None stands for a missing one."""
    from registry.fingerprints import file_digests, fingerprint

    if data is None:
        return Hashed()
    try:
        picture = fingerprint(data)
    except UnreadablePicture as error:
        sha256, md5 = file_digests(data)
        return Hashed(bytes.fromhex(sha256), bytes.fromhex(md5), problem=f"image-{error.reason}")
    digests = bytes.fromhex(picture.sha256), bytes.fromhex(picture.md5)
    if picture.unfit:
        return Hashed(*digests, problem=f"unfit-{picture.unfit}")
    prints = picture.fingerprints
    return Hashed(
        *digests, int(prints["phash64"]["full"], 16), bytes.fromhex(prints["phash256"]["full"])
    )


class PictureHasher:
    """A pool of `workers` processes; with one worker everything runs in this process."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def __call__(self, pictures: Sequence[bytes | None]) -> list[Hashed]:
        """Hash pictures, keeping their order."""
        if self._workers <= 1:
            return [hash_picture(data) for data in pictures]
        try:
            return list(self._started().map(hash_picture, pictures, chunksize=CHUNK))
        except BrokenProcessPool:
            self.close()
            return [self._alone(data) for data in pictures]

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Spawned, not forked: the parent has threads (Arrow's, numba's).
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self._workers, mp_context=context, initializer=_ignore_interrupt
            )
        return self._pool

    def _alone(self, data: bytes | None) -> Hashed:
        """Hash one picture of a batch that killed a worker, in a worker that may die too."""
        try:
            return self._started().submit(hash_picture, data).result()
        except BrokenProcessPool:
            self.close()
            return Hashed(problem="image-crashed")


def _ignore_interrupt() -> None:
    """Leave Ctrl-C to the parent, which ends the workers in order."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)

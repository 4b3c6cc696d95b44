"""Hashes the pictures of a dataset in worker processes.

A picture that exceeds its limits or crashes its worker does not stop the check: it counts
as `image-timeout`, `image-out-of-memory` or `image-crashed`, and its digests are compared.
"""

from __future__ import annotations

from collections.abc import Sequence

from registry.pictures.reading import Hashed, hash_picture, sandboxed, unhashed
from registry.sandbox import CallResult, Pool

__all__ = ["Hashed", "PictureHasher"]


class PictureHasher:
    """A pool of `workers` processes, started with the first picture."""

    def __init__(self, workers: int) -> None:
        self._pool = Pool(workers)

    def __call__(self, pictures: Sequence[bytes | None]) -> list[Hashed]:
        """Hash pictures, keeping their order; None stands for a missing one."""
        present = [data for data in pictures if data is not None]
        answers = self._pool.map(sandboxed(hash_picture), present)
        return [Hashed() if data is None else _hashed(data, next(answers)) for data in pictures]

    def close(self) -> None:
        """End the workers."""
        self._pool.close()


def _hashed(data: bytes, answer: CallResult[Hashed]) -> Hashed:
    if answer.failure is not None:
        return unhashed(data, answer.failure)
    assert answer.value is not None
    return answer.value

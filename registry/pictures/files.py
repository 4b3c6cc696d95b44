"""Fingerprints picture files on disk, in sandboxed worker processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from registry.errors import UnreadableInput
from registry.model import Picture
from registry.pictures.reading import Unread, read_bytes, read_copy, read_path, sandboxed, unread
from registry.sandbox import CallResult, Pool

# Starting a worker costs as much as fingerprinting this many pictures.
WORTH_A_WORKER = 16

Read = Picture | Unread


class PictureReader:
    """Reads picture files one by one in a separate process; a context manager."""

    def __init__(self) -> None:
        self._pool = Pool(1)

    def file(self, path: Path) -> Picture:
        """Return the picture in a file. Raises UnreadableInput that names the path."""
        return _picture(_named(path, self._pool.call(sandboxed(read_path), path)))

    def copy(self, path: Path) -> Picture:
        """Return the copy of a picture in a file, which may be padded; raises like `file`."""
        return _picture(_named(path, self._pool.call(sandboxed(read_copy), path)))

    def data(self, data: bytes) -> Picture:
        """Return the picture that bytes hold. Raises UnreadableInput."""
        return _picture(_read(self._pool.call(sandboxed(read_bytes), data)))

    def __enter__(self) -> PictureReader:
        """Return the reader itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._pool.close()


def read_pictures(paths: Sequence[Path]) -> Iterator[tuple[Path, Read]]:
    """Yield every file with its picture or an Unread, in order."""
    workers = max(1, min(os.cpu_count() or 1, len(paths) // WORTH_A_WORKER))
    with Pool(workers) as pool:
        for path, answer in zip(paths, pool.map(sandboxed(read_path), paths), strict=True):
            yield path, _named(path, answer)


def _named(path: Path, answer: CallResult[Read]) -> Read:
    """Return the result; a failure of the worker becomes an Unread with the path."""
    read = _read(answer)
    if answer.failure is not None and isinstance(read, Unread):
        return Unread(f"{path}: {read.message}", read.hint)
    return read


def _read(answer: CallResult[Read]) -> Read:
    if answer.failure is not None:
        return unread(answer.failure)
    assert answer.value is not None
    return answer.value


def _picture(read: Read) -> Picture:
    if isinstance(read, Unread):
        raise UnreadableInput(read.message, read.hint)
    return read

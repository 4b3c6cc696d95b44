"""Whether the files of a dataset are the same as before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from registry.datasets import STDIN
from registry.datasets.remote.naming import learn_anew
from registry.datasets.remote.paths import is_remote
from registry.errors import RefusedFile
from registry.files import opened

# Bytes at both ends of a file that are compared, and most files of which they are.
_ENDS, MOST = 1 << 16, 10_000
_BLOCK = 1 << 20

State = tuple[str, int, int]


def states(files: Sequence[Path]) -> list[State]:
    """Return name, size and time of the last change (nanoseconds) of each file; -1: unknown.

    Of a remote file the time is a number that changes with its version.
    """
    return [_state(path) for path in files]


def changed(before: Sequence[State], files: Sequence[Path]) -> str | None:
    """Return the name of a file that has another state than before, or None."""
    learn_anew(files)
    now = states(files)
    return next((new[0] for old, new in zip(before, now, strict=True) if old != new), None)


def size(known: Sequence[State]) -> int | None:
    """Return the size of files together in bytes; None if that of one is unknown."""
    sizes = [size for _, size, _ in known]
    return None if -1 in sizes else sum(sizes)


def digest(files: Sequence[Path]) -> str:
    """Return a digest of the states of files and, if they are not too many, of their ends."""
    whole = hashlib.sha256()
    for path, state in zip(files, states(files), strict=True):
        whole.update(repr(state).encode("utf-8", "backslashreplace"))
        if len(files) <= MOST:
            whole.update(_ends(path))
    return whole.hexdigest()


def whole_digest(path: Path) -> tuple[int, str]:
    """Return the size and the sha256 of a file, which is read whole.

    Raises OSError or RefusedFile.
    """
    size, whole = 0, hashlib.sha256()
    with opened(path) as file:
        while block := file.read(_BLOCK):
            whole.update(block)
            size += len(block)
    return size, whole.hexdigest()


def _state(path: Path) -> State:
    if path == STDIN:
        return str(path), -1, -1
    try:
        known = path.stat()
    except OSError:
        return str(path), -1, -1
    return str(path), known.st_size, known.st_mtime_ns


def _ends(path: Path) -> bytes:
    """Return a digest of the first and last bytes of a file; nothing for one that is unreadable."""
    if is_remote(path):
        # Its version says more, and costs less.
        return b""
    try:
        with opened(path) as file:
            first = file.read(_ENDS)
            file.seek(max(path.stat().st_size - _ENDS, 0))
            return hashlib.sha256(first + file.read(_ENDS)).digest()
    except (OSError, RefusedFile):
        return b""

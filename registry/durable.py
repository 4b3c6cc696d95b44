"""Files that are either complete or absent, even after a power cut or a kill.

The order is the one LevelDB and Git use: write a temporary file, flush it to
the disk, rename it over the name, flush the folder that holds the name.

The temporary file is in the folder of its target and locked by its process: the kernel
frees the lock however the process ends. The next process that writes to the folder
removes temporary files without a lock. (A file without a name, O_TMPFILE, would vanish by
itself, but it cannot replace an existing name directly, and network file systems do not
support it.)
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from registry.errors import UnwritableOutput

SUFFIX = ".registry-unfinished"
FOLDER_SUFFIX = ".registry-building"
# On some network file systems a lock is visible on one machine only. A file of another
# machine counts as abandoned after this many seconds without a write.
FOREIGN_SECONDS = 24 * 3600
# Characters of the target's name used in a temporary name, which has 255 bytes at most.
NAME_CHARACTERS = 40
_DEVICES, _KERNEL = Path("/dev"), (Path("/proc"), Path("/sys"))
# As many as Linux follows.
_MOST_LINKS = 40


def unwritable(path: Path, error: OSError, hint: str | None = None) -> UnwritableOutput:
    """Return the UnwritableOutput for an OSError of a file; `hint` replaces the usual one."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    return UnwritableOutput(f"{path} cannot be written: {reason}", hint)


def place_of(path: Path) -> Path:
    """Return the file that is written for a name: symbolic links are followed, not replaced.

    Raises UnwritableOutput for the names of devices and of open files (`/dev/stdout`): a new file
    would take the place of the name itself.
    """
    place = _in_real_folder(path)
    for _ in range(_MOST_LINKS):
        if place.parent == _DEVICES or any(place.is_relative_to(root) for root in _KERNEL):
            raise UnwritableOutput(f"{path} is not a regular file", "name a file")
        if not place.is_symlink():
            return place
        place = _in_real_folder(place.parent / place.readlink())
    raise UnwritableOutput(f"{path} is a symbolic link to itself", "name a file")


def _in_real_folder(path: Path) -> Path:
    return Path(os.path.realpath(path.parent)) / path.name


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Raise UnwritableOutput for an OSError."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error


def flush_file(path: Path) -> None:
    """Force the bytes of a file to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def flush_folder(path: Path) -> None:
    """Force the names in a folder to the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Unfinished:
    """A temporary file in the folder of its target and, on demand, a temporary folder there.

    All methods may raise OSError, and the first one UnwritableOutput. `discard` may be called at
    any time, also twice.
    """

    def __init__(self, target: Path) -> None:
        self.target = place_of(target)
        remove_abandoned(self.target.parent)
        self.path, self._lock = _create(self.target)

    def make_folder(self) -> Path:
        """Create the temporary folder; it is removed with the file, unless renamed."""
        folder = _folder_of(self.path)
        folder.mkdir()
        return folder

    def finish(self) -> None:
        """Flush the file, rename it to the target, and flush the folder."""
        flush_file(self.path)
        self.path.replace(self.target)
        flush_folder(self.target.parent)
        self._unlock()

    def discard(self) -> None:
        """Remove the temporary file and folder, if they still exist."""
        if self._lock is not None:
            _remove(self.path)
            self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


@contextmanager
def unfinished(target: Path) -> Iterator[Unfinished]:
    """Yield a temporary file in the folder of `target`; it is removed unless it was finished."""
    made = Unfinished(target)
    try:
        yield made
    finally:
        made.discard()


def write_text(path: Path, text: str) -> None:
    """Write a small text file durably; an old file is replaced in one step.

    Raises UnwritableOutput.
    """
    try:
        with unfinished(path) as made:
            made.path.write_text(text, encoding="utf-8")
            made.finish()
    except OSError as error:
        raise unwritable(path, error) from error


def remove_abandoned(folder: Path) -> None:
    """Remove temporary files and folders whose processes have certainly ended."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and entry.name.endswith(SUFFIX):
                _remove_if_abandoned(Path(entry.path))


def _create(target: Path) -> tuple[Path, int | None]:
    """Create and lock a temporary file; return its path and the lock."""
    while True:
        name = f".{target.name[:NAME_CHARACTERS]}.{_machine()}-{secrets.token_hex(4)}{SUFFIX}"
        path = target.parent / name
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        with suppress(OSError):
            # Without locks no file ever counts as abandoned.
            fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_at(lock, path):
            return path, lock
        # Another process, in remove_abandoned, locked it first.
        os.close(lock)


def _remove_if_abandoned(path: Path) -> None:
    try:
        lock = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        # It was removed meanwhile, or belongs to another account.
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = f".{_machine()}-" in path.name
        if _is_at(lock, path) and (ours or _age(path) > FOREIGN_SECONDS):
            _remove(path)
    except OSError:
        # Its process is alive, or this file system has no locks.
        return
    finally:
        os.close(lock)


def _remove(path: Path) -> None:
    """Remove a temporary file, its folder first: a folder alone would never be removed."""
    folder = _folder_of(path)
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        path.unlink(missing_ok=True)


def _folder_of(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(SUFFIX) + FOLDER_SUFFIX)


def _is_at(file: int, path: Path) -> bool:
    """Return whether an open file still has this path."""
    try:
        return os.path.samestat(os.fstat(file), os.lstat(path))
    except FileNotFoundError:
        return False


def _age(path: Path) -> float:
    """Return the seconds since the last write to the file or to a file in its folder."""
    files = [path, *_folder_of(path).glob("*")]
    return time.time() - max(file.lstat().st_mtime for file in files)


def _machine() -> str:
    """Return a short identifier of this machine for file names."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]

"""Removes old snapshots. Segments that newer ones share stay, as they are links."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from registry.errors import UnreadableSnapshot
from registry.snapshot import store
from registry.snapshot.format import MANIFEST
from registry.snapshot.opened import read_manifest


@dataclass(frozen=True, slots=True)
class Listed:
    """A numbered snapshot: its folder, when it was built, its entries, and its bytes.

    `own` are the bytes that no other snapshot shares; `fault` is why it cannot be read, or None.
    """

    serial: int
    folder: Path
    built_at: str
    entries: int
    size: int
    own: int
    is_newest: bool
    fault: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as `snapshot list --json` prints it."""
        return {**asdict(self), "folder": str(self.folder)}

    def to_row(self) -> dict[str, Any]:
        """Return it as a line of `snapshot list`."""
        return {
            "serial": self.serial,
            "built_at": self.built_at[:16].replace("T", " "),
            "entries": self.entries,
            "bytes": self.size,
            "own_bytes": self.own,
            "note": self.fault or ("newest" if self.is_newest else ""),
        }


def listed(root: Path) -> list[Listed]:
    """Return the numbered snapshots under `root`, oldest first."""
    newest = store.newest(root)
    return [_listed(root, serial, newest) for serial in store.serials(root)]


def _listed(root: Path, serial: int, newest: Path | None) -> Listed:
    folder = store.folder_of(root, serial)
    states = [path.lstat() for path in folder.rglob("*") if path.is_file()]
    size = sum(state.st_size for state in states)
    own = sum(state.st_size for state in states if state.st_nlink == 1)
    try:
        manifest = read_manifest(folder)
    except UnreadableSnapshot as error:
        return Listed(serial, folder, "", 0, size, own, folder == newest, error.message)
    entries = manifest.counts.get("observations", 0) + manifest.counts.get("claims", 0)
    return Listed(serial, folder, manifest.built_at, entries, size, own, folder == newest)


def prune(root: Path, keep: int) -> tuple[list[int], list[int]]:
    """Remove all but the newest `keep` snapshots (1 or more).

    Returns the serials of those that were removed, and of those that were not because a process
    reads them. The one that CURRENT names stays.
    """
    removed: list[int] = []
    in_use: list[int] = []
    with store.locked(root):
        newest = store.newest(root)
        for serial in store.serials(root)[:-keep]:
            folder = store.folder_of(root, serial)
            if folder != newest:
                (removed if _remove(folder) else in_use).append(serial)
    return removed, in_use


def _remove(folder: Path) -> bool:
    """Remove a snapshot, unless a process reads it."""
    lock = None
    with suppress(FileNotFoundError):
        lock = os.open(folder / MANIFEST, os.O_RDONLY)
    try:
        if lock is not None:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Without its manifest it is no snapshot any more, whatever happens on the way.
            (folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder)
    except BlockingIOError:
        return False
    finally:
        if lock is not None:
            os.close(lock)
    return True

"""The folders of snapshots: written durably, numbered, and pointed to.

`ROOT/000007/` holds snapshot 7, `ROOT/CURRENT` names the newest. A snapshot is
written under a temporary name, flushed and renamed before the pointer changes; the
folder of a killed build is removed by the next build.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from registry import durable
from registry.errors import UnreadableSnapshot, UsageError
from registry.home import registry_home

POINTER = "CURRENT"


def snapshots_root() -> Path:
    """Return the folder of the snapshots that are built here."""
    return registry_home() / "snapshots"


def newest_built() -> Path:
    """Return the newest snapshot built here; UnreadableSnapshot if there is none.

    Nothing is built, and no database is asked.
    """
    folder = newest(snapshots_root())
    if folder is None:
        raise UnreadableSnapshot("no snapshot was built here yet", "run `registry snapshot build`")
    return folder


@contextmanager
def building(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; it is removed unless it was published."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with durable.unfinished(target) as made:
            yield made.make_folder()
    except OSError as error:
        raise durable.unwritable(target, error) from error


def publish(temporary: Path, target: Path) -> None:
    """Rename the finished folder to the target."""
    try:
        temporary.rename(target)
    except OSError as error:
        raise UsageError(
            f"{target} cannot be written: {os.strerror(error.errno or 0)}",
            "name a folder that does not exist yet",
        ) from error
    durable.flush_folder(target.parent)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the lock under which snapshots of `root` are numbered."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def serials(root: Path) -> list[int]:
    """Return the serials of the snapshots under `root`, oldest first."""
    if not root.is_dir():
        return []
    return sorted(int(p.name) for p in root.iterdir() if p.name.isdigit() and p.is_dir())


def folder_of(root: Path, serial: int) -> Path:
    """Return the folder that snapshot `serial` has under `root`."""
    return root / f"{serial:06d}"


def point_to(root: Path, serial: int) -> None:
    """Make `serial` the newest snapshot; call this last, when all files are on disk."""
    durable.write_text(root / POINTER, f"{serial:06d}\n")


def newest(root: Path) -> Path | None:
    """Return the folder of the newest snapshot, or None before the first one."""
    with suppress(FileNotFoundError):
        name = (root / POINTER).read_text(encoding="utf-8", errors="replace").strip()
        if not name.isdigit():
            raise UnreadableSnapshot(
                f"{root / POINTER} is damaged", "run `registry snapshot build`"
            )
        return root / name
    return None

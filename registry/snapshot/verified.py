"""Remembers which snapshots were verified whole, so that this is done once.

A snapshot counts as verified while every file has the size, time and inode that it had then: a
copy or a download is verified anew. What is remembered is that its values are valid; its bytes are
verified again wherever they are read.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from registry import durable
from registry.errors import UnwritableOutput
from registry.home import registry_home

if TYPE_CHECKING:
    from registry.snapshot.opened import Snapshot

_FOLDER = "verified"
# Most snapshots that are remembered; the oldest are forgotten.
MOST_KEPT = 64


def verify_once(snapshot: Snapshot) -> None:
    """Verify a snapshot whole, unless this was done and no file was touched since.

    Raises UnreadableSnapshot, naming the faulty file.
    """
    if snapshot.is_valid:
        return
    if not is_remembered(snapshot):
        verify(snapshot)
    snapshot.is_valid = True


def verify(snapshot: Snapshot) -> None:
    """Verify every byte and every reference of a snapshot, and remember it."""
    from registry.snapshot.structure import refuse_wrong

    state = _state(snapshot)
    snapshot.verify_all()
    refuse_wrong(snapshot)
    _remember(snapshot, state)


def remember_built(snapshot: Snapshot) -> None:
    """Remember a snapshot that this program has just written."""
    _remember(snapshot, _state(snapshot))


def is_remembered(snapshot: Snapshot) -> bool:
    """Return whether a snapshot was verified as it is now."""
    with suppress(OSError, UnicodeDecodeError):
        return _place(snapshot).read_text("utf-8") == _state(snapshot)
    return False


def _remember(snapshot: Snapshot, state: str) -> None:
    place = _place(snapshot)
    # It may be a folder that cannot be written: then it is verified each time.
    with suppress(OSError, UnwritableOutput):
        place.parent.mkdir(parents=True, exist_ok=True)
        durable.write_text(place, state)
        kept = sorted(place.parent.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in kept[:-MOST_KEPT]:
            path.unlink(missing_ok=True)


def _place(snapshot: Snapshot) -> Path:
    path = str(snapshot.path.resolve())
    return registry_home() / _FOLDER / hashlib.sha256(path.encode()).hexdigest()[:32]


def _state(snapshot: Snapshot) -> str:
    """Return size, time and inode of every file."""
    # The time of a change of state is no help: a newer snapshot that shares a file changes it.
    lines = [
        f"{name} {state.st_size} {state.st_mtime_ns} {state.st_ino}\n"
        for name, state in snapshot.states()
    ]
    return f"{snapshot.manifest.digest}\n" + "".join(lines)

"""Publishes snapshots of the database: numbered ones, or one in a given folder."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from registry import __version__
from registry.errors import UnreadableSnapshot, UsageError
from registry.fingerprints import versions
from registry.signals import readers
from registry.snapshot import store
from registry.snapshot.build import build
from registry.snapshot.opened import Snapshot, open_snapshot
from registry.snapshot.verified import remember_built

if TYPE_CHECKING:
    import psycopg


def publish_numbered(conn: psycopg.Connection, root: Path, now: datetime | None = None) -> Path:
    """Build the next snapshot under `root`, make it the newest, and return its folder."""
    with store.locked(root):
        serials = store.serials(root)
        serial = max(serials, default=0) + 1
        folder = store.folder_of(root, serial)
        before = _latest([store.folder_of(root, number) for number in reversed(serials)])
        _build_into(conn, folder, serial, now, before)
        store.point_to(root, serial)
    return folder


def publish_folder(conn: psycopg.Connection, folder: Path, now: datetime | None = None) -> Path:
    """Build a snapshot with serial 0 into a folder that does not exist or is empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not empty", "name a folder that does not exist")
    _build_into(conn, folder, 0, now, None)
    return folder


def _latest(folders: Iterable[Path]) -> Snapshot | None:
    """Return the first of some snapshots that can be opened."""
    for folder in folders:
        with suppress(UnreadableSnapshot):
            return open_snapshot(folder, any_keys=True)
    return None


def up_to_date(conn: psycopg.Connection, root: Path, *, verified: bool = False) -> Path | None:
    """Return the newest snapshot under `root`; None if database or program changed since.

    None also for a damaged one, if it is to be `verified`: every byte is read then.
    """
    from registry.db.export import position

    with suppress(UnreadableSnapshot):
        folder = store.newest(root)
        if folder is None:
            return None
        snapshot = open_snapshot(folder)
        manifest = snapshot.manifest
        # With another reader or algorithm the same evidence gives another snapshot.
        ours = (__version__, sorted(readers()), versions())
        theirs = (manifest.version, list(manifest.readers), dict(manifest.algorithms))
        if ours == theirs and dict(manifest.database) == position(conn):
            if verified:
                snapshot.verify_all()
            return folder
    return None


def _build_into(
    conn: psycopg.Connection,
    folder: Path,
    serial: int,
    now: datetime | None,
    before: Snapshot | None,
) -> None:
    from registry.db.export import exporting, position

    with store.building(folder) as temporary, exporting(conn) as export:
        build(
            export,
            temporary,
            serial=serial,
            built_at=now or datetime.now(UTC),
            database=position(conn),
            before=before,
        )
        store.publish(temporary, folder)
    remember_built(open_snapshot(folder))

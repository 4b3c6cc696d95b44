"""The snapshot that a command uses: the one it names, or the newest one built here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from registry.errors import ServiceUnavailable, part_missing
from registry.terminal import say

if TYPE_CHECKING:
    from registry.snapshot.opened import Snapshot


def resolve(named: Path | None) -> Snapshot:
    """Open a snapshot; None: the newest, after building it if the database has changed."""
    from registry.snapshot.opened import open_snapshot

    try:
        snapshot = open_snapshot(named or _newest())
    except ServiceUnavailable as error:
        # A check with --snapshot needs no database.
        error.hint = f"{error.hint}; or name a snapshot: --snapshot FOLDER".lstrip("; ")
        raise
    if not len(snapshot.entries) + len(snapshot.sites):
        say(
            f"warning: snapshot {snapshot.path} is empty; "
            "fill the registry with `crawler run URL` or `registry import FILE`"
        )
    return snapshot


def _newest() -> Path:
    try:
        from registry.db.connect import connect
        from registry.snapshot.publish import publish_numbered, up_to_date
        from registry.snapshot.store import snapshots_root
    except ImportError as error:
        raise part_missing(error) or error from None

    root = snapshots_root()
    with connect() as conn:
        folder = up_to_date(conn, root)
        if folder is None:
            say("the newest snapshot is not up to date: building one")
            folder = publish_numbered(conn, root)
            say(f"built snapshot {int(folder.name)} in {folder}")
        return folder

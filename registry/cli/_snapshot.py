"""Which snapshot a command uses: the one named, or the newest one built here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from registry.snapshot.store import Snapshot


def resolve(named: Path | None) -> Snapshot:
    """Open the snapshot; without a name the newest, built first if the database has moved on."""
    from registry.snapshot.store import open_snapshot

    return open_snapshot(named or _newest())


def _newest() -> Path:
    from registry.db.connect import connect
    from registry.errors import RegistryError, UnreadableSnapshot
    from registry.snapshot.publish import publish_numbered, snapshots_root, up_to_date

    root = snapshots_root()
    try:
        with connect() as conn:
            folder = up_to_date(conn, root)
            if folder is None:
                folder = publish_numbered(conn, root)
                click.echo(f"built snapshot {int(folder.name)} in {folder}", err=True)
            return folder
    except RegistryError as error:
        # For whoever checks or looks up, a database that cannot be reached is a
        # registry that cannot be read; a snapshot named outright needs none.
        hint = f"{error.hint}; or name a snapshot: --snapshot FOLDER".lstrip("; ")
        raise UnreadableSnapshot(error.message, hint) from error

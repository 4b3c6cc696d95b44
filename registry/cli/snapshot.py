"""`registry snapshot`: build, verify and compare snapshots."""

from __future__ import annotations

from pathlib import Path

import click

from registry.cli._path import NamedPath
from registry.terminal import say, show, show_json


@click.group("snapshot")
def command() -> None:
    """Build, list, verify, compare and remove snapshots."""


@command.command("build")
@click.option("--out", type=NamedPath(), help="Build into this new folder, without a number.")
@click.option(
    "--if-changed",
    is_flag=True,
    help="Do nothing if the newest snapshot is whole and up to date.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def build(out: Path | None, if_changed: bool, as_json: bool) -> None:
    """Export the database into the next numbered snapshot."""
    from registry.db.connect import connect
    from registry.snapshot.publish import publish_folder, publish_numbered, up_to_date
    from registry.snapshot.store import snapshots_root

    root = snapshots_root()
    with connect() as conn:
        if out:
            folder = publish_folder(conn, out)
        else:
            current = up_to_date(conn, root, verified=True) if if_changed else None
            folder = current or publish_numbered(conn, root)
    _show(folder, as_json)


@command.command("verify")
@click.argument("folder", type=NamedPath(), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def verify(folder: Path | None, as_json: bool) -> None:
    """Verify a snapshot: compare its files with the manifest, and read all rows.

    Without FOLDER, the newest snapshot built here is verified.
    """
    from registry.snapshot.opened import open_snapshot
    from registry.snapshot.store import newest_built
    from registry.snapshot.structure import refuse_unreadable
    from registry.snapshot.verified import verify as verify_whole

    snapshot = open_snapshot(folder or newest_built(), any_keys=True)
    verify_whole(snapshot)
    refuse_unreadable(snapshot)
    _show(snapshot.path, as_json)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per snapshot.")
def list_(as_json: bool) -> int:
    """List the numbered snapshots, oldest first.

    "bytes" is what a snapshot takes alone, "own bytes" what would be freed by removing it: the
    rest is shared with other snapshots.

    \b
    Exit codes: 0 there are snapshots; 1 there are none.
    """
    from registry.cli._table import table
    from registry.snapshot.pruning import listed
    from registry.snapshot.store import snapshots_root

    found = listed(snapshots_root())
    if as_json:
        for one in found:
            show_json(one.to_json())
    elif found:
        show(*table("snapshots", [one.to_row() for one in found], most=len(found)).split("\n"))
    else:
        say("no snapshot was built here yet: registry snapshot build")
    return 0 if found else 1


@command.command("prune")
@click.option(
    "--keep", type=click.IntRange(1), required=True, help="Number of newest snapshots to keep."
)
def prune(keep: int) -> int:
    """Remove old numbered snapshots.

    The newest ones stay, and those that a process is reading at this moment.

    \b
    Exit codes: 0 only the snapshots to keep are left; 3 some are in use.

    \b
    Example:
      registry snapshot prune --keep 10
    """
    from registry.snapshot.pruning import prune as remove_old
    from registry.snapshot.store import snapshots_root

    removed, in_use = remove_old(snapshots_root(), keep)
    say(f"removed {len(removed)} snapshots")
    for serial in in_use:
        say(f"not removed: snapshot {serial} is being read")
    return 3 if in_use else 0


@command.command("diff")
@click.argument("older", type=NamedPath())
@click.argument("newer", type=NamedPath())
@click.option("--policy", default="cautious", show_default=True, help="Which marks count.")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def diff(older: Path, newer: Path, policy: str, as_json: bool) -> int:
    """List images and site rules whose decision differs between two snapshots.

    Exit codes: 0 differences found; 1 no differences; 4 a snapshot is unreadable.
    """
    from registry.snapshot.diff import differences
    from registry.snapshot.opened import open_snapshot

    before, after = (open_snapshot(folder, any_keys=True) for folder in (older, newer))
    changes = differences(before, after, policy)
    if as_json:
        show_json([change.to_json() for change in changes], indent=2)
    else:
        for change in changes:
            was, is_now = change.before or "absent", change.after or "absent"
            show(f"{was:<12} -> {is_now:<12} {change.what}")
        say(f"{len(changes)} differences under policy {policy}")
    return 0 if changes else 1


def _show(folder: Path, as_json: bool) -> None:
    from registry.snapshot.manifest import manifest_to_json
    from registry.snapshot.opened import read_manifest

    manifest = read_manifest(folder)
    if as_json:
        show(*manifest_to_json(manifest).rstrip("\n").split("\n"))
        return
    counts = ", ".join(f"{count:,} {name}" for name, count in sorted(manifest.counts.items()))
    show(f"snapshot {manifest.serial} of {manifest.built_at}: {counts}")
    show(f"digest {manifest.digest}")
    show(f"folder {folder}")

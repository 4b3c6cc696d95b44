"""`registry evidence`: the evidence of one record, as text or in a bundle; verify a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from registry.cli._path import NamedPath
from registry.errors import UsageError
from registry.terminal import say, show, show_json

if TYPE_CHECKING:
    from registry.bundles.content import Bundle
    from registry.bundles.verification import Verification
    from registry.bundles.warc_folders import MissingRecord

NO_DATABASE = "this machine has no registry database, and a snapshot has no evidence"
HELP = {"-h", "--help"}


class EvidenceGroup(click.Group):
    """A group in which `registry evidence RECORD` is short for `registry evidence show RECORD`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Add the name of the command where only a record or its options are given."""
        if args and args[0] not in {*self.commands, *HELP}:
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group("evidence", cls=EvidenceGroup)
def command() -> None:
    """Show or bundle the evidence of one image, and verify a bundle.

    `registry evidence observation:7` is short for `registry evidence show observation:7`.
    """


@command.command("show")
@click.argument("record")
@click.option("--out", type=NamedPath(), help="Write a bundle, a zip file.")
@click.option(
    "--warc",
    "folders",
    type=NamedPath(),
    multiple=True,
    envvar="REGISTRY_WARC",
    metavar="DIR",
    help="Folder of WARC files; its records go into the bundle. Repeatable. Else REGISTRY_WARC.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON; with --out, a summary.")
def show_command(record: str, out: Path | None, folders: tuple[Path, ...], as_json: bool) -> int:
    """Show what was read where and when, with its marks, or write it into a bundle.

    RECORD is the id of an observation, as a check, a lookup and a snapshot show it
    (observation:7, or 7), or of a site file's reading (site-rule:7). A bundle is one zip
    file for others: the record, its evidence and the site files that were in force, with
    the WARC records of the responses. `registry evidence RECORD` does the same.

    \b
    Exit codes: 0 done; 1 there is no such record; 2 wrong usage; 3 there is no database;
    4 the bundle cannot be written.

    \b
    Example:
      registry evidence show observation:7 --out bundle.zip --warc /srv/warc
    """
    from registry.bundles.warc_folders import add_records

    name = _record_name(record)
    bundle = _collected(name)
    if bundle is None:
        say(f"{name} is not recorded")
        return 1
    if out is None:
        _show(bundle, as_json)
        return 0
    from registry.bundles.files import write_bundle

    bundle, warc, missing = add_records(bundle, folders)
    write_bundle(out, bundle, warc)
    _show_written(out, bundle, missing, as_json)
    return 0


@command.command("verify")
@click.argument("bundle", type=NamedPath())
@click.option("--snapshot", type=NamedPath(), help="Folder of the snapshot to use.")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
def verify_command(bundle: Path, snapshot: Path | None, as_json: bool) -> int:
    """Verify a bundle: compare it with the digests in a snapshot of its registry.

    Without --snapshot, the newest snapshot built here is used. Needs no database and no
    network. What could not be compared is shown as unchecked. The marks shown as proven are
    those in evidence that fits; a bundle with a record that is not in the snapshot is not verified.

    \b
    Exit codes: 0 verified; 1 something differs, or a record is not in the snapshot;
    2 wrong usage; 4 the bundle or the snapshot is unreadable.

    \b
    Example:
      registry evidence verify bundle.zip --snapshot snapshot-2026-11
    """
    from registry.bundles.files import read_bundle
    from registry.bundles.known import known_records
    from registry.bundles.verification import verify
    from registry.snapshot.store import newest_built

    opened = read_bundle(bundle)
    folder = snapshot or newest_built()
    known = known_records(folder, [record.name for record in opened.bundle.records])
    result = verify(opened.bundle, opened.readme, opened.warc, known)
    if as_json:
        show_json(_verification_json(opened.bundle, result, known.serial), indent=2)
    else:
        _show_verification(opened.bundle, result)
    if result.is_newer:
        say("hint: a record is not in the snapshot: `registry snapshot build`, or get a newer one")
    return 0 if result.is_proven else 1


def _record_name(text: str) -> str:
    from registry.bundles.content import OBSERVATION, RECORD_NAME

    name = text if ":" in text else f"{OBSERVATION}:{text}"
    if not RECORD_NAME.fullmatch(name):
        raise UsageError(
            f"{text!r} is not the id of an observation",
            "write it as observation:7, 7 or site-rule:7, as `registry lookup URL` shows it",
        )
    return name


def _collected(name: str) -> Bundle | None:
    from datetime import UTC, datetime

    from registry.bundles.collection import collect
    from registry.cli._database import refuse_without_database
    from registry.db.connect import connect

    refuse_without_database(
        NO_DATABASE, "set REGISTRY_DATABASE_URL, or ask the registry's operator"
    )
    with connect() as conn:
        return collect(conn, name, datetime.now(UTC).replace(microsecond=0))


def _show(bundle: Bundle, as_json: bool) -> None:
    from registry.bundles.content import to_value
    from registry.bundles.marks import marks
    from registry.bundles.readme import bundle_lines

    if as_json:
        show_json({**to_value(bundle), "marks": _plain(marks(bundle))})
    else:
        show(*bundle_lines(bundle))


def _show_written(out: Path, bundle: Bundle, missing: list[MissingRecord], as_json: bool) -> None:
    places = {piece.warc for piece in bundle.evidence if piece.warc}
    stored = sum(place.offset is not None for place in places)
    if as_json:
        lacking = [
            {"file": m.place.file, "place": m.place.place, "size": m.place.size, "reason": m.reason}
            for m in missing
        ]
        content = {"bundle": str(out), "record": bundle.subject.name}
        counts = {"records": len(bundle.records), "evidence": len(bundle.evidence)}
        show_json({**content, **counts, "warc_records": stored, "missing": lacking})
        return
    show(
        f"{out}: {bundle.subject.name}, {len(bundle.records)} records, "
        f"{len(bundle.evidence)} pieces of evidence, WARC records of {stored} responses"
    )
    for m in missing:
        say(
            f"warning: {m.place.file} at byte {m.place.place}, {m.place.size} bytes, "
            f"is not in the bundle: {m.reason}"
        )
    if missing:
        say("hint: --warc DIR names the folder of the WARC files")


def _show_verification(bundle: Bundle, result: Verification) -> None:
    from registry.bundles.readme import mark_line
    from registry.text import visible

    for check in result.checks:
        reason = f": {check.reason}" if check.reason else ""
        show(f"{check.outcome:<11}{visible(check.what + reason)}")
    for mark in result.marks:
        show(f"proven     {mark_line(mark)}  at {visible(mark.url)}, first read {mark.first}")
    show(f"{bundle.subject.name} is {'verified' if result.is_proven else 'NOT verified'}")


def _verification_json(bundle: Bundle, result: Verification, serial: int) -> dict[str, Any]:
    return {
        "record": bundle.subject.name,
        "registry": bundle.registry,
        "snapshot": serial,
        "verified": result.is_proven,
        "checks": _plain(result.checks),
        "marks": _plain(result.marks),
    }


def _plain(values: Any) -> list[dict[str, Any]]:
    from dataclasses import asdict

    return [asdict(value) for value in values]

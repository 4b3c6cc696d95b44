"""`registry check`: the main job."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry.errors import ServiceUnavailable, UnreadableSnapshot, UsageError
from registry.terminal import say, show, show_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from registry.checking.columns import Columns
    from registry.checking.report import Report
    from registry.snapshot.store import Snapshot

OTHER_FORMATS = (".csv", ".tsv", ".json", ".jsonl", ".html", ".txt", ".arrow", ".tar")
OUTCOME = click.Choice(["reserved", "conditional", "review", "clear", "unchecked"])


def _overrides(values: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the columns named by hand, by role."""
    from registry.checking.columns import IGNORE, ROLES

    found: dict[str, list[str]] = {}
    for value in values:
        role, sign, column = value.partition("=")
        if role not in (*ROLES, IGNORE) or not sign:
            roles = ", ".join((*ROLES, IGNORE))
            raise UsageError(f"--column {value}: not ROLE=NAME", f"roles: {roles}")
        if any(column in names for names in found.values()):
            raise UsageError(f"--column names {column} twice", "one role a column")
        found.setdefault(role, []).append(column)
    return found


def _say_columns(columns: Columns) -> None:
    for choice in columns.choices:
        role = f"used as {choice.role}" if choice.role else "left out"
        doubt = f"; rows that do not match are unchecked: {choice.doubt}" if choice.doubt else ""
        say(f"column {choice.column}: {role} ({choice.why}){doubt}")


@click.command()
@click.argument("dataset", nargs=-1, required=True)
@click.option("--snapshot", type=click.Path(path_type=Path), help="Folder of the snapshot to use.")
@click.option("--out", type=click.Path(path_type=Path), help="Write rows here (Parquet).")
@click.option(
    "--keep",
    type=OUTCOME,
    multiple=True,
    help="With --out: only rows of this outcome, unchanged. May be given several times.",
)
@click.option(
    "--report", "page", type=click.Path(path_type=Path), help="Write an HTML report here."
)
@click.option("--policy", default="cautious", show_default=True, help="Which marks count.")
@click.option(
    "--distance",
    type=click.IntRange(0, 64),
    help="Match every row within this many bits of a phash64, whatever its tier.",
)
@click.option(
    "--column",
    multiple=True,
    metavar="ROLE=NAME",
    help="Say what a column serves as (url, page_url, source_url, sha256, md5, phash64, image), "
    "or ignore=NAME. May be given several times.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    help="Number of processes that fingerprint pictures.  [default: all cores]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    dataset: tuple[str, ...],
    snapshot: Path | None,
    out: Path | None,
    keep: tuple[str, ...],
    page: Path | None,
    policy: str,
    distance: int | None,
    column: tuple[str, ...],
    workers: int,
    as_json: bool,
) -> int:
    """Tell for every row of a dataset whether it is reserved, and why.

    DATASET is a Parquet file, a folder of them, a glob pattern, or a folder of
    pictures. Without --snapshot the newest one built here is used, built first
    if the database has moved on.

    \b
    Exit codes: 0 every row clear; 1 reserved or conditional rows found;
    2 usage; 3 rows to review or unchecked; 4 dataset or registry unreadable.
    """
    if keep and not out:
        raise UsageError("--keep needs --out", "name the file to write: --out clean.parquet")
    from registry.verdict import policy_named

    policy_named(policy)
    from registry.checking.plan import plan
    from registry.checking.run import Options, check
    from registry.cli._progress import Progress
    from registry.datasets import open_dataset

    overrides = _overrides(column)
    opened = open_dataset(dataset)
    _refuse_unwritable(page, "--report", opened.files)
    _refuse_unwritable(out, "--out", opened.files)
    if page and out and page.absolute() == out.absolute():
        raise UsageError("--out and --report name the same file", "name two")
    columns = plan(opened, overrides)
    for note in opened.left_out:
        say(f"not read: {note}")
    _say_columns(columns)
    options = Options(policy, distance, out, keep, workers)  # type: ignore[arg-type]
    with Progress("rows") as progress:
        report = check(opened, _registry(snapshot), columns, options, progress)
    _show(report, as_json, page)
    for name, path in (("rows", out), ("report", page)):
        if path:
            say(f"{name}: {path}")
    return report.exit_code


def _registry(named: Path | None) -> Snapshot:
    """Open the snapshot. For a check a database that is down is a registry that is unreadable."""
    from registry.cli._snapshot import resolve

    try:
        return resolve(named)
    except ServiceUnavailable as error:
        raise UnreadableSnapshot(error.message, error.hint) from error


def _show(report: Report, as_json: bool, page: Path | None) -> None:
    from registry.checking.page import to_html
    from registry.checking.report import to_lines
    from registry.durable import write_text

    if page:
        write_text(page, to_html(report))
    if as_json:
        show_json(report.to_json(), indent=2)
    else:
        show(*to_lines(report))


def _refuse_unwritable(path: Path | None, option: str, taken: Sequence[Path]) -> None:
    """Fail before the work, not after it, where a result cannot or must not be written."""
    from registry.datasets import refuse_own_files

    if path is None:
        return
    if path.exists():
        if not path.is_file():
            raise UsageError(f"{option} {path} is no file", "name a file")
        refuse_own_files(path, taken)
    if option == "--report" and path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--report {path}: the report is a web page", "name an .html file")
    if path.suffix.lower() in OTHER_FORMATS and option == "--out":
        raise UsageError(f"--out {path}: rows are written as Parquet", "name a .parquet file")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"{option} {path} cannot be written", "name a file in a folder of yours")

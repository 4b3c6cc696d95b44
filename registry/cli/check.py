"""`registry check`: compare a dataset with a snapshot."""

from __future__ import annotations

import os
import sys
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry.cli._path import NamedPath
from registry.cli._results import (
    Results,
    first_outside,
    named,
    refuse_keep_alone,
    refuse_results,
    say_written,
)
from registry.cli._summaries import Summaries, summary_options
from registry.errors import ServiceUnavailable, UnreadableSnapshot, UsageError
from registry.terminal import say, show, show_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from registry.checking.columns import Columns
    from registry.checking.placing import Placement
    from registry.checking.report import Report
    from registry.checking.run import CheckOptions
    from registry.datasets import Dataset
    from registry.snapshot.opened import Snapshot

OUTCOME = click.Choice(["reserved", "conditional", "review", "clear", "unchecked"])


def _overrides(values: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the columns of --column options by role; raise UsageError for a wrong option."""
    from registry.checking.columns import roles_by_column

    columns: dict[str, list[str]] = {}
    for value in values:
        role, sign, column = value.partition("=")
        if not sign:
            raise UsageError(f"--column {value}: not ROLE=NAME", "for example --column url=LINK")
        columns.setdefault(role, []).append(column)
    roles_by_column(columns)  # raises before the dataset is opened
    return columns


def _planned(dataset: Dataset, overrides: Mapping[str, Sequence[str]]) -> Columns:
    """Return the roles of the columns, and say what they are."""
    from registry.checking.plan import plan

    columns = plan(dataset, overrides)
    for note in dataset.left_out:
        say(f"not read: {note}")
    if columns.layout:
        say(f"layout: {columns.layout}")
    for choice in columns.choices:
        role = f"used as {choice.role}" if choice.role else "left out"
        doubt = f"; rows without a match are unchecked: {choice.doubt}" if choice.doubt else ""
        say(f"column {choice.column}: {role} ({choice.why}){doubt}")
    return columns


@click.command()
@click.argument("dataset", nargs=-1, required=True)
@click.option("--snapshot", type=NamedPath(), help="Folder of the snapshot to use.")
@click.option(
    "--out",
    type=NamedPath(),
    help="Write the rows with their outcomes to this Parquet file; with --keep, some rows as "
    "they are.",
)
@click.option(
    "--keep",
    type=OUTCOME,
    multiple=True,
    help="With --out: write only rows with this outcome, as they are in the dataset and in its "
    "format. Repeatable.",
)
@click.option(
    "--removal",
    type=NamedPath(),
    help="Write a list of the rows that are not kept (without --keep: not clear): the files of "
    "pictures, the names in archives, or the numbers of rows in tables.",
)
@click.option(
    "--indices",
    type=NamedPath(),
    help="Write the numbers of the rows that are kept (without --keep: clear) as an array of "
    "NumPy (.npy), for `select` of Hugging Face datasets.",
)
@summary_options
@click.option("--policy", default="cautious", show_default=True, help="Which marks count.")
@click.option(
    "--distance",
    type=click.IntRange(0, 64),
    help="Match every phash64 that differs in at most this many bits, whatever its tier.",
)
@click.option(
    "--column",
    multiple=True,
    metavar="ROLE=NAME",
    help="Give a column a role (url, page_url, source_url, sha256, md5, phash64, image), "
    "or ignore it (ignore=NAME). Repeatable.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    help="Number of processes that fingerprint pictures.  [default: all cores]",
)
@click.option(
    "--fresh", is_flag=True, help="Do not go on from an interrupted check: check every row again."
)
@click.option(
    "--engine",
    type=click.Choice(["ray", "spark"]),
    help="Check on a cluster of Ray or Spark, whose machines see dataset and snapshot under the "
    "same paths.",
)
@click.option(
    "--address",
    "--master",
    "address",
    help="With --engine: where the cluster is (HOST:PORT of Ray's head node, or Spark's master "
    "spark://HOST:PORT). Without it, the one that Ray or Spark find, or this machine.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    dataset: tuple[str, ...],
    snapshot: Path | None,
    out: Path | None,
    keep: tuple[str, ...],
    removal: Path | None,
    indices: Path | None,
    summaries: Summaries,
    policy: str,
    distance: int | None,
    column: tuple[str, ...],
    workers: int,
    fresh: bool,
    engine: str | None,
    address: str | None,
    as_json: bool,
) -> int:
    """Check which rows of a dataset are reserved, and by which mark.

    DATASET is read as it lies: Parquet, CSV, TSV, JSON, JSON lines, Arrow/Feather or
    WebDataset (also compressed), zip archives of pictures, a folder or a pattern of such files,
    a folder of pictures (also with captions, JSON or an imagefolder's metadata) or of
    `save_to_disk`, METADATA and a subset of DataComp (.npy); at a URL (s3://, gs://, hf://,
    https://), too; or `-`: CSV, TSV, JSON lines or WebDataset on standard input. What was
    recognised is said. Without --snapshot, the newest snapshot built here is used; if the
    database has changed since, a new one is built first. As a filter in front of training, in
    Python: registry.guard.

    \b
    Exit codes: 0 every row is clear; 1 some rows are reserved or conditional;
    2 wrong usage; 3 some rows need review or are unchecked; 4 the dataset or the
    registry is unreadable, or the cluster is not there.

    \b
    Examples:
      registry check dataset.parquet --report report.html --out rows.parquet
      registry check 's3://bucket/{00000..00099}.tar' --keep clear --out clean/
    """
    rows = [("--out", out), ("--removal", removal), ("--indices", indices)]
    results = named([*rows, *summaries.files])
    refuse_keep_alone(keep, results)
    _refuse_address_alone(engine, address)
    from registry.checking.run import CheckOptions
    from registry.datasets import open_dataset
    from registry.verdict import policy_named

    policy_named(policy)
    overrides = _overrides(column)
    opened = open_dataset(dataset)
    refuse_results(results, opened.files, dataset)
    columns = _planned(opened, overrides)
    unfinished = _unfinished(opened, first_outside(results, dataset), fresh=fresh)
    options = CheckOptions(
        *(policy, distance, out, keep, workers, unfinished, removal, indices),  # type: ignore[arg-type]
        samples=summaries.wants_samples and bool(columns.of("image")),
        all_hosts=summaries.ai_act is not None,
    )
    with _placed(engine, address, dataset) as placement:
        report = _checked(opened, snapshot, columns, replace(options, placement=placement))
    summaries.write(report, opened, columns)
    return _shown(report, results, as_json=as_json)


@contextmanager
def _placed(
    engine: str | None, address: str | None, names: Sequence[str]
) -> Iterator[Placement | None]:
    """Connect to the cluster of an engine, and yield where the check is made."""
    if engine is None:
        yield None
        return
    from registry.checking.placing import Placement
    from registry.engines import connect

    # Ray prints what happens to its workers; standard output is for the report.
    with redirect_stdout(sys.stderr), closing(connect(engine, address)) as cluster:
        yield Placement(cluster, names)


def _refuse_address_alone(engine: str | None, address: str | None) -> None:
    if address and not engine:
        raise UsageError("--address needs --engine", "add --engine ray or --engine spark")


def _checked(
    dataset: Dataset, snapshot: Path | None, columns: Columns, options: CheckOptions
) -> Report:
    from registry.checking.journal import Busy
    from registry.checking.run import check
    from registry.cli._progress import Progress

    try:
        with Progress("rows") as progress:
            return check(dataset, _registry(snapshot), columns, options, progress)
    except BaseException as error:
        kept = None if isinstance(error, Busy) else options.progress
        if kept and kept.exists():
            say(f"what is done is kept in {kept}: the same command goes on from there")
        raise


def _unfinished(dataset: Dataset, result: Path | None, *, fresh: bool) -> Path | None:
    """Return the folder beside the result in which an interrupted check keeps its parts.

    None without a result, or if it is in the dataset, of which the folder would be a part; and for
    standard input, which cannot be read again.
    """
    from registry.checking.journal import SUFFIX, discard, is_begun
    from registry.datasets import STDIN

    if result is None or STDIN in dataset.files:
        return None
    folder = result.with_name(result.name + SUFFIX)
    if fresh:
        discard(folder)
    elif is_begun(folder):
        say(f"going on from {folder}; --fresh checks every row again")
    return folder


def _registry(named: Path | None) -> Snapshot:
    """Open the snapshot; raise UnreadableSnapshot where the database is unavailable."""
    from registry.cli._snapshot import resolve

    try:
        return resolve(named)
    except ServiceUnavailable as error:
        raise UnreadableSnapshot(error.message, error.hint) from error


def _shown(report: Report, results: Results, *, as_json: bool) -> int:
    """Show the result, say where the files are, and return the exit code."""
    from registry.checking.report import to_lines

    if as_json:
        show_json(report.to_json(), indent=2)
    else:
        show(*to_lines(report))
    say_written(results)
    return report.exit_code

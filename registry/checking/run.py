"""Runs a check: compares a dataset with a snapshot batch by batch, counts, and writes rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from registry import __version__
from registry.checking.chunks import Checker
from registry.checking.columns import Columns
from registry.checking.filling import Filling
from registry.checking.jobs import Job, files_of
from registry.checking.journal import SUFFIX, Done, Journal, answers_as_bytes
from registry.checking.output import Output, OutputFiles, writing
from registry.checking.placing import Placement, placed
from registry.checking.report import FLOOD, TOP, FileFacts, Report
from registry.checking.shards import ShardOptions, merge
from registry.checking.tally import MAX_SHOWN, Tally
from registry.checking.wording import Wording
from registry.datasets import STDIN
from registry.datasets._left_out import reasons
from registry.datasets.states import State, changed, digest, size, states
from registry.datasets.units import Part
from registry.errors import UnreadableDataset, UsageError
from registry.index import Index
from registry.matching.confirm import expected_chance_matches
from registry.model import Outcome
from registry.pictures.hashing import PictureHasher
from registry.snapshot.verified import verify_once
from registry.verdict import policy_named

if TYPE_CHECKING:
    from registry.datasets import Dataset
    from registry.datasets._left_out import SkippedFiles
    from registry.snapshot.opened import Snapshot

OnProgress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """Options of a check. With `distance` every row within so many bits matches; None: by tier.

    `out`, `keep`, `removal` and `indices` are those of `OutputFiles`, `samples` and `all_hosts`
    those of `ShardOptions`. `progress` is the folder in which parts that are done are kept; None:
    nothing is kept. With `placement` an engine checks the parts; what is done is kept if rows are
    written, since they are written when all are checked.
    """

    policy: str = "cautious"
    distance: int | None = None
    out: Path | None = None
    keep: Sequence[Outcome] = ()
    workers: int = 1
    progress: Path | None = None
    removal: Path | None = None
    indices: Path | None = None
    samples: bool = False
    all_hosts: bool = False
    placement: Placement | None = None

    @property
    def files(self) -> OutputFiles:
        """The files that the check writes."""
        return OutputFiles(self.out, self.keep, self.removal, self.indices)


class Named(Protocol):
    """What a report says of a dataset itself."""

    @property
    def name(self) -> str:
        """The name that the user gave."""

    @property
    def format(self) -> str:
        """The name of its format."""

    @property
    def left_out(self) -> Sequence[SkippedFiles]:
        """Other files in its folders, which are not read."""


def check(
    dataset: Dataset,
    snapshot: Snapshot,
    columns: Columns,
    options: CheckOptions,
    progress: OnProgress = lambda done, total: None,
) -> Report:
    """Check every row of a dataset and return the report.

    Raises UnreadableDataset if a file changes meanwhile; the rows written until then are removed.
    """
    started, now = time.perf_counter(), datetime.now(UTC)
    if options.placement:
        options = _elsewhere(dataset, options)
    verify_once(snapshot)
    snapshot.read_whole()
    about = _about(dataset, snapshot, columns, options)
    with closing(Journal(options.progress, about)) as journal:
        tally, bytes_ = _tallied(dataset, snapshot, columns, options, journal, progress)
        # Only now: the results have their names.
        journal.finish()
    index = Index(snapshot, options.policy)
    files = FileFacts(len(dataset.files), bytes_, digest(dataset.files))
    report = report_of(dataset, columns, options, index, tally)
    seconds = time.perf_counter() - started
    return replace(report, files=files, checked_at=now, seconds=seconds)


def _tallied(
    dataset: Dataset,
    snapshot: Snapshot,
    columns: Columns,
    options: CheckOptions,
    journal: Journal,
    progress: OnProgress,
) -> tuple[Tally, int | None]:
    """Check what is left, write the results, and return the counts of all rows.

    With them returns the bytes of all files, if they are known.
    """
    before = states(dataset.files)
    tally = Tally()
    with (
        closing(PictureHasher(options.workers)) as hasher,
        writing(dataset, options.files) as output,
    ):
        checker = _checker(dataset, snapshot, columns, options, hasher, output)
        merge((part.tally for part in journal.done), into=tally)
        if options.placement:
            for rows in _checked_elsewhere(checker, journal, tally, options.placement):
                progress(rows, dataset.rows)
            _refuse_changed(before, dataset, journal)
            _write_again(checker, journal)
        else:
            _write_again(checker, journal)
            for rows, table in _checked(checker, journal, tally):
                progress(rows, dataset.estimated_rows(rows, table))
        _refuse_changed(before, dataset, journal)
    return tally, size(before)


def _checker(
    dataset: Dataset,
    snapshot: Snapshot,
    columns: Columns,
    options: CheckOptions,
    hasher: PictureHasher,
    output: Output,
) -> Checker:
    needed = _needed(dataset, columns, options)
    # Pictures are hashed by processes, for one chunk at a time.
    has_pictures = any(choice.role == "image" for choice in columns.choices)
    threads = 1 if has_pictures else options.workers
    shard = ShardOptions(
        *(columns, hasher, options.distance, dataset.label, reasons(dataset.left_out)),
        samples=options.samples,
        all_hosts=options.all_hosts,
    )
    return Checker(dataset, snapshot, options.policy, shard, output, needed, threads)


def _needed(dataset: Dataset, columns: Columns, options: CheckOptions) -> list[str]:
    """Return the columns that are read."""
    needed = [dataset.label] if dataset.label else []
    needed += columns.read
    if options.out and options.keep:
        needed += dataset.needed
    elif options.out:
        # A column that is encrypted and ignored is written without values.
        closed = dataset.encrypted.difference(needed)
        needed = [name for name in dataset.schema.names if name not in closed]
    if options.removal:
        needed += dataset.naming
    return list(dict.fromkeys(needed))


def _checked(checker: Checker, journal: Journal, tally: Tally) -> Iterator[tuple[int, int]]:
    """Check what is left of a dataset and add its counts.

    Yields the number of rows that are done, and the table of the last one.

    The boundaries of parts depend on the rows alone, and so does the sum of their counts.
    """

    def done(part: Done, answers: Sequence[pa.RecordBatch]) -> None:
        journal.add(part, answers_as_bytes(answers))
        merge([part.tally], into=tally)

    left = journal.rest(checker.dataset.units())
    filling = Filling(left, done)
    for one in checker.checked(left, lambda: MAX_SHOWN - len(tally.shown)):
        if one.written is not None:
            checker.output.write(one.written, one.chunk.table)
        filling.add(one)
        yield tally.rows + filling.tally.rows, one.chunk.table
    # The last part is not kept: the check is complete.
    merge([filling.tally], into=tally)


def _checked_elsewhere(
    checker: Checker, journal: Journal, tally: Tally, placement: Placement
) -> Iterator[int]:
    """Have an engine check what is left, and add its counts; yield the rows that are done."""
    shard, snapshot = checker.options, checker.snapshot
    job = Job(
        placement.absolute,
        files_of(checker.dataset),
        str(snapshot.path.absolute()),
        snapshot.manifest.digest,
        checker.policy,
        shard.distance,
        shard.columns,
        checker.columns,
        shard.left_out,
        checker.output.made,
        shard.samples,
        shard.all_hosts,
    )
    for parts in placed(placement.engine, job, journal.rest(checker.dataset.units())):
        for part in parts:
            journal.add(part.done, part.answers)
            merge([part.done.tally], into=tally)
        yield tally.rows


def _elsewhere(dataset: Dataset, options: CheckOptions) -> CheckOptions:
    """Return the options of a check by an engine: for files it has a folder for what is done."""
    if STDIN in dataset.files:
        raise UsageError(
            "standard input cannot be read on other machines", "write it to a file, or no engine"
        )
    files = options.files
    first = files.out or files.removal or files.indices
    if first is None or options.progress is not None:
        return options
    return replace(options, progress=first.with_name(first.name + SUFFIX))


def _refuse_changed(before: Sequence[State], dataset: Dataset, journal: Journal) -> None:
    """Raise UnreadableDataset if a file is not what it was; what is done is of no use then."""
    if name := changed(before, dataset.files):
        journal.finish()
        raise UnreadableDataset(
            f"{name} changed while it was read", "check it again when nothing writes to it"
        )


def _write_again(checker: Checker, journal: Journal) -> None:
    """Write the rows of parts that are done, with the answers that were kept."""
    if not checker.output.is_used or not journal.done:
        return
    last = journal.done[-1]
    parts = [Part(table) for table in range(last.table)] + [Part(last.table, 0, last.rows)]
    chunks = checker.dataset.chunks(checker.columns, parts)
    answers = journal.answers()
    for chunk in chunks:
        written = checker.output.written(chunk.batch, answers.take(len(chunk.batch)))
        checker.output.write(written, chunk.table)


def _about(
    dataset: Dataset, snapshot: Snapshot, columns: Columns, options: CheckOptions
) -> dict[str, Any]:
    """Return what a check depends on: if any of it differs, its answers may, too."""
    if options.progress is None:
        return {}
    return {
        "dataset": digest(dataset.files),
        "left_out": reasons(dataset.left_out),
        "snapshot": snapshot.manifest.digest,
        "policy": str(policy_named(options.policy)),
        "distance": options.distance,
        "columns": asdict(columns),
        "counted": [options.samples, options.all_hosts],
        "written": options.files.answers,
        "version": __version__,
    }


def report_of(
    dataset: Named,
    columns: Columns,
    options: CheckOptions,
    index: Index,
    tally: Tally,
) -> Report:
    """Return the report on rows that were counted."""
    snapshot, prints = index.snapshot, index.prints
    manifest = snapshot.manifest
    radius = prints.possible if options.distance is None else options.distance
    chance = expected_chance_matches(len(prints), tally.with_fingerprint, radius)
    return Report(
        dataset=dataset.name,
        format=dataset.format,
        tally=tally,
        layout=columns.layout,
        columns=_columns_json(columns),
        left_out=tuple(dataset.left_out),
        registry={
            "snapshot": str(snapshot.path),
            "serial": manifest.serial,
            "built_at": manifest.built_at,
            "entries": len(snapshot.entries),
            "digest": manifest.digest,
        },
        policy=options.policy,
        distance=options.distance,
        radius=radius,
        floods=_floods(tally, Wording(index)),
        expected_chance_matches=chance,
        versions={
            "optout-registry": __version__,
            "policy": str(policy_named(options.policy)),
            **manifest.algorithms,
        },
        seconds=0.0,
        unrecorded=sorted(index.unrecorded),
    )


def _floods(tally: Tally, wording: Wording) -> dict[str, int]:
    most = tally.similar.most_common(TOP)
    return {wording.of_entry(entry).entry: rows for entry, rows in most if rows >= FLOOD}


def _columns_json(columns: Columns) -> dict[str, Any]:
    """Return by role its column and the reason; `also` lists further columns of the role."""
    by_role: dict[str, Any] = {}
    for choice in columns.choices:
        if choice.role:
            used = {"column": choice.column, "why": choice.why}
            if choice.role in by_role:
                by_role[choice.role].setdefault("also", []).append(used)
            else:
                by_role[choice.role] = used
    ignored = {c.column: c.why for c in columns.choices if not c.role}
    return {**by_role, "ignored": ignored}

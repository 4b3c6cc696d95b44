"""Runs a check: compares a dataset with a snapshot batch by batch, counts, and writes rows."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING, Any, TypeVar

from registry import __version__
from registry.checking.columns import Columns
from registry.checking.output import Output, writing
from registry.checking.report import FLOOD, MAX_SHOWN, TOP, Report, Tally
from registry.checking.shards import ShardOptions, check_shard, merge
from registry.checking.wording import Wording
from registry.datasets._left_out import reasons
from registry.index import Index
from registry.matching.confirm import expected_chance_matches
from registry.model import Outcome
from registry.pictures.hashing import PictureHasher
from registry.snapshot.verified import verify_once
from registry.verdict import policy_named

if TYPE_CHECKING:
    import pyarrow as pa

    from registry.datasets import Dataset
    from registry.datasets.tables import Chunk
    from registry.snapshot.opened import Snapshot

Item = TypeVar("Item")
OnProgress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """Options of a check. With `distance` every row within so many bits matches; None: by tier."""

    policy: str = "cautious"
    distance: int | None = None
    out: Path | None = None
    keep: Sequence[Outcome] = ()
    workers: int = 1


def check(
    dataset: Dataset,
    snapshot: Snapshot,
    columns: Columns,
    options: CheckOptions,
    progress: OnProgress = lambda done, total: None,
) -> Report:
    """Check every row of a dataset and return the report.

    Raises UnreadableDataset if a part of the dataset cannot be read; the rows written
    until then are removed.
    """
    started = time.perf_counter()
    verify_once(snapshot)
    snapshot.read_whole()
    tally = Tally()
    with (
        closing(PictureHasher(options.workers)) as hasher,
        writing(dataset, options.out, options.keep) as output,
    ):
        shard = ShardOptions(
            columns, hasher, options.distance, dataset.label, reasons(dataset.left_out)
        )
        # Matches of later batches are worded only as long as there is room for them.
        parts = _parts(dataset, snapshot, shard, options, output, tally)
        for part, rows, table in parts:
            merge([part], into=tally)
            output.write(rows, table)
            progress(tally.rows, dataset.rows)
    index = Index(snapshot, options.policy)
    seconds = time.perf_counter() - started
    return _report(dataset, columns, options, index, tally, seconds)


def _parts(
    dataset: Dataset,
    snapshot: Snapshot,
    shard: ShardOptions,
    options: CheckOptions,
    output: Output,
    so_far: Tally,
) -> Iterator[tuple[Tally, pa.RecordBatch | None, int]]:
    """Yield the counts of each batch, in order, with its rows to be written and its table.

    Batches are checked side by side by threads, each with an index of its own: indices remember
    answers. The next batch is read meanwhile.
    """
    label = [dataset.label] if dataset.label else []
    read = [*label, *shard.columns.read]
    if options.keep:
        read += dataset.needed
    needed = None if options.out and not options.keep else list(dict.fromkeys(read))
    # Pictures are hashed by processes, for one batch at a time.
    has_pictures = any(choice.role == "image" for choice in shard.columns.choices)
    threads = 1 if has_pictures else options.workers
    own = local()

    def checked(chunk: Chunk) -> tuple[Tally, pa.RecordBatch | None, int]:
        if not hasattr(own, "wording"):
            own.wording = Wording(Index(snapshot, options.policy))
        rows: list[pa.RecordBatch | None] = []
        tally = check_shard(
            [chunk.batch],
            own.wording.index,
            replace(shard, shown=MAX_SHOWN - len(so_far.shown)),
            lambda *answered: rows.append(output.rows(*answered)),
            own.wording,
        )
        return tally, rows[0], chunk.table

    pool = ThreadPoolExecutor(threads)
    try:
        yield from _in_order(pool, checked, dataset.chunks(needed), threads + 1)
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(
    pool: ThreadPoolExecutor,
    work: Callable[[Chunk], Item],
    chunks: Iterable[Chunk],
    most: int,
) -> Iterator[Item]:
    """Yield the results for some chunks in their order, with a limited number in work."""
    waiting = deque[Future[Item]]()
    for chunk in chunks:
        waiting.append(pool.submit(work, chunk))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _report(
    dataset: Dataset,
    columns: Columns,
    options: CheckOptions,
    index: Index,
    tally: Tally,
    seconds: float,
) -> Report:
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
        seconds=seconds,
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

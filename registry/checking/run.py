"""Runs a check: compares a dataset with a snapshot batch by batch, counts, and writes rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry import __version__
from registry.checking.answers import answer
from registry.checking.columns import Columns
from registry.checking.count import count
from registry.checking.extraction import extract
from registry.checking.output import writing
from registry.checking.report import FLOOD, TOP, Report, Tally
from registry.checking.wording import Wording
from registry.datasets._left_out import reasons
from registry.index import Index
from registry.matching.confirm import expected_chance_matches
from registry.model import Outcome
from registry.pictures.hashing import PictureHasher
from registry.snapshot.verified import trust_verified
from registry.verdict import policy_named

if TYPE_CHECKING:
    from registry.datasets import Dataset
    from registry.snapshot.opened import Snapshot

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
    trust_verified(snapshot)
    index = Index(snapshot, options.policy)
    wording, tally = Wording(index), Tally()
    hasher = PictureHasher(options.workers)
    label = [dataset.label] if dataset.label else []
    needed = None if options.out else list(dict.fromkeys([*label, *columns.read]))
    left_out = reasons(dataset.left_out)
    try:
        with writing(dataset, options.out, options.keep) as write:
            for batch in dataset.batches(needed):
                keys = extract(batch, columns, hasher)
                answers = answer(keys, index, options.distance, left_out)
                names = batch.column(dataset.label) if dataset.label else None
                count(tally, keys, answers, wording, names)
                write(batch, keys, answers, wording)
                progress(tally.rows, dataset.rows)
    finally:
        hasher.close()
    seconds = time.perf_counter() - started
    return _report(dataset, snapshot, columns, options, wording, tally, seconds)


def _report(
    dataset: Dataset,
    snapshot: Snapshot,
    columns: Columns,
    options: CheckOptions,
    wording: Wording,
    tally: Tally,
    seconds: float,
) -> Report:
    manifest = snapshot.manifest
    prints = wording.index.prints
    radius = prints.possible if options.distance is None else options.distance
    chance = expected_chance_matches(len(prints), tally.with_fingerprint, radius)
    return Report(
        dataset=dataset.name,
        format=dataset.format,
        tally=tally,
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
        floods=_floods(tally, wording),
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

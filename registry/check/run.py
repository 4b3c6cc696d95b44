"""Runs a check: streams a dataset past a snapshot, counts, and writes rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from registry import __version__
from registry.check.answers import answer
from registry.check.columns import NAMES, Column, Columns, Role, choose
from registry.check.count import count
from registry.check.index import CheckIndex
from registry.check.keys import extract
from registry.check.output import writing
from registry.check.report import Report, Tally
from registry.check.wording import Wording
from registry.matching.confirm import CANDIDATE_RADIUS, expected_chance_matches
from registry.model import Outcome
from registry.pictures.hashing import PictureHasher
from registry.verdict import policy_named

if TYPE_CHECKING:
    from registry.datasets import Dataset
    from registry.snapshot.store import Snapshot

SAMPLE = 200
# Nothing was compared with anything: that is no answer at all.
EMPTY = "empty-registry"
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How to check. `distance` None: tiers decide; else every row within it matches."""

    policy: str = "cautious"
    distance: int | None = None
    out: Path | None = None
    keep: Outcome | None = None
    workers: int = 1


def plan(dataset: Dataset, overrides: Mapping[Role, str] | None = None) -> Columns:
    """Recognise the columns of a dataset from its schema and its first rows."""
    names = [f.name for f in dataset.schema if _is_sampled(f)]
    sample = next(dataset.batches(names), None) if names else None
    return choose([_column(field, sample) for field in dataset.schema], overrides)


def check(
    dataset: Dataset,
    snapshot: Snapshot,
    columns: Columns,
    options: Options,
    progress: Progress = lambda done, total: None,
) -> Report:
    """Check every row of a dataset and return the report.

    Raises UnreadableDataset when the dataset stops being readable on the way;
    rows written so far are then removed.
    """
    started = time.perf_counter()
    index = CheckIndex(snapshot, options.policy)
    wording, tally = Wording(index), Tally()
    hasher = PictureHasher(options.workers)
    label = [dataset.label] if dataset.label else []
    needed = None if options.out else label + list(columns.by_role.values())
    try:
        with writing(dataset, options.out, options.keep) as write:
            for batch in dataset.batches(needed):
                keys = extract(batch, columns, hasher)
                if index.is_empty:
                    keys.note(np.ones(keys.rows, bool), EMPTY)
                found = answer(keys, index, options.distance)
                names = batch.column(dataset.label) if dataset.label else keys.urls
                count(tally, keys, found, wording, names)
                write(batch, keys, found, wording)
                progress(tally.rows, dataset.rows)
    finally:
        hasher.close()
    seconds = time.perf_counter() - started
    return _report(dataset, snapshot, columns, options, index, tally, seconds)


def _report(
    dataset: Dataset,
    snapshot: Snapshot,
    columns: Columns,
    options: Options,
    index: CheckIndex,
    tally: Tally,
    seconds: float,
) -> Report:
    manifest = snapshot.manifest
    radius = CANDIDATE_RADIUS if options.distance is None else options.distance
    chance = expected_chance_matches(len(index.reserved_images), tally.with_fingerprint, radius)
    return Report(
        dataset=dataset.name,
        format=dataset.format,
        tally=tally,
        columns=_columns_json(columns),
        registry={
            "snapshot": str(snapshot.path),
            "serial": manifest.serial,
            "built_at": manifest.built_at,
            "entries": snapshot.entries.num_rows,
            "digest": manifest.digest,
        },
        policy=options.policy,
        distance=options.distance,
        expected_chance_matches=chance,
        versions={
            "optout-registry": __version__,
            "policy": str(policy_named(options.policy)),
            **manifest.algorithms,
        },
        seconds=seconds,
    )


def _columns_json(columns: Columns) -> dict[str, Any]:
    used = {c.role: {"column": c.column, "why": c.why} for c in columns.choices if c.role}
    ignored = {c.column: c.why for c in columns.choices if not c.role}
    return {**{str(role): choice for role, choice in used.items()}, "ignored": ignored}


def _is_sampled(field: pa.Field) -> bool:
    """Tell whether values of a column say what it is; those of pictures would only cost memory."""
    digests = NAMES["sha256"] + NAMES["md5"]
    return _kind(field.type) == "string" or field.name.lower() in digests


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "string"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "binary"
    if pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind):
        return "binary"
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") != -1:
        return "picture" if _kind(kind.field("bytes").type) == "binary" else "other"
    return "other"


def _bytes(column: pa.Array) -> pa.Array:
    """Return texts or bytes as bytes: a text that is not UTF-8 must not stop the plan."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    if pa.types.is_binary_view(column.type):
        column = column.cast(pa.binary())
    return column.cast(pa.binary()) if _kind(column.type) == "string" else column


def _column(field: pa.Field, sample: pa.RecordBatch | None) -> Column:
    kind = _kind(field.type)
    values: list[Any] = []
    if sample is not None and field.name in sample.schema.names:
        values = _bytes(sample.column(field.name)).drop_null().slice(0, SAMPLE).to_pylist()
    texts = tuple(
        v.decode("utf-8", "replace").strip() if kind == "string" else v.hex() for v in values
    )
    return Column(field.name, kind, str(field.type), texts)  # type: ignore[arg-type]

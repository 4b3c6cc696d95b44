"""Runs a check: streams a dataset past a snapshot, counts, and writes rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from registry import __version__
from registry.check.answers import WAYS, Answers, answer
from registry.check.columns import Column, Columns, Role, choose
from registry.check.index import CheckIndex
from registry.check.keys import Keys, extract
from registry.check.pictures import PictureHasher
from registry.check.report import Report, Shown, Tally
from registry.check.wording import FIELDS, Wording, out_columns, row_words
from registry.errors import UsageError
from registry.matching.confirm import CANDIDATE_RADIUS, expected_chance_matches
from registry.matching.url_key import split_key
from registry.model import OUTCOMES, TIERS, Outcome
from registry.verdict import policy_named

if TYPE_CHECKING:
    from registry.datasets import Dataset, RowWriter
    from registry.snapshot.store import Snapshot

SAMPLE = 200
MAX_SHOWN = 200
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How to check. `distance` None: tiers decide; else every row within it matches."""

    policy: str = "cautious"
    distance: int | None = None
    out: Path | None = None
    keep: Outcome | None = None
    workers: int = 1
    overrides: Mapping[Role, str] | None = None


def plan(dataset: Dataset, overrides: Mapping[Role, str] | None = None) -> Columns:
    """Recognise the columns of a dataset from its schema and its first rows."""
    names = [f.name for f in dataset.schema if _kind(f.type) in ("string", "binary")]
    sample = next(dataset.batches([n for n in names if n != "image"]), None) if names else None
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
    needed = None if options.out else list(columns.by_role.values())
    try:
        with _writing(dataset, options) as write:
            for batch in dataset.batches(needed):
                keys = extract(batch, columns, hasher)
                found = answer(keys, index, options.distance)
                _count(tally, keys, found, index, wording)
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


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "string"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "binary"
    if pa.types.is_fixed_size_binary(kind):
        return "binary"
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") != -1:
        return "picture"
    return "other"


def _column(field: pa.Field, sample: pa.RecordBatch | None) -> Column:
    kind = _kind(field.type)
    values: list[Any] = []
    if sample is not None and field.name in sample.schema.names:
        values = sample.column(field.name).drop_null().slice(0, SAMPLE).to_pylist()
    texts = tuple(v.strip() if isinstance(v, str) else bytes(v).hex() for v in values)
    return Column(field.name, kind, str(field.type), texts)  # type: ignore[arg-type]


def _count(tally: Tally, keys: Keys, found: Answers, index: CheckIndex, wording: Wording) -> None:
    start = tally.rows
    tally.rows += keys.rows
    for code, count in zip(*np.unique(found.outcome, return_counts=True), strict=True):
        tally.outcomes[OUTCOMES[code]] += int(count)
    unchecked = found.outcome == OUTCOMES.index("unchecked")
    tally.unchecked.update(keys.problem[unchecked].tolist())
    if keys.has_phash64 is not None:
        tally.with_fingerprint += int(keys.has_phash64.sum())
    met = np.flatnonzero(found.way != -1)
    tally.matched_by.update(WAYS[way] for way in found.way[met])
    tally.tiers.update(TIERS[t] for t in found.tier[met] if t != -1)
    for row in met:
        words = row_words(keys, found, wording, int(row))
        assert words is not None
        tally.signals.update(words.signal.split(", "))
        url = keys.urls[int(row)].as_py() if keys.urls is not None else None
        if url:
            tally.hosts[split_key(url)[0]] += 1
        if len(tally.shown) < MAX_SHOWN:
            tally.shown.append(_shown(start, int(row), url, found, words))


def _shown(start: int, row: int, url: str | None, found: Answers, words: Any) -> Shown:
    distance = int(found.distance[row])
    return Shown(
        row=start + row,
        what=(url or "")[2:],
        outcome=OUTCOMES[found.outcome[row]],
        way=WAYS[found.way[row]],
        distance=None if distance < 0 else distance,
        signal=words.signal,
        reason=words.reason,
        since=f"{words.since:%Y-%m-%d}" if words.since else "",
    )


@contextmanager
def _writing(
    dataset: Dataset, options: Options
) -> Iterator[Callable[[pa.RecordBatch, Keys, Answers, Wording], None]]:
    """Give a function that writes a batch's rows as the options ask; no file is left half."""
    if options.out is None:
        yield lambda batch, keys, found, wording: None
        return
    if options.keep is None:
        clash = [name for name, _ in FIELDS if name in dataset.schema.names]
        if clash:
            raise UsageError(
                f"the dataset already has a column {clash[0]}", "check the original dataset"
            )
    writer = dataset.writer(options.out, _out_schema(dataset, options))
    try:
        yield _row_writer(writer, options)
        writer.close()
    except BaseException:
        writer.abandon()
        raise


def _out_schema(dataset: Dataset, options: Options) -> pa.Schema:
    if options.keep is not None:
        return dataset.schema
    fields = [*dataset.schema, *(pa.field(name, kind) for name, kind in FIELDS)]
    return pa.schema(fields, dataset.schema.metadata)


def _row_writer(
    writer: RowWriter, options: Options
) -> Callable[[pa.RecordBatch, Keys, Answers, Wording], None]:
    def write(batch: pa.RecordBatch, keys: Keys, found: Answers, wording: Wording) -> None:
        if options.keep is not None:
            kept = pa.array(found.outcome == OUTCOMES.index(options.keep))
            writer.write(batch.filter(kept))
            return
        extra = out_columns(keys, found, wording)
        fields = [*batch.schema, *(pa.field(name, kind) for name, kind in FIELDS)]
        schema = pa.schema(fields, batch.schema.metadata)
        writer.write(pa.record_batch([*batch.columns, *extra], schema))

    return write

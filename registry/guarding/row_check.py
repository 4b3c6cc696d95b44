"""The check of rows batch by batch, in any process: each opens the snapshot itself."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from registry import __version__
from registry.checking.columns import Columns
from registry.checking.plan import planned
from registry.checking.shards import ShardOptions, check_shard, merge
from registry.checking.tally import MAX_SHOWN, Tally
from registry.checking.wording import FIELDS, Wording, out_columns
from registry.datasets import refuse_hidden
from registry.errors import UnreadableSnapshot, UsageError
from registry.guarding import counts
from registry.guarding.rows import RowShape
from registry.guarding.samples import KEY, SampleShape, is_sample
from registry.index import Index
from registry.model import OUTCOMES
from registry.pictures.hashing import PictureHasher
from registry.snapshot.opened import open_snapshot
from registry.snapshot.verified import verify_once
from registry.verdict import policy_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.checking.keys import Keys
    from registry.checking.outcomes import Answers
    from registry.model import Outcome
    from registry.snapshot.opened import Snapshot

Row = Mapping[str, Any]
OnDrop = Callable[[Any, Mapping[str, Any]], None]
# Rows of a batch, and about the most bytes of it. The first batch shows the columns; later ones are
# small where rows are large, so that rows are passed on while the next pictures are read.
FIRST, LATER = (256, 32 << 20), (1024, 4 << 20)


class Shape(Protocol):
    """The columns of rows; `label` is the one that identifies a row."""

    label: str | None
    schema: pa.Schema

    def batch(self, rows: Sequence[Row]) -> pa.RecordBatch:
        """Return rows as a batch."""


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """How rows are checked, and which outcomes are passed on.

    `counts` is the folder in which all processes keep their counts; `on_drop` is called with each
    row that is not passed on and its `optout_*` values.
    """

    policy: str = "cautious"
    keep: Sequence[Outcome] = ("clear",)
    columns: Mapping[str, Sequence[str]] | None = None
    workers: int = 1
    counts: Path | None = None
    on_drop: OnDrop | None = None


@dataclass(slots=True)
class _Own:
    """What one process has for itself: the index, the processes for pictures, the counts."""

    process: int
    wording: Wording
    hasher: PictureHasher
    file: counts.CountsFile | None
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0


class RowCheck:
    """Checks the rows of one dataset, or of one split of it. It can be sent to other processes."""

    def __init__(self, snapshot: Snapshot, options: GuardOptions, split: int = 0) -> None:
        """Raises UsageError for a folder of counts that is another one."""
        self.options, self._split = options, split
        self._path, self._digest = snapshot.path.absolute(), snapshot.manifest.digest
        self._shape: Shape | None = None
        self._label: str | None = None
        self.columns: Columns | None = None
        self._given: Snapshot | None = snapshot
        self._begin()
        if options.counts:
            counts.prepare(options.counts, self._about())

    def _begin(self) -> None:
        self._own: _Own | None = None
        self._lock = threading.RLock()
        # What a forked process has from its parent, whose pictures are still in work.
        self._inherited: list[_Own] = []

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs; it has counts of its own."""
        own = ("_own", "_given", "_lock", "_inherited")
        return {name: value for name, value in self.__dict__.items() if name not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what another process sent."""
        self.__dict__.update(state)
        self._given = None
        self._begin()

    def prepare(self, schema: pa.Schema, first: pa.RecordBatch | None) -> None:
        """Recognise the columns. Raises UnreadableDataset if none names the pictures."""
        refuse_hidden(schema)
        self.columns = planned(schema, first, self.options.columns)

    def passed(self, rows: Iterable[Any]) -> Iterator[Any]:
        """Yield the rows that are passed on, each batch when it has been checked."""
        for group in _grouped(rows):
            for row, passes in zip(group, self.passing(group), strict=True):
                if passes:
                    yield row

    def passing(self, rows: Sequence[Row]) -> list[bool]:
        """Return for each row whether it is passed on."""
        with self._lock:
            if self._shape is None:
                shape = SampleShape(rows) if is_sample(rows[0]) else RowShape.of(rows)
                self.prepare(shape.schema, shape.batch(rows))
                self._shape, self._label = shape, shape.label
            batch = self._shape.batch(rows)
        return [bool(one) for one in self.passing_batch(batch, rows.__getitem__)]

    def passing_batch(
        self, batch: pa.RecordBatch, row: Callable[[int], Any] | None = None
    ) -> NDArray[np.bool_]:
        """Return for each row of a batch whether it is passed on.

        `row` returns the row of a number for `on_drop`. The columns were recognised before.
        """
        with self._lock:
            own, started = self._of_process(), time.perf_counter()
            passing = np.zeros(0, bool)
            dropped: list[tuple[int, dict[str, Any]]] = []

            def take(batch: pa.RecordBatch, keys: Keys, found: Answers, words: Wording) -> None:
                nonlocal passing
                passing = np.isin(found.outcome, [OUTCOMES.index(o) for o in self.options.keep])
                if self.options.on_drop and not passing.all():
                    dropped.extend(_answers(keys, found, words, ~passing))

            part = check_shard([batch], own.wording.index, self._shard(own), take, own.wording)
            merge([part], into=own.tally)
            if own.file:
                own.file.add(part)
            own.seconds += time.perf_counter() - started
        for number, answer in dropped:
            assert self.options.on_drop is not None
            one = row(number) if row else batch.slice(number, 1).to_pylist()[0]
            self.options.on_drop(one, answer)
        return passing

    def _shard(self, own: _Own) -> ShardOptions:
        assert self.columns is not None
        return ShardOptions(
            self.columns,
            own.hasher,
            label=self._label,
            shown=MAX_SHOWN - len(own.tally.shown),
        )

    @property
    def tally(self) -> Tally:
        """The counts: of all processes, if they are kept in a folder; else of this one."""
        if self.options.counts:
            return counts.counts_in(self.options.counts, self._split)
        return self._of_process().tally

    @property
    def seconds(self) -> float:
        """The time that this process took."""
        return self._of_process().seconds

    @property
    def index(self) -> Index:
        """The index of the snapshot."""
        return self._of_process().wording.index

    def close(self) -> None:
        """End the processes that read pictures; they start again if there are more."""
        with self._lock:
            if self._own and self._own.process == os.getpid():
                self._own.hasher.close()
                self._own.hasher = self._hasher()

    def _of_process(self) -> _Own:
        """Return what this process has for itself; a forked one cannot use what its parent has."""
        process = os.getpid()
        with self._lock:
            if self._own and self._own.process != process:
                self._inherited.append(self._own)
                self._own = None
            if self._own is None:
                snapshot = self._snapshot()
                verify_once(snapshot)
                snapshot.read_whole()
                folder = self.options.counts
                file = counts.CountsFile(folder, self._split, self._about()) if folder else None
                wording = Wording(Index(snapshot, self.options.policy))
                self._own = _Own(process, wording, self._hasher(), file)
            return self._own

    def _hasher(self) -> PictureHasher:
        hasher = PictureHasher(self.options.workers)
        weakref.finalize(self, _close, hasher, os.getpid())
        return hasher

    def _snapshot(self) -> Snapshot:
        snapshot, self._given = self._given or open_snapshot(self._path), None
        if snapshot.manifest.digest != self._digest:
            raise UnreadableSnapshot(
                f"{self._path} is another snapshot than at the start",
                "start again with one",
            )
        return snapshot

    def _about(self) -> counts.About:
        return {
            "snapshot": self._digest,
            "policy": str(policy_named(self.options.policy)),
            "version": __version__,
        }


def _close(hasher: PictureHasher, process: int) -> None:
    if os.getpid() == process:
        hasher.close()


def _answers(
    keys: Keys, found: Answers, words: Wording, which: NDArray[np.bool_]
) -> list[tuple[int, dict[str, Any]]]:
    """Return the numbers of some rows and their answers."""
    columns = pa.record_batch(out_columns(keys, found, words), pa.schema(FIELDS))
    answers = columns.filter(pa.array(which)).to_pylist()
    return list(zip(np.flatnonzero(which).tolist(), answers, strict=True))


def _grouped(rows: Iterable[Any]) -> Iterator[list[Row]]:
    group: list[Row] = []
    size, (most, most_bytes) = 0, FIRST
    for row in rows:
        _refuse_others(row)
        group.append(row)
        size += sum(len(one) for one in row.values() if isinstance(one, bytes | str))
        if len(group) >= most or size >= most_bytes:
            yield group
            group, size, (most, most_bytes) = [], 0, LATER
    if group:
        yield group


def _refuse_others(row: Any) -> None:
    """Raise UsageError for what is no row: a tuple, or a batch of samples."""
    if isinstance(row, Mapping) and isinstance(row.get(KEY), str | None):
        return
    is_batch = isinstance(row, Mapping)
    what = "a batch of samples" if is_batch else f"a row of type {type(row).__name__}"
    raise UsageError(
        f"{what} cannot be checked",
        "rows are dictionaries: guard them before they become tuples or batches",
    )

"""Checks the chunks of a dataset side by side, in threads, and yields the results in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import local
from typing import TYPE_CHECKING

from registry.checking.shards import check_shard
from registry.checking.tally import MAX_SHOWN, Tally
from registry.checking.wording import Wording
from registry.index import Index
from registry.ordered import in_order

if TYPE_CHECKING:
    import pyarrow as pa

    from registry.checking.output import Output, Written
    from registry.checking.shards import ShardOptions
    from registry.datasets import Dataset
    from registry.datasets.tables import Chunk
    from registry.datasets.units import Unit
    from registry.snapshot.opened import Snapshot


@dataclass(frozen=True, slots=True)
class Checked:
    """A chunk with its counts and, if it is written, its answers and what is written of it.

    `unit` is the place of its unit among those that are checked.
    """

    unit: int
    chunk: Chunk
    tally: Tally
    answers: pa.RecordBatch | None
    written: Written | None


@dataclass(frozen=True, slots=True)
class Checker:
    """What the chunks of a dataset are checked against, and how. `columns` are read."""

    dataset: Dataset
    snapshot: Snapshot
    policy: str
    options: ShardOptions
    output: Output
    columns: Sequence[str]
    threads: int

    def checked(
        self, units: Sequence[Unit], room: Callable[[], int] = lambda: MAX_SHOWN
    ) -> Iterator[Checked]:
        """Yield the chunks of some units in order; at most `room()` matches are shown of each.

        Each thread has an index of its own: indices remember answers. The next chunks are read
        meanwhile.
        """
        own = local()

        def check(one: tuple[int, Chunk]) -> Checked:
            if not hasattr(own, "wording"):
                own.wording = Wording(Index(self.snapshot, self.policy))
            return self._checked(*one, own.wording, room())

        pool = ThreadPoolExecutor(self.threads)
        try:
            chunks = (
                (number, chunk)
                for number, unit in enumerate(units)
                for chunk in self.dataset.chunks(self.columns, unit)
            )
            yield from in_order(
                lambda one: pool.submit(check, one), chunks, lambda: self.threads + 1
            )
        finally:
            pool.shutdown(cancel_futures=True)

    def _checked(self, unit: int, chunk: Chunk, wording: Wording, shown: int) -> Checked:
        answers: list[pa.RecordBatch | None] = []
        tally = check_shard(
            [chunk.batch],
            wording.index,
            replace(self.options, shown=shown),
            lambda batch, keys, found, words: answers.append(
                self.output.answers(keys, found, words)
            ),
            wording,
        )
        written = None if answers[0] is None else self.output.written(chunk.batch, answers[0])
        return Checked(unit, chunk, tally, answers[0], written)

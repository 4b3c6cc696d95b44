"""Writes the identifiers of rows as a subset of DataComp: a sorted array in a file of NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from registry import durable
from registry.datasets.fitting import is_text
from registry.datasets.hidden import UNREAD
from registry.datasets.npy.files import HEADER_BYTES, npy_header
from registry.datasets.npy.uids import DIGITS, HALVES, UID, Array, in_order, uids_of
from registry.errors import UnreadableDataset, UsageError

# Bytes of identifiers that are sorted at a time.
RUN_BYTES = 64 << 20
_RUNS = "runs"
_WRITE_ROWS = "name a file that ends in .parquet, or as the files of the dataset do"


class UidWriter:
    """Sorts identifiers in runs, which are merged at the end: memory does not grow with the rows.

    The file has its name only when it is complete. All methods except `abandon` may raise
    UnwritableOutput, `write` also UnreadableDataset.
    """

    def __init__(
        self,
        path: Path,
        schema: pa.Schema,
        counts: Callable[[Array], NDArray[np.int64]] | None = None,
    ) -> None:
        """`counts` returns how often each identifier is written; None: once."""
        if UID not in schema.names or not is_text(schema.field(UID).type):
            raise UsageError(f"{path}: the dataset has no column {UID} of texts", _WRITE_ROWS)
        self.path, self._counts = path, counts
        self._waiting: list[Array] = []
        self._runs: list[int] = []
        with durable.reported(path):
            self._made = durable.Unfinished(path)
            try:
                self._folder = self._made.make_folder()
                self._sorted = (self._folder / _RUNS).open("w+b")
            except BaseException:
                self._made.discard()
                raise

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Append the identifiers of rows."""
        values, valid = uids_of(batch.column(UID))
        if UNREAD in batch.schema.names:
            valid = valid | batch.column(UNREAD).is_valid().to_numpy(zero_copy_only=False)
        if not valid.all():
            raise UnreadableDataset(
                f"a {UID} that is kept is not {DIGITS} hexadecimal digits", _WRITE_ROWS
            )
        self._waiting.append(values)
        if sum(values.nbytes for values in self._waiting) >= RUN_BYTES:
            with durable.reported(self.path):
                self._flush()

    def _flush(self) -> None:
        run = in_order(np.concatenate([np.empty(0, HALVES), *self._waiting]))
        self._sorted.write(run.tobytes())
        self._runs.append(len(run))
        self._waiting = []

    def close(self) -> None:
        """Merge the runs, and give the file its name."""
        with durable.reported(self.path):
            self._flush()
            self._sorted.flush()
            with self._made.path.open("wb") as file:
                file.write(bytes(HEADER_BYTES))
                rows = 0
                for part in self._merged():
                    file.write(part.tobytes())
                    rows += len(part)
                file.seek(0)
                file.write(npy_header(HALVES, rows))
            self._sorted.close()
            (self._folder / _RUNS).unlink()
            self._folder.rmdir()
            self._made.finish()

    def _merged(self) -> Iterator[Array]:
        """Yield all identifiers in order, in parts by their first digits."""
        ends = np.cumsum(self._runs).tolist()
        if not ends[-1]:
            return
        every = np.memmap(self._sorted, HALVES, "r")
        runs = [every[end - size : end] for end, size in zip(ends, self._runs, strict=True)]
        parts = every.nbytes // RUN_BYTES + 1
        edges = [(number << 64) // parts for number in range(1, parts)]
        cuts = [
            [0, *np.searchsorted(run["f0"], np.array(edges, np.uint64)), len(run)] for run in runs
        ]
        for number in range(parts):
            pieces = [run[at[number] : at[number + 1]] for run, at in zip(runs, cuts, strict=True)]
            part = in_order(np.concatenate(pieces))
            yield part if self._counts is None else np.repeat(part, self._counts(part))

    def abandon(self) -> None:
        """Remove the part that was written."""
        with suppress(OSError):
            self._sorted.close()
        self._made.discard()

"""Writes the rows of a check: all with their outcomes, or those of some outcomes unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from registry.checking.texts import mask
from registry.checking.wording import FIELDS, Wording, out_columns
from registry.datasets.hidden import HIDDEN, RAW, UNREAD
from registry.errors import UsageError
from registry.model import OUTCOMES, Outcome

if TYPE_CHECKING:
    from registry.checking.keys import Keys
    from registry.checking.outcomes import Answers
    from registry.datasets import Dataset, RowWriter

# The column of the number of an outcome, where no other answer is needed.
_CODE = "outcome"


class Output:
    """The file of a check's rows; without one, nothing is written, and no rows are made."""

    def __init__(
        self,
        writer: RowWriter | None = None,
        keep: Sequence[Outcome] = (),
        *,
        answers: bool = False,
    ) -> None:
        """With `keep`, only rows with those outcomes are written, as they are in the dataset.

        With `answers` these are made without a file, too: the rows are written elsewhere.
        """
        self._writer = writer
        self._has_answers = answers or writer is not None
        self._kept = [OUTCOMES.index(outcome) for outcome in keep]

    @property
    def is_used(self) -> bool:
        """Whether there is a file."""
        return self._writer is not None

    def answers(self, keys: Keys, answers: Answers, wording: Wording) -> pa.RecordBatch | None:
        """Return the answers of a batch as far as the file needs them: `rows` writes with these."""
        if not self._has_answers:
            return None
        if self._kept:
            return pa.record_batch([pa.array(answers.outcome)], [_CODE])
        return pa.record_batch(out_columns(keys, answers, wording), pa.schema(FIELDS))

    def rows(self, batch: pa.RecordBatch, answers: pa.RecordBatch) -> pa.RecordBatch | None:
        """Return the rows of a batch as they are written, given their answers; None: no rows."""
        if self._writer is None:
            return None
        if self._kept:
            kept = np.isin(answers.column(_CODE).to_numpy(), self._kept)
            if UNREAD in batch.schema.names and RAW not in batch.schema.names:
                # Of these rows there is nothing to write.
                kept &= ~mask(batch.column(UNREAD).is_valid())
            # Rows that could not be read may lack the columns that are written.
            return batch.filter(pa.array(kept)) if kept.any() else None
        batch = batch.select([name for name in batch.schema.names if name not in HIDDEN])
        return pa.record_batch([*batch.columns, *answers.columns], _with_answers(batch.schema))

    def write(self, rows: pa.RecordBatch, table: int) -> None:
        """Append rows of a table of the dataset."""
        if self._writer is not None:
            self._writer.write(rows, table)


@contextmanager
def writing(dataset: Dataset, out: Path | None, keep: Sequence[Outcome] = ()) -> Iterator[Output]:
    """Yield the output of a check; its file is complete or absent.

    With `keep`, only rows with those outcomes are written, in the dataset's own schema; else all
    rows, with the `optout_*` columns.
    """
    if out is None:
        yield Output()
        return
    writer = dataset.keeper(out) if keep else dataset.writer(out, _with_answers(dataset.schema))
    try:
        yield Output(writer, keep)
        writer.close()
    except BaseException:
        # Whatever ends the check, also Ctrl-C, the unfinished file is removed; then it is raised.
        writer.abandon()
        raise


def _with_answers(schema: pa.Schema) -> pa.Schema:
    clash = [name for name, _ in FIELDS if name in schema.names]
    if clash:
        raise UsageError(
            f"the dataset already has a column {clash[0]}", "check the original dataset"
        )
    fields = [*schema, *(pa.field(name, kind) for name, kind in FIELDS)]
    return pa.schema(fields, schema.metadata)

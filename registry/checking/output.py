"""Writes the rows of a check: all with their outcomes, or those of some outcomes unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from registry.checking.wording import FIELDS, Wording, out_columns
from registry.errors import UsageError
from registry.model import OUTCOMES, Outcome

if TYPE_CHECKING:
    from registry.checking.answers import Answers
    from registry.checking.keys import Keys
    from registry.datasets import Dataset

Write = Callable[[pa.RecordBatch, "Keys", "Answers", Wording], None]


@contextmanager
def writing(dataset: Dataset, out: Path | None, keep: Sequence[Outcome] = ()) -> Iterator[Write]:
    """Yield a function that writes the rows of a batch; the file is complete or absent.

    Without `out` the function does nothing. With `keep`, only rows with those outcomes are
    written, in the dataset's own schema; else all rows, with the `optout_*` columns.
    """
    if out is None:
        yield lambda batch, keys, answers, wording: None
        return
    schema = dataset.schema if keep else _with_answers(dataset.schema)
    writer = dataset.writer(out, schema)

    def write(batch: pa.RecordBatch, keys: Keys, answers: Answers, wording: Wording) -> None:
        if keep:
            kept = np.isin(answers.outcome, [OUTCOMES.index(outcome) for outcome in keep])
            writer.write(batch.filter(pa.array(kept)))
        else:
            columns = [*batch.columns, *out_columns(keys, answers, wording)]
            writer.write(pa.record_batch(columns, _with_answers(batch.schema)))

    try:
        yield write
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

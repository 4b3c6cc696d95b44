"""Writes the rows of a check: all with their outcomes, or those of some outcomes unchanged.

Lists of rows to keep or to remove are written beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.checking.row_lists import KeptNumbers, RowList, removal_list
from registry.checking.texts import mask
from registry.checking.wording import FIELDS, Wording, out_columns
from registry.datasets.arrow.fields import filtered
from registry.datasets.hidden import HIDDEN, RAW, UNREAD
from registry.errors import UsageError
from registry.model import OUTCOMES, Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.checking.keys import Keys
    from registry.checking.outcomes import Answers
    from registry.datasets import Dataset, RowWriter

# The column of the number of an outcome, where no other answer is needed.
_CODE = "outcome"
AnswerColumns = Literal["all", "outcome", "none"]
# Outcomes of the rows that lists keep, if the check names none.
_CLEAR: tuple[Outcome, ...] = ("clear",)


def refuse_wrong_outcomes(keep: Sequence[str]) -> None:
    """Raise UsageError for what is no list of outcomes."""
    if isinstance(keep, str) or not set(keep) <= set(OUTCOMES):
        raise UsageError(
            f"keep={keep!r} is not a list of outcomes", "outcomes: " + ", ".join(OUTCOMES)
        )


@dataclass(frozen=True, slots=True)
class OutputFiles:
    """The files that a check writes, of those that are asked for.

    `out`: the rows; with `keep` only those with these outcomes, as they are in the dataset.
    `removal`: the names of all other rows. `indices`: the numbers of the rows that are kept.
    Without `keep`, these two keep the clear rows.
    """

    out: Path | None = None
    keep: Sequence[Outcome] = ()
    removal: Path | None = None
    indices: Path | None = None

    def refuse_wrong(self) -> None:
        """Raise UsageError if `keep` is no list of outcomes, or no file has the rows to keep."""
        refuse_wrong_outcomes(self.keep)
        if self.keep and self.out is None and not self.has_lists:
            raise UsageError("keep needs out, removal or indices", "name the file to write")

    @property
    def has_lists(self) -> bool:
        """Whether there is a list."""
        return self.removal is not None or self.indices is not None

    @property
    def answers(self) -> AnswerColumns:
        """The columns of answers that the files need."""
        if self.out is not None and not self.keep:
            return "all"
        return "outcome" if self.out is not None or self.has_lists else "none"


@dataclass(frozen=True, slots=True)
class Written:
    """What is written of a batch: rows of the file, which are kept, and the names of all rows."""

    rows: pa.RecordBatch | None
    kept: NDArray[np.bool_]
    names: pa.RecordBatch


class Output:
    """The files of a check's rows; without one, nothing is made or written."""

    def __init__(
        self,
        writer: RowWriter | None = None,
        keep: Sequence[Outcome] = (),
        lists: Sequence[RowList] = (),
        naming: Sequence[str] = (),
        *,
        answers: AnswerColumns = "none",
    ) -> None:
        """With `keep`, only rows with those outcomes are written, as they are in the dataset.

        `naming` are the columns by which lists name rows; `answers` are those
        that are made, which may be written elsewhere.
        """
        self._writer, self._lists, self._naming = writer, lists, naming
        self.made = answers
        self._kept = [OUTCOMES.index(outcome) for outcome in keep or _CLEAR]

    @property
    def is_used(self) -> bool:
        """Whether there is a file."""
        return self._writer is not None or bool(self._lists)

    def answers(self, keys: Keys, answers: Answers, wording: Wording) -> pa.RecordBatch | None:
        """Return the answers of a batch as far as a file needs them: `written` needs these."""
        if self.made == "none":
            return None
        if self.made == "all":
            return pa.record_batch(out_columns(keys, answers, wording), pa.schema(FIELDS))
        return pa.record_batch([pa.array(answers.outcome)], [_CODE])

    def written(self, batch: pa.RecordBatch, answers: pa.RecordBatch) -> Written:
        """Return what is written of a batch, given its answers."""
        kept = np.isin(_codes(answers), self._kept)
        names = [name for name in self._naming if name in batch.schema.names]
        return Written(self._rows(batch, answers, kept), kept, batch.select(names))

    def _rows(
        self, batch: pa.RecordBatch, answers: pa.RecordBatch, kept: NDArray[np.bool_]
    ) -> pa.RecordBatch | None:
        """Return the rows of the file; None if there are none."""
        if self._writer is None:
            return None
        if self.made == "all":
            batch = batch.select([name for name in batch.schema.names if name not in HIDDEN])
            return pa.record_batch([*batch.columns, *answers.columns], _with_answers(batch.schema))
        if UNREAD in batch.schema.names and RAW not in batch.schema.names:
            # Of these rows there is nothing to write.
            kept = kept & ~mask(batch.column(UNREAD).is_valid())
        # Rows that could not be read may lack the columns that are written.
        return filtered(batch, pa.array(kept)) if kept.any() else None

    def write(self, written: Written, table: int) -> None:
        """Append rows of a table of the dataset."""
        if self._writer is not None and written.rows is not None:
            self._writer.write(written.rows, table)
        for one in self._lists:
            one.add(written.kept, written.names, table)


@contextmanager
def writing(dataset: Dataset, files: OutputFiles) -> Iterator[Output]:
    """Yield the output of a check; its files are complete or absent."""
    opened: list[RowWriter | RowList] = []
    try:
        writer: RowWriter | None = None
        lists: list[RowList] = []
        if files.out is not None:
            writer = _writer(dataset, files.out, files.keep)
            opened.append(writer)
        naming = dataset.naming if files.removal else ()
        if files.removal is not None:
            lists.append(removal_list(dataset, files.removal))
        opened += lists
        if files.indices is not None:
            lists.append(KeptNumbers(files.indices))
            opened.append(lists[-1])
        yield Output(writer, files.keep, lists, naming, answers=files.answers)
        while opened:
            opened[0].close()
            del opened[0]
    except BaseException:
        # Whatever ends the check, also Ctrl-C, unfinished files are removed; then it is raised.
        for one in opened:
            one.abandon()
        raise


def _writer(dataset: Dataset, out: Path, keep: Sequence[Outcome]) -> RowWriter:
    if keep:
        return dataset.keeper(out)
    return dataset.writer(out, _with_answers(dataset.schema))


def _codes(answers: pa.RecordBatch) -> NDArray[np.int64]:
    """Return the number of the outcome of each row."""
    if _CODE in answers.schema.names:
        codes: NDArray[np.int64] = answers.column(_CODE).to_numpy()
        return codes
    names = answers.column(FIELDS[0][0])
    found: NDArray[np.int64] = pc.index_in(names, pa.array(OUTCOMES)).to_numpy()
    return found


def _with_answers(schema: pa.Schema) -> pa.Schema:
    clash = [name for name, _ in FIELDS if name in schema.names]
    if clash:
        raise UsageError(
            f"the dataset already has a column {clash[0]}", "check the original dataset"
        )
    fields = [*schema, *(pa.field(name, kind) for name, kind in FIELDS)]
    return pa.schema(fields, schema.metadata)

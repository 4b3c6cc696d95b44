"""A dataset of another package, or any rows, of which only some are passed on."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from registry.checking.columns import Columns
from registry.checking.output import refuse_wrong_outcomes
from registry.checking.run import CheckOptions, report_of
from registry.checking.shards import merge
from registry.checking.tally import Tally
from registry.errors import UsageError
from registry.guarding.hugging_face import guarded_stream, guarded_table, kind_of
from registry.guarding.row_check import GuardOptions, RowCheck
from registry.model import OUTCOMES
from registry.verdict import policy_named

if TYPE_CHECKING:
    from registry.checking.report import Report
    from registry.datasets._left_out import SkippedFiles
    from registry.snapshot.opened import Snapshot


class Guarded:
    """Rows that are passed on, and the counts of all that were checked.

    `dataset` has the type that was given: a dataset of the package `datasets`, a pipeline of
    `webdataset`, or rows; None for a stage, which is called with the rows of a pipeline.
    """

    def __init__(self, dataset: Any, checks: Sequence[RowCheck], about: _About) -> None:
        self.dataset = dataset
        self._checks, self._about = tuple(checks), about
        self._began = datetime.now(UTC)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over `dataset`."""
        if self.dataset is None:
            raise UsageError("a stage has no rows of its own", "call it with rows")
        return iter(self.dataset)

    def __call__(self, rows: Iterable[Any]) -> Iterator[Any]:
        """Yield those of some rows that are passed on, as a stage of a pipeline."""
        if len(self._checks) > 1:
            raise UsageError("a guard of splits is no stage", "make one with registry.guard(None)")
        return self._checks[0].passed(rows)

    @property
    def tally(self) -> Tally:
        """The counts of the rows checked so far, as `registry.check` has them in its report."""
        return merge(check.tally for check in self._checks)

    def report(self) -> Report:
        """Return the report of `registry.check` on the rows checked so far."""
        first = self._checks[0]
        report = report_of(
            self._about,
            first.columns or Columns(()),
            CheckOptions(policy=first.options.policy),
            first.index,
            self.tally,
        )
        seconds = sum(check.seconds for check in self._checks)
        return replace(report, checked_at=self._began, seconds=seconds)

    def close(self) -> None:
        """End the processes that read pictures; a pipeline of `webdataset` calls this, too."""
        for check in self._checks:
            check.close()


@dataclass(frozen=True, slots=True)
class _About:
    """What a report says of the dataset."""

    name: str
    format: str
    left_out: Sequence[SkippedFiles] = ()


class _Rows:
    """Rows that are checked as they are read, each time anew."""

    def __init__(self, rows: Iterable[Any], check: RowCheck) -> None:
        self._rows, self._check = rows, check

    def __iter__(self) -> Iterator[Any]:
        return self._check.passed(self._rows)


def guarded(dataset: Any, snapshot: Snapshot, options: GuardOptions) -> Guarded:
    """Return what `registry.guard` returns. Raises UsageError, UnreadableDataset."""
    policy_named(options.policy)
    refuse_wrong_outcomes(options.keep)
    if not options.keep:
        raise UsageError("keep names no outcome", "outcomes: " + ", ".join(OUTCOMES))
    kind = kind_of(dataset)
    if kind in ("tables", "streams"):
        return _splits(dataset, snapshot, options, streamed=kind == "streams")
    check = RowCheck(snapshot, options)
    if kind is not None:
        make = guarded_table if kind == "table" else guarded_stream
        return Guarded(make(dataset, check), [check], _About(_name_of(dataset), "datasets"))
    if _is_pipeline(dataset):
        made = Guarded(None, [check], _About("pipeline", "webdataset"))
        return Guarded(dataset.compose(made), [check], _About("pipeline", "webdataset"))
    if dataset is None:
        return Guarded(None, [check], _About("pipeline", "rows"))
    if isinstance(dataset, str | bytes | Mapping) or not hasattr(dataset, "__iter__"):
        raise UsageError(
            f"a value of type {type(dataset).__name__} is no dataset of rows",
            "for files use registry.check",
        )
    return Guarded(_Rows(dataset, check), [check], _About("rows", "rows"))


def _splits(dataset: Any, snapshot: Snapshot, options: GuardOptions, *, streamed: bool) -> Guarded:
    """Return a dictionary of datasets, each with a check of its own."""
    checks = [RowCheck(snapshot, options, number) for number in range(len(dataset))]
    make = guarded_stream if streamed else guarded_table
    made = {
        name: make(one, check) for (name, one), check in zip(dataset.items(), checks, strict=True)
    }
    if not made:
        raise UsageError("the dictionary holds no dataset", "give a dataset with splits")
    name = _name_of(next(iter(dataset.values())))
    return Guarded(type(dataset)(made), checks, _About(name, "datasets"))


def _is_pipeline(dataset: Any) -> bool:
    package = sys.modules.get("webdataset")
    return package is not None and isinstance(dataset, package.DataPipeline)


def _name_of(dataset: Any) -> str:
    return str(dataset.info.dataset_name or "dataset")

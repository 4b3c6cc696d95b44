"""Matched rows of every mark that a report shows with their pictures (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

# Most rows that are kept of one mark that was found in one way, and of all.
OF_ONE_KIND, MOST = 2, 64


@dataclass(frozen=True, slots=True)
class Sample:
    """A matched row, its match, and its place in the dataset: a table, and a row of it.

    `way` and `distance` are those of the match, `how` is the same in words; `marks` names the
    deciding marks, `quoted` are their texts and places; `recorded` is the URL at which the
    registry recorded the picture, or "". Without a place (-1) the row cannot be read again.
    """

    row: int
    what: str
    outcome: str
    way: str
    distance: int | None
    how: str
    marks: str
    quoted: str
    since: str
    entry: str
    recorded: str
    table: int = -1
    place: int = -1

    @property
    def kind(self) -> tuple[str, str]:
        """The mark and the way in which it was found."""
        return self.marks, self.way


def joined(first: Sequence[Sample], more: Iterable[Sample]) -> list[Sample]:
    """Return the samples of two parts of a dataset, without those that are too many."""
    kept = list(first)
    counts = Counter(one.kind for one in kept)
    for one in more:
        if len(kept) < MOST and counts[one.kind] < OF_ONE_KIND:
            kept.append(one)
            counts[one.kind] += 1
    return kept


def placed(samples: Iterable[Sample], table: int, first: int) -> list[Sample]:
    """Return samples of rows of a table whose numbers count from the row `first`."""
    return [replace(one, table=table, place=first + one.row) for one in samples]


def moved(samples: Iterable[Sample], rows: int) -> list[Sample]:
    """Return samples of rows that follow `rows` others."""
    return [replace(one, row=one.row + rows) for one in samples]


def by_variety(samples: Sequence[Sample]) -> list[Sample]:
    """Return samples in an order in which the first ones are of as many kinds as possible."""
    ranks, counts = list[int](), Counter[tuple[str, str]]()
    for one in samples:
        ranks.append(counts[one.kind])
        counts[one.kind] += 1
    order = sorted(range(len(samples)), key=lambda at: (ranks[at], samples[at].row))
    return [samples[at] for at in order]


def from_json(values: Iterable[Mapping[str, Any]]) -> list[Sample]:
    """Return samples that were written as JSON."""
    return [Sample(**one) for one in values]

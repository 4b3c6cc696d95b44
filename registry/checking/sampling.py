"""Selects the matched rows of a batch that a report shows with their pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from registry.checking.outcomes import WAYS, Answers
from registry.checking.samples import MOST, OF_ONE_KIND, Sample, joined
from registry.checking.wording import Wording, how_matched, row_words
from registry.model import OUTCOMES

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from registry.checking.keys import Keys
    from registry.checking.tally import Tally


def take_samples(
    tally: Tally, keys: Keys, answers: Answers, wording: Wording, names: pa.Array | None
) -> None:
    """Keep the first rows of every kind of match of a batch that follows the rows so far.

    `names` holds the names of its rows; None: their URLs.
    """
    rows = _first_of_kinds(answers, wording)
    entries = answers.entry[rows]
    wording.read(entries[entries != -1])
    found = [_sample(keys, answers, wording, names, row, tally.rows) for row in rows.tolist()]
    tally.samples = joined(tally.samples, found)


def _first_of_kinds(answers: Answers, wording: Wording) -> NDArray[np.intp]:
    """Return the first rows of each class of entries or marks of sites, and of each way."""
    met = np.flatnonzero(answers.way != -1)
    entries = answers.entry[met]
    kinds = 2 * answers.marks[met] + 1
    has = entries != -1
    kinds[has] = 2 * wording.index.tables.classes[entries[has]].astype(np.int64)
    kinds = kinds * len(WAYS) + answers.way[met]
    order = np.argsort(kinds, kind="stable")
    starts = np.flatnonzero(np.diff(kinds[order], prepend=-1))
    within = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    chosen: NDArray[np.intp] = np.sort(met[order[within < OF_ONE_KIND]])[:MOST]
    return chosen


def _sample(
    keys: Keys,
    answers: Answers,
    wording: Wording,
    names: pa.Array | None,
    row: int,
    start: int,
) -> Sample:
    words = row_words(keys, answers, wording, row)
    assert words is not None
    distance = int(answers.distance[row])
    name = keys.picture_of(row) if names is None else names[row].as_py()
    return Sample(
        row=start + row,
        what=(name or "").removeprefix("//"),
        outcome=OUTCOMES[answers.outcome[row]],
        way=WAYS[answers.way[row]],
        distance=None if distance < 0 else distance,
        how=how_matched(keys, answers, words, row),
        marks=", ".join(words.marks),
        quoted=words.reason,
        since=f"{words.since:%Y-%m-%d}" if words.since else "",
        entry=words.entry,
        recorded=words.url or "",
    )

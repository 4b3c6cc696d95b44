"""Adds the answers of a batch to the counts of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.checking.outcomes import WAYS, Answers
from registry.checking.tally import MOST_UNREAD, Licensor, ShownMatch, Tally
from registry.checking.wording import READ_ROWS, Wording, Words, how_matched, row_words
from registry.model import OUTCOMES, TIERS
from registry.urls.columns import hosts_of_keys

if TYPE_CHECKING:
    from collections import Counter

    from numpy.typing import NDArray

    from registry.checking.keys import Keys
    from registry.index import Index
    from registry.verdict.licensing import Terms


def count(
    tally: Tally,
    keys: Keys,
    answers: Answers,
    wording: Wording,
    names: pa.Array | None,
    most_shown: int,
) -> None:
    """Add a batch to the tally. `names` holds the names of its rows; None: their URLs."""
    start = tally.rows
    tally.rows += keys.rows
    tally.outcomes.update(_counts(answers.outcome, OUTCOMES))
    unchecked = answers.outcome == OUTCOMES.index("unchecked")
    tally.unchecked.update(answers.problem.counts(unchecked))
    tally.not_read.update(keys.not_read)
    tally.with_fingerprint += answers.searched
    if keys.unread is not None and len(tally.unread) < MOST_UNREAD:
        rows = np.flatnonzero(keys.unread.is_valid())[: MOST_UNREAD - len(tally.unread)].tolist()
        tally.unread += [(start + row, keys.unread[row].as_py()) for row in rows]
    met = np.flatnonzero(answers.way != -1)
    tally.matched_by.update(_counts(answers.way[met], WAYS))
    tiers = answers.tier[met]
    tally.tiers.update(_counts(tiers[tiers != -1], TIERS))
    tally.crowded += int(answers.crowded.sum())
    # A stricter match by another way may have followed.
    tally.resized += int((answers.resized & (answers.way == WAYS.index("url"))).sum())
    _count_similar(tally, answers)
    _count_marks(tally, answers, wording, met)
    _count_years(tally, answers, wording.index, met)
    _count_licensors(tally, answers, wording)
    count_hosts(tally.hosts, keys, met)
    shown = met[: max(most_shown - len(tally.shown), 0)]
    wording.read(answers.entry[shown][answers.entry[shown] != -1])
    for row in shown.tolist():
        name = keys.picture_of(row) if names is None else names[row].as_py()
        words = row_words(keys, answers, wording, row)
        assert words is not None
        how = how_matched(keys, answers, words, row)
        tally.shown.append(_shown(start, row, name or "", answers, words, how))


def count_hosts(hosts: Counter[str], keys: Keys, rows: NDArray[np.intp] | None = None) -> None:
    """Count rows by the host of their URL; None: all of the batch."""
    if not keys.urls:
        return
    urls = pc.coalesce(*(column.keys(rows) for column in keys.urls))
    counted = pc.value_counts(hosts_of_keys(urls).drop_null())
    values, counts = (counted.field(name).to_pylist() for name in ("values", "counts"))
    hosts.update(dict(zip(values, counts, strict=True)))


def _counts(numbers: NDArray[np.int8], names: Sequence[str]) -> dict[str, int]:
    """Return how often the number of each name occurs, of those that do."""
    counts = np.bincount(numbers, minlength=len(names))
    return {name: n for name, n in zip(names, counts.tolist(), strict=True) if n}


def _count_similar(tally: Tally, answers: Answers) -> None:
    rows = answers.way == WAYS.index("fingerprint")
    entries, counts = np.unique(answers.entry[rows], return_counts=True)
    tally.similar.update(dict(zip(entries.tolist(), counts.tolist(), strict=True)))


def _count_marks(tally: Tally, answers: Answers, wording: Wording, met: NDArray[np.intp]) -> None:
    entries = answers.entry[met]
    tally.signals.update(wording.index.decisions.marks(entries[entries != -1]))
    names = wording.index.sites.names_of_marks()
    by_site = answers.marks[met[entries == -1]]
    for marks, rows in zip(*np.unique(by_site, return_counts=True), strict=True):
        tally.signals.update(dict.fromkeys(names[marks], int(rows)))


def _count_years(tally: Tally, answers: Answers, index: Index, met: NDArray[np.intp]) -> None:
    """Count rows by the year since which the entry or the site rule that decides has its marks."""
    entries, sites = answers.entry[met], answers.site[met]
    distinct, rows = np.unique(sites[entries == -1], return_counts=True)
    moments = np.concatenate(
        [
            index.tables.since[entries[entries != -1]],
            np.repeat(index.snapshot.sites.since(distinct), rows),
        ]
    )
    years, counts = np.unique(moments.astype("datetime64[us]").astype("M8[Y]"), return_counts=True)
    tally.years.update(dict(zip(map(str, years), counts.tolist(), strict=True)))


def _count_licensors(tally: Tally, answers: Answers, wording: Wording) -> None:
    """Count the conditional rows by whom to ask, and on what terms, and the allowed rows."""
    tally.allowed += int(answers.allowed.sum())
    rows = np.flatnonzero(answers.outcome == OUTCOMES.index("conditional"))
    entries, counts = np.unique(answers.entry[rows], return_counts=True)
    for start in range(0, len(entries), READ_ROWS):
        some = entries[start : start + READ_ROWS]
        wording.read(some[some != -1])
        for entry, n in zip(some.tolist(), counts[start:].tolist(), strict=False):
            if entry != -1:
                tally.licensors[_licensor(wording.of_entry(entry).terms)] += n
    rows = rows[answers.entry[rows] == -1]
    pairs = np.stack([answers.site[rows], answers.marks[rows]])
    pairs, counts = np.unique(pairs, axis=1, return_counts=True)
    for (site, marks), n in zip(pairs.T.tolist(), counts.tolist(), strict=True):
        tally.licensors[_licensor(wording.terms_of_site(site, marks))] += n


def _licensor(terms: Terms) -> Licensor:
    return terms.licensor, terms.contact, terms.licence_url


def _shown(start: int, row: int, name: str, answers: Answers, words: Words, how: str) -> ShownMatch:
    distance = int(answers.distance[row])
    return ShownMatch(
        row=start + row,
        what=name.removeprefix("//"),
        outcome=OUTCOMES[answers.outcome[row]],
        way=WAYS[answers.way[row]],
        distance=None if distance < 0 else distance,
        signal=", ".join(words.marks),
        reason=words.reason,
        since=f"{words.since:%Y-%m-%d}" if words.since else "",
        how=how,
    )

"""What a policy decides on the entries of a snapshot, decided when an entry is first found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from registry.matching.key_table import NONE
from registry.matching.lists import Lists, Numbers
from registry.model import DECISIONS, Signal, Verdict
from registry.verdict import decide

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.index.tables import EntryTables
    from registry.snapshot.entries import Entry
    from registry.snapshot.opened import Snapshot

RANK = {decision: rank for rank, decision in enumerate(DECISIONS)}
UNSPECIFIED = RANK["unspecified"]
# Ranks below it reserve, with or without a condition.
STRICT = RANK["allowed"]
# Most cached verdicts.
MAX_KEPT = 100_000
_UNDECIDED = -1


class Decisions:
    """Verdicts on entries. Ranks index `DECISIONS` (0 reserved ... 3 unspecified).

    Entries of one class have verdicts that differ in texts and places only: one of them is
    decided.
    """

    def __init__(self, snapshot: Snapshot, tables: EntryTables, policy: str) -> None:
        self._snapshot = snapshot
        self._tables = tables
        self._policy = policy
        self._ranks = np.full(len(tables.example), _UNDECIDED, np.int8)
        self._names: dict[int, list[str]] = {}
        self._verdicts: dict[int, Verdict] = {}

    def ranks(self, entries: Numbers) -> NDArray[np.int8]:
        """Return the rank of the decision on each entry."""
        classes = self._tables.classes[entries]
        ranks = self._ranks[classes]
        for number in np.unique(classes[ranks == _UNDECIDED]).tolist():
            verdict = self.verdict(int(self._tables.example[number]))
            self._ranks[number] = RANK[verdict.decision]
            self._names[number] = names_of(verdict.deciding)
        undecided = ranks == _UNDECIDED
        ranks[undecided] = self._ranks[classes[undecided]]
        return ranks

    def marks(self, entries: Numbers) -> Counter[str]:
        """Return how many of the entries are decided by a signal of each name."""
        self.ranks(entries)
        counts = Counter[str]()
        for number, rows in zip(
            *np.unique(self._tables.classes[entries], return_counts=True), strict=True
        ):
            counts.update(dict.fromkeys(self._names[int(number)], int(rows)))
        return counts

    def verdict(self, entry: int) -> Verdict:
        """Return the verdict on an entry, with its deciding signals."""
        if entry not in self._verdicts:
            if len(self._verdicts) >= MAX_KEPT:
                self._verdicts.clear()
            self._verdicts[entry] = self.on(self._snapshot.entries[entry])
        return self._verdicts[entry]

    def on(self, entry: Entry) -> Verdict:
        """Return the verdict on an entry that was read."""
        return decide(entry.signals, self._policy)

    def strictest(self, lists: Lists, numbers: Numbers) -> Numbers:
        """Return of each list of entries the strictest one, among equals the oldest.

        No list is empty.
        """
        return first_of(lists, numbers, lambda n: (n, self._tables.since[n], self.ranks(n)))


def first_of(
    lists: Lists, numbers: Numbers, fields: Callable[[Numbers], tuple[NDArray[Any], ...]]
) -> Numbers:
    """Return the first row of each list in the order of some fields, the last of which leads.

    No list is empty.
    """
    best = lists.first(numbers)
    longer = np.flatnonzero(lists.counts(numbers) > 1)
    distinct, inverse = np.unique(numbers[longer], return_inverse=True)
    places, rows = lists.of(distinct)
    order = np.lexsort((*fields(rows), places))
    first = np.searchsorted(places[order], np.arange(len(distinct)))
    best[longer] = rows[order][first][inverse]
    return best


class Strictest:
    """The strictest row of each list, or NONE for an empty list; each is found once."""

    def __init__(self, strictest: Callable[[Lists, Numbers], Numbers], lists: Lists) -> None:
        """Take what selects the strictest row of lists that are not empty."""
        self._strictest = strictest
        self._lists = lists
        # One more than the row. Zeros take no memory until they are read.
        self._known = np.zeros(len(lists.starts) - 1, np.int64)

    def of(self, numbers: Numbers) -> Numbers:
        """Return the strictest row of each list; `numbers` may hold NONE."""
        best = np.full(len(numbers), NONE, np.int64)
        has = np.flatnonzero(numbers != NONE)
        wanted = numbers[has]
        new = np.unique(wanted[self._known[wanted] == 0])
        filled = new[self._lists.counts(new) > 0]
        self._known[filled] = self._strictest(self._lists, filled) + 1
        best[has] = self._known[wanted] - 1
        return best


def names_of(signals: Sequence[Signal]) -> list[str]:
    """Return the names of signals, each once, in their order."""
    return list(dict.fromkeys(signal.name for signal in signals))

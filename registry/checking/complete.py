"""Decides which rows of a batch may be clear (pure).

A row may be clear only if it names its picture and all its keys were compared. Every
other row is unchecked, with one reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.model import Way

# No column in use holds a value.
NOTHING = "nothing-to-check"
# The row names the page of its picture, but not the picture.
PAGE_ONLY = "page-only"
# The dataset holds hashes of an algorithm that the registry has no hashes of.
OTHER_ALGORITHM = "hash-of-another-algorithm"
# A column holds pictures, addresses or hashes in a form that is not read.
NOT_READ = "column-not-read"
# The registry has no keys of the kind that the row holds (digests, for example).
UNRECORDED = "nothing-of-its-kind-recorded"
# The row, or a part of it, could not be read.
UNREADABLE = "row-not-read"
NO_PROBLEM = -1
# Nothing is recorded: there was nothing to compare with.
EMPTY = "empty-registry"


@dataclass(frozen=True, slots=True)
class ColumnOffer:
    """The keys that one column has for comparison: parallel arrays, one element for each row.

    `offered`: the row has a value; `compared`: it was looked up. `why_not` is the reason
    for a value that was not; `reasons` are more exact reasons for some rows, of which the
    first counts. `names_picture` is False for the URL of a page. `way` is the kind of key.
    """

    offered: NDArray[np.bool_]
    compared: NDArray[np.bool_]
    why_not: str
    reasons: Sequence[tuple[NDArray[np.bool_], str]] = ()
    names_picture: bool = True
    way: Way = "address"


@dataclass(frozen=True, slots=True)
class Problems:
    """Why rows may not be clear: for each row the number of a reason, or NO_PROBLEM."""

    numbers: NDArray[np.int16]
    reasons: list[str]

    def note(self, rows: NDArray[np.bool_], reason: str) -> None:
        """Note the reason of some rows, given as a mask."""
        if reason not in self.reasons:
            self.reasons.append(reason)
        self.numbers[rows] = self.reasons.index(reason)

    def of(self, row: int) -> str | None:
        """Return the reason of a row, or None."""
        number = int(self.numbers[row])
        return None if number == NO_PROBLEM else self.reasons[number]

    def counts(self, rows: NDArray[np.bool_]) -> dict[str, int]:
        """Return how many of the rows, given as a mask, have each reason that occurs."""
        numbers = self.numbers[rows]
        counts = np.bincount(numbers[numbers != NO_PROBLEM], minlength=len(self.reasons))
        return {why: n for why, n in zip(self.reasons, counts.tolist(), strict=True) if n}


def unchecked(
    rows: int,
    offers: Sequence[ColumnOffer],
    dataset_reasons: Sequence[str] = (),
    unrecorded: frozenset[Way] = frozenset(),
) -> Problems:
    """Return the reasons why rows may not be clear.

    `dataset_reasons` apply to every row; `unrecorded` are the kinds of keys of which the
    registry has none. A row's own reason comes first, in the order of the offers.
    """
    problems = Problems(np.full(rows, NO_PROBLEM, np.int16), [])
    open_ = np.ones(rows, bool)

    def note(where: NDArray[np.bool_], reason: str) -> None:
        where = where & open_
        if where.any():
            problems.note(where, reason)
            open_[where] = False

    named, page, alone = (np.zeros(rows, bool) for _ in range(3))
    for offer in offers:
        missed = offer.offered & ~offer.compared
        for where, reason in offer.reasons:
            note(missed & where, reason)
        note(missed, offer.why_not)
        known = named if offer.names_picture else page
        if offer.names_picture and offer.way in unrecorded:
            known = alone
        known |= offer.compared
    note(~named & alone, UNRECORDED)
    note(~named & page, PAGE_ONLY)
    note(~named, NOTHING)
    for reason in dataset_reasons:
        note(open_, reason)
    return problems

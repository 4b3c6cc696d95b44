"""Which rows of a batch may be called clear (pure): the one place that decides it.

A row may be clear only if something in it names its picture, and everything that
it offers to compare was compared. Every other row is unchecked, with one reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# No column in use holds a value.
NOTHING = "nothing-to-check"
# The row names a page that shows its picture, and nothing of the picture itself.
PAGE_ONLY = "page-only"
# The dataset holds hashes of an algorithm that the registry has no hashes of.
OTHER_ALGORITHM = "hash-of-another-algorithm"
# A column holds pictures, addresses or hashes in a form that is not read.
NOT_READ = "column-not-read"
# Files beside those of the dataset hold pictures, or keys of them, that were not read.
PICTURES_LEFT_OUT = "pictures-left-out"
METADATA_LEFT_OUT = "metadata-left-out"
# Of the kind of key that the row holds (digests, say) the registry records none.
UNRECORDED = "nothing-of-its-kind-recorded"
# Nothing is recorded: there was nothing to compare with.
EMPTY = "empty-registry"

# What a row names its picture by; `picture` is one that lies in the dataset.
Way = Literal["address", "sha256", "md5", "fingerprint", "picture"]


@dataclass(frozen=True, slots=True)
class Offer:
    """What one column offers to compare, one place per row.

    `offered`: the row holds a value; `compared`: it was looked up. `why_not` names the
    reason for a value that was not; `reasons` are more exact ones for some rows, the
    first that holds counts. `names_picture` is False for a page's address. `way` is what
    kind of key it is.
    """

    offered: NDArray[np.bool_]
    compared: NDArray[np.bool_]
    why_not: str
    reasons: Sequence[tuple[NDArray[np.bool_], str]] = ()
    names_picture: bool = True
    way: Way = "address"


def unchecked(
    rows: int,
    offers: Sequence[Offer],
    whole: Sequence[str] = (),
    unrecorded: frozenset[Way] = frozenset(),
) -> NDArray[np.object_]:
    """Return the reason why each row may not be called clear, or None where it may.

    `whole` holds reasons that are true of every row, `unrecorded` the kinds of keys of which
    the registry records none. A row's own reason goes first, in the order of the offers.
    """
    answer = np.full(rows, None, object)
    open_ = np.ones(rows, bool)

    def note(where: NDArray[np.bool_], reason: str) -> None:
        where = where & open_
        answer[where] = reason
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
    for reason in whole:
        note(open_, reason)
    return answer

"""The answers of a batch: parallel arrays of outcomes with their matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from registry.model import OUTCOMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.checking.complete import Problems

CODE = {outcome: code for code, outcome in enumerate(OUTCOMES)}
WAYS = ("url", "digest", "site", "fingerprint")
# Outcome by decision rank: reserved, conditional; allowed and unspecified reserve nothing.
BY_DECISION = np.array(
    [CODE["reserved"], CODE["conditional"], CODE["clear"], CODE["clear"]], np.int8
)
# In place of a column: a URL that may not be that of the row's picture.
MENTIONED = -1


@dataclass(slots=True)
class Answers:
    """Parallel arrays, one element for each row; -1 stands for none.

    `outcome` indexes OUTCOMES; `problem` has the reasons why rows may not be clear; `way`
    indexes WAYS; `entry` and `site` are rows of the snapshot's tables; `marks` is the number of
    the names of the site rule's deciding marks in the index's sites; `column` is the index of
    the matching URL in the keys' `urls` (in `pages` where `page` is True), or MENTIONED; `tier`
    indexes TIERS; `distance` is the number of differing bits of phash64. `known` is the entry
    recorded at a clear row's own URL. `searched` is the number of fingerprints that were looked
    up, `crowded` the rows with one to which more recorded codes are similar than were compared;
    `resized` the rows that match by the URL of another size of their picture, or by a rule of the
    site of that. `allowed` are the clear rows that a mark allows: that of `known`, or of the site
    rule `permit`.
    """

    outcome: NDArray[np.int8]
    problem: Problems
    way: NDArray[np.int8]
    entry: NDArray[np.int64]
    site: NDArray[np.int64]
    marks: NDArray[np.int64]
    column: NDArray[np.int16]
    page: NDArray[np.bool_]
    tier: NDArray[np.int8]
    distance: NDArray[np.int16]
    known: NDArray[np.int64]
    crowded: NDArray[np.bool_]
    resized: NDArray[np.bool_]
    permit: NDArray[np.int64]
    allowed: NDArray[np.bool_]
    searched: int = 0

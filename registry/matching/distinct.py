"""Groups equal fingerprints, so that each distinct one is compared once. Pure.

Registries and datasets hold the same picture many times (a default avatar, a logo). Comparing
every copy with every copy would be quadratic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from registry.matching.brute import Codes
from registry.matching.lists import Numbers
from registry.matching.order import by_first_bits

_ALL = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class PrintCodes:
    """Fingerprints: parallel arrays.

    `phash256` has four 64-bit words for each, (n, 4), in no defined byte order, and is valid
    where `has_wide`.
    """

    phash64: Codes
    phash256: npt.NDArray[np.uint64]
    has_wide: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of fingerprints."""
        return len(self.phash64)

    def take(self, rows: Numbers) -> PrintCodes:
        """Return some of them."""
        return PrintCodes(self.phash64[rows], self.phash256[rows], self.has_wide[rows])


def alone(phash64: Codes) -> PrintCodes:
    """Return fingerprints without a phash256."""
    nothing = np.zeros((len(phash64), 4), np.uint64)
    return PrintCodes(phash64, nothing, np.zeros(len(phash64), bool))


def distinct(codes: PrintCodes) -> tuple[Numbers, Numbers]:
    """Return fingerprints in the order of their bits, and the number of each one's group.

    Equal ones keep their order; groups are numbered from 0 in that order.
    """
    code, words, has_wide = codes.phash64, codes.phash256, codes.has_wide
    bits = max(len(code).bit_length() - 1, 1)
    order = by_first_bits(code, bits, _ALL)[1].astype(np.int64)
    ordered = code[order]
    again = np.flatnonzero(ordered[1:] == ordered[:-1])
    # Most codes occur once, and only the others need the long comparison.
    several = np.unique(np.concatenate([again, again + 1]))
    some = order[several]
    far = np.where(has_wide[some, None], words[some], 0)
    order[several] = some[np.lexsort((*far.T, has_wide[some], code[some]))]
    one, other = order[again], order[again + 1]
    same = (has_wide[one] == has_wide[other]) & (
        ~has_wide[one] | (words[one] == words[other]).all(axis=1)
    )
    is_new = np.ones(len(code), np.int64)
    is_new[again[same] + 1] = 0
    return order, np.cumsum(is_new) - 1

"""Numbers of keys that were looked up before, by their 64-bit hashes, in limited memory. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from registry.matching.key_table import COMPILED_KEYS, Hashes

NOT_KNOWN = -1


class Remembered:
    """A table with one place for each value of the last bits of a hash.

    A hash takes the place of an earlier one. Who asks compares keys: hashes may be equal.
    """

    def __init__(self, bits: int) -> None:
        """Make an empty table of 2**bits places, of twelve bytes each."""
        self._last = np.uint64((1 << bits) - 1)
        self._hashes = np.zeros(1 << bits, np.uint64)
        # No other hash belongs into the first place: a hash of zero is not there yet.
        self._hashes[0] = 1
        self._numbers = np.zeros(1 << bits, np.int32)

    def of(self, hashes: Hashes) -> npt.NDArray[np.int32]:
        """Return the number of each hash, or NOT_KNOWN."""
        if len(hashes) >= COMPILED_KEYS:
            from registry.matching._key_kernel import recall

            return recall(hashes, self._hashes, self._numbers)
        places = hashes & self._last
        known = np.where(self._hashes[places] == hashes, self._numbers[places], NOT_KNOWN)
        return known.astype(np.int32)

    def keep(self, hashes: Hashes, numbers: npt.NDArray[np.int64]) -> None:
        """Remember some numbers, not below 0."""
        # One after the other where places are shared: both arrays take the last.
        places = hashes & self._last
        last = len(places) - 1 - np.unique(places[::-1], return_index=True)[1]
        self._hashes[places[last]] = hashes[last]
        self._numbers[places[last]] = numbers[last]

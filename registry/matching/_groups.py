"""Groups equal codes, so that each distinct code is compared once.

Registries and datasets hold the same picture many times (a default avatar, a logo).
Comparing every copy with every copy would be quadratic; instead the pairs of
distinct codes are expanded to pairs of copies at the end.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from registry.matching.brute import Codes, Pairs, in_order


class Groups:
    """Entries by distinct code. Groups are numbered by their lowest entry."""

    def __init__(self, codes: Codes) -> None:
        distinct, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
        by_first = np.argsort(first)
        group_of = np.empty(len(distinct), np.int64)
        group_of[by_first] = np.arange(len(distinct))
        self.codes: Codes = distinct[by_first]
        groups = group_of[inverse]
        self._members = np.argsort(groups, kind="stable")
        self._counts = np.bincount(groups, minlength=len(distinct))
        self._starts = np.cumsum(self._counts) - self._counts

    def entries_of(self, pairs: Pairs, limit: int | None) -> Pairs:
        """Turn (query, group) pairs into (query, entry) pairs, `limit` a group at most."""
        query, group, distance = pairs
        counts = self._counts[group]
        if limit is not None:
            counts = np.minimum(counts, limit)
        rows = np.repeat(np.arange(len(group)), counts)
        entry = self._members[_slices(self._starts[group], counts)]
        return in_order((query[rows], entry, distance[rows]))


def queries_of(pairs: Pairs, inverse: npt.NDArray[np.int64]) -> Pairs:
    """Turn pairs of distinct queries into pairs of queries.

    `inverse` holds the number of the distinct query of each query; `pairs` are sorted,
    and so is the result.
    """
    distinct, entry, distance = pairs
    starts = np.searchsorted(distinct, inverse)
    counts = np.searchsorted(distinct, inverse, side="right") - starts
    rows = _slices(starts, counts)
    return np.repeat(np.arange(len(inverse)), counts), entry[rows], distance[rows]


def _slices(starts: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return starts[0], starts[0] + 1, ... (counts[0] of them), starts[1], ... end to end."""
    ends = np.cumsum(counts)
    shift = np.repeat(starts - (ends - counts), counts)
    slices: npt.NDArray[np.int64] = np.arange(len(shift)) + shift
    return slices

"""Identifiers of samples as DataComp writes them: 32 hex digits, in subsets two numbers (pure).

A subset is a sorted array of `numpy.dtype("u8,u8")`: the first 16 digits and the last 16 as numbers
(README.md of mlfoundations/datacomp; its resharder.py searches it by bisection). A sample that is
named twice is taken twice.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

UID = "uid"
HALVES = np.dtype([("f0", "<u8"), ("f1", "<u8")])
DIGITS = 32
_NONE = 255
_NIBBLES = np.full(256, _NONE, np.uint8)
_NIBBLES[np.frombuffer(b"0123456789abcdefABCDEF", np.uint8)] = [*range(16), *range(10, 16)]

Array = NDArray[np.void]


class Uids(NamedTuple):
    """The identifiers of the rows that have one; `valid`: which rows these are."""

    values: Array
    valid: NDArray[np.bool_]


class Found(NamedTuple):
    """For each of some identifiers the place of the first equal one, and the number of them."""

    places: NDArray[np.int64]
    counts: NDArray[np.int64]


def uids_of(column: pa.Array) -> Uids:
    """Return the identifiers in a column of texts."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    texts = column.cast(pa.large_string()).cast(pa.large_binary())
    fits = pc.equal(pc.binary_length(texts), DIGITS).fill_null(False)
    valid = fits.to_numpy(zero_copy_only=False).astype(bool)
    digits = np.frombuffer(b"".join(texts.filter(fits).to_pylist()), np.uint8)
    nibbles = _NIBBLES[digits].reshape(-1, DIGITS)
    is_hex = (nibbles != _NONE).all(axis=1)
    valid[valid] = is_hex
    nibbles = nibbles[is_hex]
    halves = (nibbles[:, ::2] << 4 | nibbles[:, 1::2]).view(">u8")
    uids = np.empty(len(halves), HALVES)
    uids["f0"], uids["f1"] = halves[:, 0], halves[:, 1]
    return Uids(uids, valid)


def in_order(uids: Array) -> Array:
    """Return identifiers sorted, each once."""
    ordered = uids[np.lexsort((uids["f1"], uids["f0"]))]
    each: Array = ordered[np.concatenate([np.ones(len(ordered[:1]), bool), differs(ordered)])]
    return each


def differs(uids: Array) -> NDArray[np.bool_]:
    """Return for each identifier but the first whether it differs from the one before."""
    high, low = uids["f0"], uids["f1"]
    differing: NDArray[np.bool_] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    return differing


def is_sorted(uids: Array) -> bool:
    """Return whether no identifier is smaller than the one before."""
    high, low = uids["f0"], uids["f1"]
    falls = (high[1:] == high[:-1]) & (low[1:] < low[:-1])
    return not bool((falls | (high[1:] < high[:-1])).any())


def found(within: Array, uids: Array) -> Found:
    """Find identifiers among sorted ones, of which as few as possible are read."""
    high, low = within["f0"], within["f1"]
    order = np.argsort(uids["f0"])
    wanted = uids[order]
    starts = np.searchsorted(high, wanted["f0"], "left")
    ends = np.searchsorted(high, wanted["f0"], "right")
    # Identifiers are digests, so that two with the same first half are hardly ever different.
    for row in np.flatnonzero(ends - starts > 1).tolist():
        start, end = starts[row], ends[row]
        sides = [np.searchsorted(low[start:end], wanted["f1"][row], s) for s in ("left", "right")]
        starts[row], ends[row] = start + sides[0], start + sides[1]
    one = np.flatnonzero(ends - starts == 1)
    ends[one] -= low[starts[one]] != wanted["f1"][one]
    places, counts = np.empty(len(uids), np.int64), np.empty(len(uids), np.int64)
    places[order], counts[order] = starts, ends - starts
    return Found(places, counts)

"""Tests whether 64-bit hashes can be those of imagehash's phash (pure).

imagehash sets a bit for each of 64 coefficients above their median, so nearly
always 32 bits are set, and the first, the mean brightness, is 1 (imagededup's
phash sets one more). dHash and aHash vary in both; 15 % of random values pass.
wHash is balanced too, but its bits are places in the picture: neighbours are
alike in 75 % of cases, those of phash in 50 %. Measured on the 117 sample
pictures of the demo.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Share of a column's sample that must be balanced: 93 % of clip art is, whose flat parts tie.
SURE = 0.8
# So many neighbouring values are tested together, and so large a share of them must be
# balanced: a dataset may combine files of several makers.
ENOUGH = 20
STILL = 0.6
# Fewer values are tested one by one.
FEW = 3
# Highest mean share of equal neighbouring bits, and the tolerance for one value (divided by
# the root of n for n values).
ALIKE = 0.6
TOLERANCE = 0.2


def sample_passes(codes: Sequence[int]) -> bool:
    """Return whether the hashes of a column's sample look like phash; True for an empty one."""
    hashes = np.array(codes, np.uint64)
    if not len(hashes):
        return True
    return (
        float(_are_balanced(hashes).mean()) >= SURE
        and _alike(hashes) <= ALIKE + TOLERANCE / len(hashes) ** 0.5
    )


def pass_singly(codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return a mask of the hashes of a batch that can be phash, alone and with their neighbours.

    A phash has at most half of its bits set (one more in some programs), and its first bit
    is set; 92 % of dHash lack it. A run of hashes of another algorithm has too few balanced
    ones.
    """
    alone: NDArray[np.bool_] = (np.bitwise_count(codes) <= 33) & (codes >> np.uint64(63) == 1)
    window = min(ENOUGH, len(codes))
    if window < FEW:
        return alone
    sums = np.concatenate([[0], np.cumsum(_are_balanced(codes))])
    first = np.clip(np.arange(len(codes)) - window // 2, 0, len(codes) - window)
    alone &= sums[first + window] - sums[first] >= STILL * window
    return alone


def _are_balanced(codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    bits = np.bitwise_count(codes)
    balanced: NDArray[np.bool_] = (bits >= 31) & (bits <= 33) & (codes >> np.uint64(63) == 1)
    return balanced


def _alike(codes: NDArray[np.uint64]) -> float:
    """Return the mean share of equal horizontal and vertical neighbours in 8 x 8 bits."""
    bits = np.unpackbits(codes.astype(">u8").view(np.uint8)).reshape(-1, 8, 8)
    across, down = bits[:, :, 1:] == bits[:, :, :-1], bits[:, 1:] == bits[:, :-1]
    return float((across.mean() + down.mean()) / 2)

"""Whether 64-bit hashes can be those of imagehash's phash (pure).

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
# So many values side by side are judged together, and so large a share of them must be
# balanced: files of several makers are put together to one dataset.
ENOUGH = 20
STILL = 0.6
# Of fewer values each is judged by itself.
FEW = 3
# Mean share of neighbours that may be alike, and the room that one value gets beyond it
# (that of n values is smaller by the root of n).
ALIKE = 0.6
ROOM = 0.2


def sample_passes(codes: Sequence[int]) -> bool:
    """Tell whether the hashes of a column's sample look like phash; an empty one does."""
    found = np.array(codes, np.uint64)
    if not len(found):
        return True
    return (
        float(_are_balanced(found).mean()) >= SURE
        and _alike(found) <= ALIKE + ROOM / len(found) ** 0.5
    )


def pass_singly(codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Tell of each hash of a batch whether it can be phash, by itself and among its neighbours.

    No phash has more than half of its bits set, but for one in some programs, and all have
    the first; 92 % of dHash lack it. A run of another algorithm shows in its share.
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
    """Return the mean share of horizontal and vertical neighbours of 8 x 8 bits that agree."""
    bits = np.unpackbits(codes.astype(">u8").view(np.uint8)).reshape(-1, 8, 8)
    across, down = bits[:, :, 1:] == bits[:, :, :-1], bits[:, 1:] == bits[:, :-1]
    return float((across.mean() + down.mean()) / 2)

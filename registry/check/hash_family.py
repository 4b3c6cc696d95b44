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

# Share of a column's sample that must be balanced.
SURE = 0.9
# Share of a batch's values that must be, if there are at least so many: files of
# several makers are put together to one dataset.
STILL = 0.5
ENOUGH = 20
# Mean share of neighbours that may be alike, and the room that one value gets beyond it
# (that of n values is smaller by the root of n).
ALIKE = 0.6
ROOM = 0.2


def sample_passes(codes: Sequence[int]) -> bool:
    """Tell whether the hashes of a column's sample look like phash; an empty one does."""
    found = np.array(codes, np.uint64)
    if not len(found):
        return True
    return _balanced(found) >= SURE and _alike(found) <= ALIKE + ROOM / len(found) ** 0.5


def batch_passes(codes: NDArray[np.uint64]) -> bool:
    """Tell whether the hashes of one batch still look like phash."""
    return len(codes) < ENOUGH or _balanced(codes) >= STILL


def _balanced(codes: NDArray[np.uint64]) -> float:
    bits = np.bitwise_count(codes)
    return float(np.mean((bits >= 31) & (bits <= 33) & (codes >> np.uint64(63) == 1)))


def _alike(codes: NDArray[np.uint64]) -> float:
    """Return the mean share of horizontal and vertical neighbours of 8 x 8 bits that agree."""
    bits = np.unpackbits(codes.astype(">u8").view(np.uint8)).reshape(-1, 8, 8)
    across, down = bits[:, :, 1:] == bits[:, :, :-1], bits[:, 1:] == bits[:, :-1]
    return float((across.mean() + down.mean()) / 2)

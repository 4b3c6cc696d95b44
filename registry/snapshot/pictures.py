"""The pictures of a snapshot and their digests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.model import Digest
    from registry.snapshot.segments import Rows


class Pictures:
    """All pictures by number: those that were seen, then the one that each claim names.

    A claim with the digest of a picture that was seen is about that one; its own number then
    has no entry.
    """

    def __init__(self, seen: Rows, claims: Rows) -> None:
        """Take the rows of both kinds."""
        self.seen = seen
        self.claims = claims
        # The number of the picture of the first claim.
        self.first_claim = len(seen)

    def __len__(self) -> int:
        """Return the number of pictures."""
        return self.first_claim + len(self.claims)

    def digests(self, name: Digest, numbers: NDArray[np.int64]) -> pa.FixedSizeBinaryArray:
        """Return the digests of some pictures."""
        claimed = numbers >= self.first_claim
        seen = self.seen.take(name, numbers[~claimed])
        said = self.claims.take(name, numbers[claimed] - self.first_claim)
        places = np.empty(len(numbers), np.int64)
        places[~claimed] = np.arange(len(seen))
        places[claimed] = len(seen) + np.arange(len(said))
        return pa.concat_arrays([seen, said]).take(pa.array(places))

"""The fingerprints of a snapshot's pictures, one array element for each view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.snapshot.store import Snapshot


class SnapshotPrints:
    """Parallel arrays: first the views `full` by picture, then the further views.

    `image` is the row of the picture. `phash256` has four 64-bit words for each
    fingerprint, (n, 4), in no defined byte order, and is valid where `has_wide`.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        """Read the fingerprints from the tables of pictures and of further views."""
        images, views = snapshot.images, snapshot.views
        full = np.flatnonzero(images["phash64"].is_valid().to_numpy())
        wide = images["phash256"].combine_chunks().take(pa.array(full))
        near = images["phash64"].combine_chunks().take(pa.array(full)).to_numpy()
        further = views["image"].to_numpy().astype(np.int64)
        self.image: NDArray[np.int64] = np.concatenate([full, further])
        self.phash64: NDArray[np.uint64] = np.concatenate([near, views["phash64"].to_numpy()])
        known = wide.is_valid().to_numpy(zero_copy_only=False)
        self.has_wide: NDArray[np.bool_] = np.concatenate([known, np.ones(len(further), bool)])
        words = words_of(views["phash256"].combine_chunks())
        self.phash256: NDArray[np.uint64] = np.concatenate([words_of(wide), words])
        self._order = np.argsort(self.image, kind="stable")
        self._sorted = self.image[self._order]

    def of(self, images: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (place among `images`, fingerprint) for all fingerprints of pictures."""
        first = np.searchsorted(self._sorted, images, "left")
        counts = np.searchsorted(self._sorted, images, "right") - first
        ends = np.cumsum(counts)
        within = np.arange(int(counts.sum())) - np.repeat(ends - counts, counts)
        return (
            np.repeat(np.arange(len(images)), counts),
            self._order[np.repeat(first, counts) + within],
        )


def words_of(codes: pa.FixedSizeBinaryArray) -> NDArray[np.uint64]:
    """Return 256-bit codes as uint64 of shape (n, 4), for counting differing bits only."""
    # Nulls may hold anything: they become zeros.
    filled = codes.fill_null(bytes(codes.type.byte_width))
    words = np.frombuffer(filled.buffers()[1], np.uint64).reshape(-1, 4)
    return words[filled.offset : filled.offset + len(filled)]

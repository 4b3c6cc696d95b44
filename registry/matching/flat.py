"""Hashes that are never compared: those of pictures of one colour match every blank image.

The first frequency of a flat picture lies above the median or at it, all others at it; rounding
may raise all of them above it.
"""

from __future__ import annotations


def flat_codes(bits: int) -> tuple[int, ...]:
    """Return the hashes of this many bits that imagehash gives for pictures of one colour."""
    return 0, 1 << (bits - 1), (1 << bits) - 1


def is_flat(digits: str) -> bool:
    """Return whether a hash in hex digits is that of a picture of one colour."""
    return int(digits, 16) in flat_codes(4 * len(digits))

"""Selects the URLs of a column whose hosts may be among some hosts. Most of a dataset's are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from registry.urls import columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.urls.columns import KeyColumn

# Bits for each hash, at least: one in 32 to 64 others passes.
_BITS_EACH = 32


class HostFilter:
    """The hosts to be found, and those whose subdomains are; by the last 32 bits of their hashes.

    What is left out is certain, what passes is not.
    """

    def __init__(self, hosts: NDArray[np.uint64], wider: NDArray[np.uint64]) -> None:
        """Take hashes of hosts, and of hosts whose subdomains are to be found."""
        self._hosts = _filter(hosts)
        self._wider = _filter(wider) if len(wider) else np.zeros(0, np.uint64)

    def rows(self, keys: KeyColumn) -> NDArray[np.int64]:
        """Return the rows of a column that may have such a host."""
        if not columns.is_compiled(len(keys)):
            return np.flatnonzero(keys.has)
        from registry.urls._kernel_hosts import select

        found = select(keys.text, keys.hosts, keys.has, keys.plain, self._hosts, self._wider)
        return np.flatnonzero(found)


def _filter(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return 2**n bits, 2**32 at most, of which those are set that end a hash."""
    size = min((_BITS_EACH * len(hashes)).bit_length(), 32)
    words = np.zeros(1 << max(size - 6, 0), np.uint64)
    places = hashes & np.uint64(64 * len(words) - 1)
    np.bitwise_or.at(words, places >> np.uint64(6), np.uint64(1) << (places & np.uint64(63)))
    return words

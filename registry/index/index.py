"""The index of a snapshot under one policy.

Of several entries for one URL or one picture the strictest counts, among equals the oldest.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.index.decisions import UNSPECIFIED, Decisions, Strictest, first_of
from registry.index.pages import PageIndex
from registry.index.prints import PrintIndex
from registry.index.sites import SiteIndex
from registry.index.tables import entry_tables, key_table, print_tables
from registry.index.variants import VariantIndex
from registry.matching.key_table import NONE
from registry.model import DIGESTS
from registry.snapshot.lookup_tables import digest_hashes
from registry.snapshot.verified import verify_once
from registry.urls.columns import url_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.matching.key_table import KeyTable
    from registry.matching.lists import Lists, Numbers
    from registry.model import Digest, Way
    from registry.snapshot.opened import Snapshot
    from registry.urls.columns import KeyColumn

# Most pictures of one URL that are compared; a URL with more shows a random picture.
MAX_PICTURES = 16


class Index:
    """A snapshot with its lookups, decided under one policy.

    Entries, pictures and sites are rows of the snapshot's tables; NONE stands for none.
    """

    def __init__(self, snapshot: Snapshot, policy: str) -> None:
        """Raises UnreadableSnapshot for one that was not verified before, and is damaged."""
        verify_once(snapshot)
        self.snapshot = snapshot
        self.policy = policy
        self.tables = entry_tables(snapshot)
        self.decisions = Decisions(snapshot, self.tables, policy)
        self._at_url = Strictest(self.decisions.strictest, self.tables.of_url)
        self._of_picture = Strictest(self.decisions.strictest, self.tables.of_picture)

    @property
    def is_empty(self) -> bool:
        """Return whether the snapshot has neither entries nor site rules."""
        return not len(self.snapshot.entries) + len(self.snapshot.sites)

    @property
    def unrecorded(self) -> frozenset[Way]:
        """Return the kinds of keys that no entry has; empty for an empty snapshot."""
        kinds: set[Way] = {name for name in DIGESTS if not len(self._digests[name][0])}
        if not len(self.prints):
            kinds.add("fingerprint")
        if len(kinds) == 3:
            kinds.add("picture")
        if not len(self.snapshot.sites) and not len(self.tables.urls):
            kinds.add("address")
        return frozenset() if self.is_empty else frozenset(kinds)

    def places(self, keys: KeyColumn) -> Numbers:
        """Return the number of each URL among the recorded ones, or NONE."""

        def is_key(places: Numbers, numbers: Numbers) -> NDArray[np.bool_]:
            first = self.snapshot.entries.urls(self.tables.of_url.first(numbers))
            same = pc.equal(url_keys(first), keys.keys(places))
            return np.asarray(same.to_numpy(zero_copy_only=False), bool)

        return self.tables.urls.find_rows(keys.hashes, keys.has, is_key)

    def entries_at(self, places: Numbers) -> Numbers:
        """Return the entry that counts for each URL, given by its number."""
        return self._at_url.of(places)

    def all_at(self, places: Numbers) -> Numbers:
        """Return all entries for some URLs."""
        return self.tables.of_url.of(places[places != NONE])[1]

    def pictures_at(self, places: Numbers) -> tuple[Numbers, Numbers]:
        """Return (row, picture) for the pictures recorded at the URLs, strictest first."""
        rows = np.flatnonzero(places != NONE)
        distinct, inverse = np.unique(places[rows], return_inverse=True)
        which, entries = self.tables.of_url.of(distinct)
        pictures = self.tables.pictures(entries)
        has = pictures != NONE
        ranks = self.rank_of_pictures(pictures[has]).astype(np.int64)
        which, _, pictures = np.unique(np.stack([which[has], ranks, pictures[has]]), axis=1)
        starts = np.searchsorted(which, np.arange(len(distinct) + 1))
        counts = np.minimum(np.diff(starts), MAX_PICTURES)[inverse]
        ends = np.cumsum(counts)
        within = np.arange(int(counts.sum())) - np.repeat(ends - counts, counts)
        return np.repeat(rows, counts), pictures[np.repeat(starts[inverse], counts) + within]

    def entries_of_pictures(self, pictures: Numbers) -> Numbers:
        """Return the entry that counts for each picture."""
        return self._of_picture.of(pictures)

    def all_of_picture(self, picture: int) -> Numbers:
        """Return all entries with a picture."""
        return self.tables.of_picture.of(np.array([picture]))[1]

    def rank_of_pictures(self, pictures: Numbers) -> NDArray[np.int8]:
        """Return the rank of the decision on each picture, that of the entry that counts."""
        entries = self.entries_of_pictures(pictures)
        ranks = np.full(len(pictures), UNSPECIFIED, np.int8)
        has = entries != NONE
        ranks[has] = self.decisions.ranks(entries[has])
        return ranks

    @cached_property
    def _digests(self) -> dict[Digest, tuple[KeyTable, Lists]]:
        return {name: key_table(self.snapshot, name) for name in DIGESTS}

    def pictures_with(self, name: Digest, digests: pa.Array) -> tuple[Numbers, Numbers]:
        """Return (row, picture) for the pictures with some digests (fixed-size binary)."""
        table, pictures = self._digests[name]
        has = np.flatnonzero(digests.is_valid().to_numpy(zero_copy_only=False))
        given = digests.take(pa.array(has))

        def is_digest(places: Numbers, numbers: Numbers) -> NDArray[np.bool_]:
            ours = self.snapshot.pictures.digests(name, pictures.first(numbers))
            same = pc.equal(ours, given.take(pa.array(places)))
            return np.asarray(same.to_numpy(zero_copy_only=False), bool)

        numbers = table.find(digest_hashes(given), is_digest)
        found = np.flatnonzero(numbers != NONE)
        places, rows = pictures.of(numbers[found])
        return has[found[places]], rows

    def entries_by_digest(self, name: Digest, digests: pa.Array) -> Numbers:
        """Return the entry that counts for each digest (fixed-size binary), or NONE."""
        rows, pictures = self.pictures_with(name, digests)
        # Strictest first: the same digest may be in several imported lists.
        order = np.lexsort((pictures, self.rank_of_pictures(pictures), rows))
        rows, first = np.unique(rows[order], return_index=True)
        entries = np.full(len(digests), NONE, np.int64)
        entries[rows] = self.entries_of_pictures(pictures[order][first])
        return entries

    @cached_property
    def prints(self) -> PrintIndex:
        """The fingerprints of all views of all pictures."""
        return PrintIndex(print_tables(self.snapshot), self._strictest_picture)

    def _strictest_picture(self, lists: Lists, numbers: Numbers) -> Numbers:
        return first_of(lists, numbers, lambda n: (n, self.rank_of_pictures(n)))

    @cached_property
    def sites(self) -> SiteIndex:
        """The rules of sites."""
        return SiteIndex(self.snapshot.sites, *key_table(self.snapshot, "host"), self.policy)

    @cached_property
    def variants(self) -> VariantIndex:
        """Pictures at the URLs of their other sizes."""
        return VariantIndex(self.snapshot, self.tables, self.decisions)

    @cached_property
    def pages(self) -> PageIndex:
        """Pages that showed pictures."""
        return PageIndex(self.snapshot, self.tables, self.decisions)

    def crawled(self, entries: Numbers) -> NDArray[np.bool_]:
        """Return which entries (NONE: none) come from a crawl, and so include their site files."""
        crawled: NDArray[np.bool_] = (entries != NONE) & (entries < self.tables.claims)
        return crawled

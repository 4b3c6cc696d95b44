"""Recorded pictures at the URLs of their other sizes.

`registry.urls.variants` has the key that all sizes of a picture have. A row finds what is recorded
at that key, and what is recorded at another URL with the same key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.index.decisions import Strictest
from registry.matching.key_table import NONE
from registry.urls.columns import key_column
from registry.urls.variant_columns import picture_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.index.decisions import Decisions
    from registry.index.tables import EntryTables
    from registry.matching.lists import Numbers
    from registry.snapshot.opened import Snapshot
    from registry.urls.columns import KeyColumn
    from registry.urls.variant_columns import OtherKeys


class VariantIndex:
    """The entries of pictures, by the keys that all sizes of a picture have."""

    def __init__(self, snapshot: Snapshot, tables: EntryTables, decisions: Decisions) -> None:
        self._urls, self._tables = snapshot.entries.urls, tables
        self._at_url = Strictest(decisions.strictest, tables.of_url)
        self._at_size = Strictest(decisions.strictest, tables.of_size)

    def entries(self, keys: KeyColumn, of_pictures: OtherKeys) -> tuple[Numbers, Numbers]:
        """Return (row, entry) for what is recorded at other URLs of the rows' pictures.

        `of_pictures` are `other_keys` of the keys. Of the entries for one URL, or for one picture,
        the one that counts.
        """
        rows, pictures = of_pictures
        # A row whose URL is that of the original finds those of its sizes.
        others = np.flatnonzero(keys.has) if len(self._tables.sizes) else rows[:0]
        found = [
            (rows, self._at_url.of(self._urls_of(pictures))),
            (rows, self._at_size.of(self._sizes_of(pictures))),
            (others, self._at_size.of(self._sizes_of(keys.take(others)))),
        ]
        of_rows, entries = (np.concatenate(part) for part in zip(*found, strict=True))
        known = entries != NONE
        return of_rows[known], entries[known]

    def _urls_of(self, keys: KeyColumn) -> Numbers:
        def is_key(places: Numbers, numbers: Numbers) -> NDArray[np.bool_]:
            first = key_column(self._urls(self._tables.of_url.first(numbers)))
            return _equal(first.keys(), keys.keys(places))

        return self._tables.urls.find_rows(keys.hashes, keys.has, is_key)

    def _sizes_of(self, keys: KeyColumn) -> Numbers:
        def is_key(places: Numbers, numbers: Numbers) -> NDArray[np.bool_]:
            urls = self._urls(self._tables.of_size.first(numbers))
            return _equal(picture_keys(key_column(urls).keys()), keys.keys(places))

        return self._tables.sizes.find_rows(keys.hashes, keys.has, is_key)


def _equal(ours: pa.Array, theirs: pa.Array) -> NDArray[np.bool_]:
    same = pc.fill_null(pc.equal(ours, theirs), False)
    return np.asarray(same.to_numpy(zero_copy_only=False), bool)

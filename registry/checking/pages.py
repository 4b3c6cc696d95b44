"""The pages of a snapshot's pictures, for rows that name a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.model import DECISIONS, OUTCOMES
from registry.urls.columns import url_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.snapshot.store import Snapshot

STRICT = DECISIONS.index("allowed")  # ranks below it reserve, with or without a condition
NONE = -1
BY_RANK = np.array([OUTCOMES.index("reserved"), OUTCOMES.index("conditional")], np.int8)
REVIEW = OUTCOMES.index("review")


class PageIndex:
    """Pages by URL key: the entry that counts for each, and its outcome.

    If a crawl found all pictures of a page reserved, the mildest of their outcomes applies
    to any picture of the page. If only some are, or a list claims some, it is not known
    which picture a row means: `review`.
    """

    def __init__(self, snapshot: Snapshot, ranks: NDArray[np.int8], order: NDArray[np.int64]):
        """Group the entries by page; `order` lists them strictest first."""
        entries = snapshot.entries
        crawled = _mask(pc.equal(entries["source"], "crawl"))
        # A picture that is no longer served at its URL is no longer on the page.
        gone = crawled & ~_mask(entries["url_key"].is_valid())
        pages = url_keys(entries["page_url"]).dictionary_encode()
        self._keys = pages.dictionary
        page = pages.indices.fill_null(NONE).to_numpy(zero_copy_only=False).astype(np.int64)
        page[gone] = NONE
        self._page = page
        self._entry, self._outcome = self._answers(page, crawled, ranks, order)

    def answers(self, urls: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Return the entry that counts for each page (or -1), and its outcome."""
        places = pc.index_in(urls, value_set=self._keys).fill_null(NONE)
        rows = places.to_numpy(zero_copy_only=False)
        return self._entry[rows], self._outcome[rows]

    def entries(self, key: str) -> NDArray[np.int64]:
        """Return the entries of the pictures on a page, by a crawl or a list."""
        place = pc.index_in(pa.scalar(key), value_set=self._keys).as_py()
        return np.flatnonzero(self._page == (len(self._keys) if place is None else place))

    def _answers(
        self,
        page: NDArray[np.int64],
        crawled: NDArray[np.bool_],
        ranks: NDArray[np.int8],
        order: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        # The last element is for no page, whose number is -1.
        entry = np.full(len(self._keys) + 1, NONE, np.int64)
        outcome = np.full(len(entry), REVIEW, np.int8)
        strict = order[(ranks[order] < STRICT) & (page[order] != NONE)]
        entry[page[strict[::-1]]] = strict[::-1]
        mildest = np.full(len(entry), NONE, np.int8)
        seen = crawled & (page != NONE)
        np.maximum.at(mildest, page[seen], ranks[seen])
        whole = (mildest != NONE) & (mildest < STRICT)
        outcome[whole] = BY_RANK[mildest[whole]]
        return entry, outcome


def _mask(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = column.fill_null(False).to_numpy().astype(bool)
    return mask

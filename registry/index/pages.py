"""The pages of a snapshot's pictures, for rows that name a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from registry.index.decisions import STRICT, Decisions
from registry.matching.key_table import NONE
from registry.model import OUTCOMES
from registry.urls.columns import url_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.index.tables import EntryTables
    from registry.matching.lists import Numbers
    from registry.snapshot.opened import Snapshot
    from registry.urls.columns import KeyColumn

BY_RANK = np.array([OUTCOMES.index("reserved"), OUTCOMES.index("conditional")], np.int8)
REVIEW = OUTCOMES.index("review")


class PageIndex:
    """Pages by URL key: the entry that counts for each, and its outcome.

    If a crawl found all pictures of a page reserved, the mildest of their outcomes applies
    to any picture of the page. If only some are, or a list claims some, it is not known
    which picture a row means: `review`.
    """

    def __init__(self, snapshot: Snapshot, tables: EntryTables, decisions: Decisions) -> None:
        self._snapshot = snapshot
        self._tables = tables
        self._decisions = decisions
        # One more than the entry, so that zeros, which take no memory, are no answers yet.
        self._entry = np.zeros(len(tables.pages), np.int64)
        self._outcome = np.zeros(len(tables.pages), np.int8)
        self._is_known = np.zeros(len(tables.pages), bool)

    def answers(self, urls: KeyColumn) -> tuple[Numbers, NDArray[np.int8]]:
        """Return the entry that counts for each page (or NONE), and its outcome."""
        pages = self._find(urls)
        entries = np.full(len(urls), NONE, np.int64)
        outcomes = np.full(len(urls), REVIEW, np.int8)
        has = np.flatnonzero(pages != NONE)
        wanted = pages[has]
        self._decide(np.unique(wanted[~self._is_known[wanted]]))
        entries[has] = self._entry[wanted] - 1
        outcomes[has] = self._outcome[wanted]
        return entries, outcomes

    def entries(self, urls: KeyColumn) -> Numbers:
        """Return the entries of the pictures on pages, by a crawl or a list."""
        pages = self._find(urls)
        return self._tables.of_page.of(pages[pages != NONE])[1]

    def _find(self, urls: KeyColumn) -> Numbers:

        def is_page(places: Numbers, numbers: Numbers) -> NDArray[np.bool_]:
            first = self._snapshot.entries.page_urls(self._tables.of_page.first(numbers))
            same = pc.equal(url_keys(first), urls.keys(places))
            return np.asarray(same.to_numpy(zero_copy_only=False), bool)

        return self._tables.pages.find_rows(urls.hashes, urls.has, is_page)

    def _decide(self, pages: Numbers) -> None:
        places, entries = self._tables.of_page.of(pages)
        ranks = self._decisions.ranks(entries)
        order = np.lexsort((entries, self._tables.since[entries], ranks, places))
        places, entries, ranks = places[order], entries[order], ranks[order]
        first = np.searchsorted(places, np.arange(len(pages)))
        strict = ranks[first] < STRICT
        self._entry[pages] = np.where(strict, entries[first] + 1, 0)
        mildest = np.full(len(pages), NONE, np.int8)
        seen = entries < self._tables.claims
        np.maximum.at(mildest, places[seen], ranks[seen])
        whole = (mildest != NONE) & (mildest < STRICT)
        self._outcome[pages] = np.where(whole, BY_RANK[np.where(whole, mildest, 0)], REVIEW)
        self._is_known[pages] = True

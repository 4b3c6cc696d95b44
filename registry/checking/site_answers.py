"""The rules of sites applied to a batch: those of its pictures' sites, and of its pages'.

Rows that rules concern alike form a group; the rules are asked once for each group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.checking.outcomes import BY_DECISION, CODE, WAYS
from registry.index.decisions import RANK, STRICT
from registry.index.sites import Place
from registry.matching.key_table import NONE
from registry.urls.columns import hosts_of_keys
from registry.urls.sites import same_site
from registry.urls.variant_columns import are_addresses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from registry.checking.keys import Keys
    from registry.checking.outcomes import Answers
    from registry.index import Index
    from registry.index.sites import Ruled
    from registry.matching.lists import Numbers
    from registry.model import Verdict
    from registry.urls.columns import KeyColumn
    from registry.urls.variant_columns import OtherKeys

_NO_STATE = 0


class _Found(NamedTuple):
    """The answer for a group: outcome, part that decided (or NONE), number of its marks.

    `is_own`: the part is about the page's own host. `permits`: the part that allows the use, if no
    other decided.
    """

    outcome: int
    part: int
    marks: int
    is_own: bool = True
    permits: int = NONE


class SiteAnswers:
    """Applies rules of sites where they are stricter than the answers of a batch."""

    def __init__(
        self, answers: Answers, index: Index, keys: Keys, others: Sequence[OtherKeys]
    ) -> None:
        """`others` has `other_keys` of each of the keys' `urls`."""
        self._answers, self._index, self._others = answers, index, others
        self._sites = index.sites
        self._keys = keys
        # Entries of a crawl include the rules of their site files, so that only claims are new.
        self._weighed = index.crawled(answers.known)
        self._sites.forget_if_full()
        self._of_urls: list[Ruled] = [self._sites.ruled(urls) for urls in keys.urls]

    def take_pictures(self) -> None:
        """Apply the rules of the pictures' sites, by host and path.

        Those of the site of the original, too, if the URL is that of another size or a proxy's.
        """
        for column, ruled in enumerate(self._of_urls):
            permits = self._take_picture(ruled, self._weighed[ruled.rows], column)
            self._answers.permit[ruled.rows] = self._sites.rows(ruled.hosts, permits)
            self._take_original(column)

    def _take_original(self, column: int) -> None:
        others = self._others[column]
        ruled = self._sites.ruled(others.keys)
        ruled = ruled.without(~are_addresses(others, ruled.rows, self._keys.urls[column]))
        keys = others.keys.take(ruled.rows)
        weighed = self._index.crawled(self._index.entries_at(self._index.places(keys)))
        of_rows = ruled._replace(rows=others.rows[ruled.rows])
        self._take_picture(of_rows, weighed, column, of_original=True)

    def _take_picture(
        self, ruled: Ruled, weighed: NDArray[np.bool_], column: int, *, of_original: bool = False
    ) -> Numbers:
        """Apply rules to rows, and return the parts that permit, or NONE.

        `weighed` are the rows whose entry includes the rules of its site files.
        """
        first, group = _groups([ruled.states, weighed])
        found = [
            self._of_picture(Place(int(ruled.hosts[n]), int(ruled.states[n])), bool(weighed[n]))
            for n in first.tolist()
        ]
        self._take(ruled, found, group, column, of_original=of_original)
        return np.array([f.permits for f in found], np.int64)[group]

    def _of_picture(self, at: Place, claims_only: bool) -> _Found:
        part, verdict = self._sites.verdict(at, claims_only=claims_only)
        outcome = int(BY_DECISION[RANK[verdict.decision]])
        permits = part if verdict.decision == "allowed" else NONE
        if outcome == CODE["clear"]:
            # Whether a claim on a wider host covers this host is not known.
            part, verdict = self._sites.wider_verdict(at)
            outcome = _review_if_strict(verdict)
        return _Found(outcome, part, self._sites.marks_of(verdict), permits=permits)

    def take_pages(self) -> None:
        """Apply the rules of the sites of the rows' pages.

        For a picture of another site the outcome is review.
        """
        for column, urls in enumerate(self._keys.pages):
            ruled = self._sites.ruled(urls)
            if len(ruled.rows):
                self._take_page(ruled.without(self._is_picture(urls, ruled.rows)), urls, column)

    def _take_page(self, ruled: Ruled, urls: KeyColumn, column: int) -> None:
        hosts, states = self._pictures_of(ruled.rows)
        relations = self._relations(hosts, states, ruled)
        weighed = self._weighed[ruled.rows]
        first, group = _groups([states, ruled.states, relations, weighed])
        found = [
            self._of_page(*_places(hosts, states, ruled, n), bool(weighed[n]))
            for n in first.tolist()
        ]
        elsewhere = np.array([f.outcome < CODE["review"] and f.is_own for f in found], bool)[group]
        elsewhere[elsewhere] = ~self._are_same_site(urls, ruled.rows[elsewhere])
        self._take(ruled, found, group, column, in_doubt=elsewhere, is_page=True)

    def _relations(self, hosts: Numbers, states: Numbers, pages: Ruled) -> Numbers:
        """Return a number for each row: those of equal relation have equal ones."""
        first, group = _groups([hosts, states, pages.hosts, pages.states])
        known = dict[tuple[int, ...], int]()
        numbers = [
            known.setdefault(self._sites.relation(*_places(hosts, states, pages, n)), len(known))
            for n in first.tolist()
        ]
        return np.array(numbers, np.int64)[group]

    def _of_page(self, picture: Place, page: Place, claims_only: bool) -> _Found:
        part, verdict, is_own = self._sites.page_verdict(picture, page, claims_only=claims_only)
        outcome = int(BY_DECISION[RANK[verdict.decision]]) if is_own else _review_if_strict(verdict)
        if part == NONE:
            outcome = CODE["clear"]
        return _Found(outcome, part, self._sites.marks_of(verdict), is_own)

    def _pictures_of(self, rows: Numbers) -> tuple[Numbers, Numbers]:
        """Return host and state of the first URL of some rows that may be their picture's."""
        hosts, states = (np.zeros(self._keys.rows, np.int64) for _ in range(2))
        for urls, ruled in zip(reversed(self._keys.urls), reversed(self._of_urls), strict=True):
            hosts[urls.has] = states[urls.has] = _NO_STATE
            hosts[ruled.rows], states[ruled.rows] = ruled.hosts, ruled.states
        return hosts[rows], states[rows]

    def _is_picture(self, pages: KeyColumn, rows: Numbers) -> NDArray[np.bool_]:
        """Return for which rows the URL of the page is that of the picture."""
        pictures = self._first_keys(rows)
        same = pc.fill_null(pc.equal(pictures, pages.keys(rows)), fill_value=False)
        return np.asarray(same.to_numpy(zero_copy_only=False), bool)

    def _are_same_site(self, pages: KeyColumn, rows: Numbers) -> NDArray[np.bool_]:
        """Return for which rows page and picture are of one site."""
        pictures = hosts_of_keys(self._first_keys(rows)).to_pylist()
        known = dict[tuple[str | None, str], bool]()
        same = []
        for pair in zip(pictures, hosts_of_keys(pages.keys(rows)).to_pylist(), strict=True):
            if pair not in known:
                known[pair] = pair[0] is not None and same_site(*pair)
            same.append(known[pair])
        return np.array(same, bool)

    def _first_keys(self, rows: Numbers) -> pa.StringArray:
        """Return the first URL key of each row that may be its picture's, or null."""
        columns = [urls.keys(rows) for urls in self._keys.urls]
        return pc.coalesce(*columns) if columns else pa.nulls(len(rows), pa.string())

    def _take(
        self,
        ruled: Ruled,
        found: list[_Found],
        group: Numbers,
        column: int,
        *,
        in_doubt: NDArray[np.bool_] | None = None,
        is_page: bool = False,
        of_original: bool = False,
    ) -> None:
        """Apply the answers of groups to their rows; those `in_doubt` become review."""
        if not found:
            return
        answers, values = self._answers, np.array([f[:3] for f in found], np.int64)[group]
        outcomes = values[:, 0].astype(np.int8)
        if in_doubt is not None:
            outcomes[in_doubt] = CODE["review"]
        better = outcomes < np.minimum(answers.outcome[ruled.rows], CODE["clear"])
        rows = ruled.rows[better]
        answers.outcome[rows] = outcomes[better]
        answers.way[rows], answers.column[rows] = WAYS.index("site"), column
        answers.page[rows], answers.entry[rows], answers.tier[rows] = is_page, -1, -1
        answers.resized[rows] = of_original
        answers.site[rows] = self._sites.rows(ruled.hosts[better], values[better, 1])
        answers.marks[rows] = values[better, 2]


def _places(hosts: Numbers, states: Numbers, pages: Ruled, n: int) -> tuple[Place, Place]:
    """Return the places of picture and page of a row."""
    picture = Place(int(hosts[n]), int(states[n]))
    return picture, Place(int(pages.hosts[n]), int(pages.states[n]))


def _groups(columns: list[NDArray[np.int64] | NDArray[np.bool_]]) -> tuple[Numbers, Numbers]:
    """Return the first row of each group of rows with equal numbers, and the group of each row."""
    whole: Numbers = np.zeros(len(columns[0]), np.int64)
    first: Numbers = whole
    for column in columns:
        # Numbers of groups and states are below 2**31.
        _, first, whole = np.unique(
            whole << 31 | column.astype(np.int64), return_index=True, return_inverse=True
        )
    return first, whole


def _review_if_strict(verdict: Verdict) -> int:
    return CODE["review" if RANK[verdict.decision] < STRICT else "clear"]

"""The index of a snapshot for checks under one policy.

Verdicts are decided once for each shape of signals, then assigned to the entries. Of
several entries for one URL or one picture the strictest counts, among equals the oldest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.checking.claimed_sites import ClaimedSites, SiteRow, site_row
from registry.checking.pages import PageIndex
from registry.checking.snapshot_prints import SnapshotPrints
from registry.matching.index import PhashIndex
from registry.model import DECISIONS, DIGESTS, Signal, Verdict
from registry.snapshot.format import signals_from_json
from registry.urls.key import split_key
from registry.verdict import decide
from registry.verdict.site_rules import concerns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.checking.complete import Way
    from registry.snapshot.store import Snapshot

RANK = {decision: rank for rank, decision in enumerate(DECISIONS)}
UNSPECIFIED = RANK["unspecified"]
# Most cached verdicts.
MAX_KEPT = 100_000
# Most pictures of one URL that are compared; a URL with more shows a random picture.
MAX_PICTURES = 16
NONE = -1
# A row of the snapshot's `sites`, and its rules that apply to a path.
_Applicable = tuple[int, tuple[Signal, ...]]


class CheckIndex:
    """A snapshot with the lookups of a check, decided under one policy.

    Arrays are parallel to the snapshot's tables; ranks index `DECISIONS`
    (0 reserved ... 3 unspecified).
    """

    def __init__(self, snapshot: Snapshot, policy: str) -> None:
        self.snapshot = snapshot
        self.policy = policy
        self._own: NDArray[np.int64] = _rows(snapshot.entries["signals"])
        self._rules: NDArray[np.int64] = _rows(snapshot.entries["rules"])
        self._verdicts: dict[tuple[int, int], Verdict] = {}
        self._by_shape, self._shape = self._decide_shapes()
        ranks = np.array([RANK[verdict.decision] for verdict in self._by_shape], np.int8)
        self.entry_rank: NDArray[np.int8] = ranks[self._shape]
        self.entry_image: NDArray[np.int64] = _rows(snapshot.entries["image"])
        self._site_decisions: dict[tuple[int, ...], tuple[list[Signal], tuple[int, Verdict]]] = {}

    @property
    def is_empty(self) -> bool:
        """Return whether the snapshot has neither entries nor site rules."""
        return not self.snapshot.entries.num_rows + self.snapshot.sites.num_rows

    @property
    def unrecorded(self) -> frozenset[Way]:
        """Return the kinds of keys that no entry has; empty for an empty snapshot."""
        images = self.snapshot.images
        kinds: set[Way] = {name for name in DIGESTS if _all_null(images[name])}
        if not self.snapshot.views.num_rows and _all_null(images["phash64"]):
            kinds.add("fingerprint")
        if len(kinds) == 3:
            kinds.add("picture")
        if not self.snapshot.sites.num_rows and _all_null(self.snapshot.entries["url_key"]):
            kinds.add("address")
        return frozenset() if self.is_empty else frozenset(kinds)

    def entry_verdict(self, entry: int) -> Verdict:
        """Return the verdict on an entry, with its deciding signals."""
        key = int(self._own[entry]), int(self._rules[entry])
        if key not in self._verdicts:
            if len(self._verdicts) >= MAX_KEPT:
                self._verdicts.clear()
            self._verdicts[key] = self._decide(entry)
        return self._verdicts[key]

    def _decide(self, entry: int) -> Verdict:
        sets = (int(row) for row in (self._own[entry], self._rules[entry]) if row != NONE)
        texts = (self.snapshot.signals["signals"][row].as_py() for row in sets)
        return decide([s for text in texts for s in signals_from_json(text)], self.policy)

    def _decide_shapes(self) -> tuple[list[Verdict], NDArray[np.intp]]:
        """Return the verdict of each pair of shapes, and the number of the pair of each entry."""
        # The last element is for entries without rules, whose row is -1.
        shapes = np.append(self.snapshot.signals["shape"].to_numpy(), NONE).astype(np.int64)
        pairs = np.stack([shapes[self._own], shapes[self._rules]])
        _, first, which = np.unique(pairs, axis=1, return_index=True, return_inverse=True)
        return [self._decide(int(entry)) for entry in first], which.reshape(-1)

    def entry_marks(self, entry: int) -> list[str]:
        """Return the names of the signals that decide on an entry, each once."""
        return names_of(self._by_shape[self._shape[entry]].deciding)

    @cached_property
    def _entry_order(self) -> NDArray[np.int64]:
        """Entries from strictest to mildest, oldest first among equals."""
        since = self.snapshot.entries["since"].cast(pa.int64()).to_numpy()
        return np.lexsort((np.arange(len(since)), since, self.entry_rank))

    @cached_property
    def image_entry(self) -> NDArray[np.int32]:
        """The entry that counts for each picture, or -1."""
        best = np.full(self.snapshot.images.num_rows, NONE, np.int32)
        order = self._entry_order[self.entry_image[self._entry_order] != NONE]
        # Written from mildest to strictest, so that the strictest remains.
        best[self.entry_image[order[::-1]]] = order[::-1]
        return best

    @cached_property
    def _urls(self) -> tuple[pa.Array, NDArray[np.int64]]:
        keys = self.snapshot.entries["url_key"].combine_chunks().take(pa.array(self._entry_order))
        distinct = pc.unique(keys).drop_null()
        positions = pc.index_in(distinct, value_set=keys).to_numpy(zero_copy_only=False)
        return distinct, self._entry_order[positions]

    def url_places(self, keys: pa.Array) -> NDArray[np.int64]:
        """Return the index of each URL key among the recorded ones, or -1."""
        return _rows(pc.index_in(keys, value_set=self._urls[0]))

    def entries_at(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the entry that counts at each place (see `url_places`), or -1."""
        entries = np.append(self._urls[1], NONE)
        return entries[places]

    @cached_property
    def _url_pictures(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pictures by the place of their URL, strictest first; and where each place starts."""
        distinct, _ = self._urls
        places = self.url_places(self.snapshot.entries["url_key"].combine_chunks())
        has = (places != NONE) & (self.entry_image != NONE)
        images = self.entry_image[has]
        pairs = np.unique(np.stack([places[has], self.image_rank[images], images]), axis=1)
        return pairs[2], np.searchsorted(pairs[0], np.arange(len(distinct) + 1))

    def pictures_at(self, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (row, picture) for the pictures recorded at the places, strictest first."""
        images, starts = self._url_pictures
        rows = np.flatnonzero(places != NONE)
        first = starts[places[rows]]
        counts = np.minimum(starts[places[rows] + 1] - first, MAX_PICTURES)
        ends = np.cumsum(counts)
        within = np.arange(int(counts.sum())) - np.repeat(ends - counts, counts)
        return np.repeat(rows, counts), images[np.repeat(first, counts) + within]

    @cached_property
    def _digests(self) -> dict[str, tuple[pa.Array, NDArray[np.int64]]]:
        tables: dict[str, tuple[pa.Array, NDArray[np.int64]]] = {}
        for name in DIGESTS:
            column = self.snapshot.images[name].combine_chunks()
            known = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
            # Strictest first: the same digest may be in several imported lists.
            ranks = self.image_rank[known]
            known = known[np.argsort(ranks, kind="stable")]
            tables[name] = (column.take(pa.array(known)), self.image_entry[known].astype(np.int64))
        return tables

    def entries_by_digest(self, name: str, digests: pa.Array) -> NDArray[np.int64]:
        """Return the entry that counts for each digest (fixed-size binary), or -1."""
        known, entries = self._digests[name]
        return _take_or_none(pc.index_in(digests, value_set=known), entries)

    @cached_property
    def image_rank(self) -> NDArray[np.int8]:
        """The decision rank of each picture, that of the entry that counts for it."""
        ranks = np.full(len(self.image_entry), UNSPECIFIED, np.int8)
        has = self.image_entry != NONE
        ranks[has] = self.entry_rank[self.image_entry[has]]
        return ranks

    @cached_property
    def prints(self) -> SnapshotPrints:
        """The fingerprints of all views of all pictures."""
        return SnapshotPrints(self.snapshot)

    @cached_property
    def reserved_prints(self) -> NDArray[np.int64]:
        """The fingerprints to search: those of reserved or conditional pictures.

        Of equal fingerprints only that of the strictest picture is kept, so that a picture
        recorded a thousand times matches once. Strictest first: the index breaks ties by
        order.
        """
        ranks = self.image_rank[self.prints.image]
        rows = np.flatnonzero(ranks < RANK["allowed"])
        rows = rows[np.lexsort((rows, self.prints.image[rows], ranks[rows]))]
        wide = self.prints.phash256[rows]
        has = self.prints.has_wide[rows]
        seen = zip(self.prints.phash64[rows].tolist(), has.tolist(), wide.tolist(), strict=True)
        first: dict[tuple[object, ...], int] = {}
        for place, (near, known, far) in zip(rows.tolist(), seen, strict=True):
            first.setdefault((near, known, *far), place)
        return np.fromiter(first.values(), np.int64, len(first))

    @cached_property
    def fingerprints(self) -> PhashIndex:
        """Index over the phash64 of `reserved_prints`, in their order."""
        return PhashIndex(self.prints.phash64[self.reserved_prints])

    @cached_property
    def sites(self) -> dict[str, list[SiteRow]]:
        """Compiled site rules by host, without rules that have no use and no licence."""
        by_host: dict[str, list[SiteRow]] = {}
        table = self.snapshot.sites.select(["host", "kind", "signals"]).to_pylist()
        for row, site in enumerate(table):
            host = site["host"]
            signals = [s for s in signals_from_json(site["signals"]) if concerns(s, host)]
            if any(signal.uses or signal.licence_url for signal in signals):
                compiled = site_row(row, signals, is_claim=site["kind"] == "claim")
                by_host.setdefault(host, []).append(compiled)
        return by_host

    @cached_property
    def claimed(self) -> ClaimedSites:
        """Site rules by the hosts that they cover, and claims that may cover other hosts."""
        return ClaimedSites(self.sites)

    @cached_property
    def pages(self) -> PageIndex:
        """Pages that showed pictures."""
        return PageIndex(self.snapshot, self.entry_rank, self._entry_order)

    def crawled(self, entries: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which entries (-1: none) come from a crawl, and so include their site files."""
        return self._from_crawl[entries]

    @cached_property
    def _from_crawl(self) -> NDArray[np.bool_]:
        column = pc.equal(self.snapshot.entries["source"], "crawl").combine_chunks()
        # The last element is for no entry, whose number is -1.
        return np.append(column.fill_null(False).to_numpy(zero_copy_only=False), False)

    def site_verdict(
        self, host: str, path: str, *, claims_only: bool = False
    ) -> tuple[int, Verdict]:
        """Return the verdict of a host's files and claims on a path (with its query).

        It comes with the first row of `sites` that decided it (or -1).
        """
        return self._together(self._applicable(host, path, claims_only=claims_only))

    def wider_verdict(self, host: str, path: str) -> tuple[int, Verdict]:
        """Return row and verdict of claims on wider hosts, as if they covered this host, too."""
        return self._together(self._in_question(host, path))

    def page_verdict(
        self, picture: str | None, page: str, *, claims_only: bool = False
    ) -> tuple[int, Verdict, bool]:
        """Return the verdict of a page's site, with that of the picture's site, on a picture.

        Both are URL keys; `picture` is None if its URL is not known. Returns the first of
        the page's rows that decided (or -1), the verdict, and whether that row is about the
        page's own host; claims on wider hosts come last.
        """
        host, path = split_key(page)
        own = self._applicable(*split_key(picture), claims_only=claims_only) if picture else []
        row, verdict = self._together(own, self._applicable(host, path, claims_only=claims_only))
        if row != NONE and RANK[verdict.decision] < RANK["allowed"]:
            return row, verdict, True
        return *self._together(own, self._in_question(host, path)), False

    def _applicable(self, host: str, path: str, *, claims_only: bool) -> list[_Applicable]:
        sites = self.claimed.covering(host)
        counted = (site for site in sites if site.is_claim or not claims_only)
        return [(site.row, site.rules.applicable(path)) for site in counted]

    def _in_question(self, host: str, path: str) -> list[_Applicable]:
        claims = self.claimed.in_question(host)
        return [(site.row, site.rules.applicable(path)) for site in claims]

    def _together(
        self, own: list[_Applicable], page: list[_Applicable] | None = None
    ) -> tuple[int, Verdict]:
        """Return the deciding row and the verdict; the row is one of the page's, if given."""
        of_own = [signal for _, signals in own for signal in signals]
        of_page = [signal for _, signals in page or () for signal in signals]
        # Few sets of rules occur, and each is the same object every time. The cache keeps
        # the signals with the verdict, so that no id is reused.
        key = (page is None, *map(id, of_own), NONE, *map(id, of_page))
        if key not in self._site_decisions:
            if len(self._site_decisions) >= MAX_KEPT:
                self._site_decisions.clear()
            known = set(of_own)
            of_path = [replace(s, scope="page") for s in of_page if s not in known]
            verdict = decide([*of_own, *of_path], self.policy)
            row = _deciding_row(own if page is None else page, verdict)
            self._site_decisions[key] = (of_own + of_page, (row, verdict))
        return self._site_decisions[key][1]


def _deciding_row(rows: list[_Applicable], verdict: Verdict) -> int:
    marks = set(map(_mark, verdict.deciding))
    return next((row for row, signals in rows if not marks.isdisjoint(map(_mark, signals))), NONE)


def _mark(signal: Signal) -> tuple[str, str, str]:
    """Return the parts of a signal that settling does not change."""
    return signal.name, signal.url, signal.raw


def names_of(signals: Sequence[Signal]) -> list[str]:
    """Return the names of signals, each once, in their order."""
    return list(dict.fromkeys(signal.name for signal in signals))


def _rows(column: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
    """Return row numbers, -1 for null."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    rows = column.fill_null(NONE).to_numpy(zero_copy_only=False)
    return np.asarray(rows, np.int64)


def _take_or_none(positions: pa.Array, values: NDArray[np.int64]) -> NDArray[np.int64]:
    where = positions.fill_null(NONE).to_numpy(zero_copy_only=False).astype(np.int64)
    taken = np.full(len(where), NONE, np.int64)
    hit = where != NONE
    taken[hit] = values[where[hit]]
    return taken


def _all_null(column: pa.ChunkedArray) -> bool:
    return bool(column.null_count == len(column))

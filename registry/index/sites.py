"""The rules of sites, by host and path: rules files, and claims on hosts.

A claimed refusal for `example.org` covers `www.example.org`, too, and the other way
round. Other subdomains and ports of the same site may belong to others: a claim on a
whole site makes their rows `review`. A permission covers only its own host.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.index.decisions import MAX_KEPT, RANK, STRICT
from registry.matching.key_table import NONE
from registry.model import Signal, Verdict
from registry.urls.columns import hashes_of, hosts_of_keys
from registry.urls.key import split_key
from registry.urls.sites import covering_hosts, twin_of, wider_hosts
from registry.verdict import decide
from registry.verdict.site_rules import SiteRules, claim_covers, concerns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.matching.key_table import KeyTable
    from registry.matching.lists import Lists, Numbers
    from registry.snapshot.site_entries import Sites
    from registry.urls.columns import KeyColumn

# Hosts whose answer is remembered; each takes 9 bytes.
_REMEMBERED = 1 << 18


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A rules file or claim for a host: a row of the snapshot's `sites`, compiled.

    `refuses`: a claim that permits nothing; `whole`: such a claim on a whole site.
    """

    row: int
    rules: SiteRules
    is_claim: bool
    refuses: bool = False
    whole: bool = False


# A row of the snapshot's `sites`, and its rules that apply to a path.
_Applicable = tuple[int, tuple[Signal, ...]]


class SiteIndex:
    """The rows of `sites` by the hosts that they cover, and their verdicts under a policy."""

    def __init__(self, sites: Sites, hosts: KeyTable, of_host: Lists, policy: str) -> None:
        self._sites = sites
        self._hosts = hosts
        self._of_host = of_host
        self._policy = policy
        self._rows: dict[str, list[SiteRow]] = {}
        self._refused = _Among(self, "refuses")
        self._whole = _Among(self, "whole")
        self._decided: dict[tuple[int, ...], tuple[list[Signal], tuple[int, Verdict]]] = {}
        self._near = _NearHosts(sites)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._sites)

    def rows(self, host: str) -> list[SiteRow]:
        """Return the rules files and claims of a host itself."""
        if host not in self._rows:
            if len(self._rows) >= MAX_KEPT:
                self._rows.clear()
            self._rows[host] = [row for n in self._numbers(host) if (row := self._compiled(n))]
        return self._rows[host]

    def _numbers(self, host: str) -> list[int]:
        text = pa.array([host])

        def is_host(_: Numbers, numbers: Numbers) -> NDArray[np.bool_]:
            names = self._sites.hosts_of(self._of_host.first(numbers))
            return np.array([name == host for name in names])

        numbers = self._hosts.find(hashes_of(text), is_host)
        rows: list[int] = self._of_host.of(numbers[numbers != NONE])[1].tolist()
        return rows

    def _compiled(self, number: int) -> SiteRow | None:
        """Return a row, or None for one without a rule that has a use or a licence."""
        site = self._sites[number]
        signals = [signal for signal in site.signals if concerns(signal, site.host)]
        if not any(signal.uses or signal.licence_url for signal in signals):
            return None
        refuses, whole = claim_covers(signals) if site.is_claim else (False, False)
        return SiteRow(number, SiteRules(signals), site.is_claim, refuses, whole)

    def covering(self, host: str) -> list[SiteRow]:
        """Return the rules files and claims that cover a host."""
        _, *others = covering_hosts(host, self._refused)
        more = [row for other in others for row in self.rows(other) if row.refuses]
        return self.rows(host) + more

    def in_question(self, host: str) -> list[SiteRow]:
        """Return the claims on wider hosts of the same site, which may cover this host."""
        others = wider_hosts(host, self._whole)
        return [row for other in others for row in self.rows(other) if row.whole]

    def any_for(self, keys: KeyColumn) -> NDArray[np.bool_]:
        """Return a mask of the URLs whose host a row may cover. It is fast, for whole columns."""
        return self._near.any_for(keys)

    def verdict(self, host: str, path: str, *, claims_only: bool = False) -> tuple[int, Verdict]:
        """Return the verdict of a host's files and claims on a path (with its query).

        It comes with the first row of `sites` that decided it (or NONE).
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
        the page's rows that decided (or NONE), the verdict, and whether that row is about the
        page's own host; claims on wider hosts come last.
        """
        host, path = split_key(page)
        own = self._applicable(*split_key(picture), claims_only=claims_only) if picture else []
        row, verdict = self._together(own, self._applicable(host, path, claims_only=claims_only))
        if row != NONE and RANK[verdict.decision] < STRICT:
            return row, verdict, True
        return *self._together(own, self._in_question(host, path)), False

    def _applicable(self, host: str, path: str, *, claims_only: bool) -> list[_Applicable]:
        counted = (row for row in self.covering(host) if row.is_claim or not claims_only)
        return [(row.row, row.rules.applicable(path)) for row in counted]

    def _in_question(self, host: str, path: str) -> list[_Applicable]:
        return [(row.row, row.rules.applicable(path)) for row in self.in_question(host)]

    def _together(
        self, own: list[_Applicable], page: list[_Applicable] | None = None
    ) -> tuple[int, Verdict]:
        """Return the deciding row and the verdict; the row is one of the page's, if given."""
        of_own = [signal for _, signals in own for signal in signals]
        of_page = [signal for _, signals in page or () for signal in signals]
        # Few sets of rules occur, and each is the same object every time. The cache keeps
        # the signals with the verdict, so that no id is reused.
        key = (page is None, *map(id, of_own), NONE, *map(id, of_page))
        if key not in self._decided:
            if len(self._decided) >= MAX_KEPT:
                self._decided.clear()
            known = set(of_own)
            of_path = [replace(s, scope="page") for s in of_page if s not in known]
            verdict = decide([*of_own, *of_path], self._policy)
            row = _deciding_row(own if page is None else page, verdict)
            self._decided[key] = (of_own + of_page, (row, verdict))
        return self._decided[key][1]


class _Among(Container[str]):
    """The hosts that have a claim of some kind."""

    def __init__(self, sites: SiteIndex, kind: str) -> None:
        self._sites = sites
        self._kind = kind

    def __contains__(self, host: object) -> bool:
        return any(getattr(row, self._kind) for row in self._sites.rows(str(host)))


class _NearHosts:
    """The hosts that some row may cover, by their hashes; answers are remembered."""

    def __init__(self, sites: Sites) -> None:
        refused, whole = sites.refused_by_claims()
        names = [hashes_of(sites.hosts()), _hash_set([*map(twin_of, refused)])]
        self._names = np.unique(np.concatenate(names))
        self._wide = _hash_set([*whole, *map(twin_of, whole)])
        self._hash = np.zeros(_REMEMBERED, np.uint64)
        self._may = np.zeros(_REMEMBERED, bool)

    def any_for(self, keys: KeyColumn) -> NDArray[np.bool_]:
        may = np.zeros(len(keys), bool)
        if not len(self._names):
            return may
        slots = (keys.hosts % np.uint64(_REMEMBERED)).astype(np.int64)
        new = np.flatnonzero(keys.has & (self._hash[slots] != keys.hosts))
        _, first = np.unique(keys.hosts[new], return_index=True)
        asked = new[first]
        answers = self._ask(hosts_of_keys(keys.keys(asked)), keys.hosts[asked])
        # Two new hosts may share a place: both answers count for this column.
        fresh = dict(zip(keys.hosts[asked].tolist(), answers.tolist(), strict=True))
        may[new] = [fresh[host] for host in keys.hosts[new].tolist()]
        known = keys.has.copy()
        known[new] = False
        may[known] = self._may[slots[known]]
        self._hash[slots[asked]], self._may[slots[asked]] = keys.hosts[asked], answers
        return may

    def _ask(self, hosts: pa.Array, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        may = _within(self._names, hashes)
        if len(self._wide):
            for names in (hosts, pc.replace_substring_regex(hosts, r":[0-9]+$", "")):
                may |= self._below_wide(names)
        return may

    def _below_wide(self, hosts: pa.Array) -> NDArray[np.bool_]:
        """Return which hosts are, or are below, a host with a claim on its whole site."""
        below = _within(self._wide, hashes_of(hosts))
        while pc.any(pc.match_substring(hosts, ".")).as_py():
            # A host without a dot has no wider host; it becomes empty.
            hosts = pc.replace_substring_regex(hosts, r"^[^.]*\.?", "")
            below |= _within(self._wide, hashes_of(hosts))
        return below


def _hash_set(names: Sequence[str]) -> NDArray[np.uint64]:
    return np.unique(hashes_of(pa.array(names, pa.string())))


def _within(members: NDArray[np.uint64], hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    if not len(members):
        return np.zeros(len(hashes), bool)
    places = np.minimum(np.searchsorted(members, hashes), len(members) - 1)
    within: NDArray[np.bool_] = members[places] == hashes
    return within


def _deciding_row(rows: list[_Applicable], verdict: Verdict) -> int:
    marks = set(map(_mark, verdict.deciding))
    return next((row for row, signals in rows if not marks.isdisjoint(map(_mark, signals))), NONE)


def _mark(signal: Signal) -> tuple[str, str, str]:
    """Return the parts of a signal that settling does not change."""
    return signal.name, signal.url, signal.raw

"""Claims on sites, for other hosts than the one that they name.

A claimed refusal for `example.org` covers `www.example.org`, too, and the other way
round. Other subdomains and ports of the same site may belong to others: a claim on a
whole site makes their rows `review`. A permission covers only its own host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from registry.urls.sites import covering_hosts, twin_of, wider_hosts
from registry.verdict.site_rules import SiteRules

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from registry.model import Signal

_EVERYWHERE = frozenset({"", "/", "*", "/*"})


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


def site_row(row: int, signals: Sequence[Signal], *, is_claim: bool) -> SiteRow:
    """Return a compiled row of `sites`; `signals` are those that concern its host."""
    refuses = is_claim and all(m != "allowed" for signal in signals for _, m in signal.uses)
    patterns = (signal.rule.pattern if signal.rule else "/" for signal in signals)
    whole = refuses and any(pattern in _EVERYWHERE for pattern in patterns)
    return SiteRow(row, SiteRules(signals), is_claim, refuses, whole)


class ClaimedSites:
    """Rows of `sites` by the hosts that they cover."""

    def __init__(self, sites: Mapping[str, list[SiteRow]]) -> None:
        self._sites = sites
        self._refused = {h for h, rows in sites.items() if any(site.refuses for site in rows)}
        self._whole = {h for h, rows in sites.items() if any(site.whole for site in rows)}

    def covering(self, host: str) -> list[SiteRow]:
        """Return the rules files and claims that cover a host."""
        own = self._sites.get(host, [])
        _, *others = covering_hosts(host, self._refused)
        return own + [site for other in others for site in self._sites[other] if site.refuses]

    def in_question(self, host: str) -> list[SiteRow]:
        """Return the claims on wider hosts of the same site, which may cover this host."""
        others = wider_hosts(host, self._whole)
        return [site for other in others for site in self._sites[other] if site.whole]

    @cached_property
    def _names(self) -> pa.Array:
        return pa.array([*self._sites, *map(twin_of, self._refused)], pa.string())

    @cached_property
    def _wide_names(self) -> pa.Array:
        return pa.array([*self._whole, *map(twin_of, self._whole)], pa.string())

    def any_for(self, hosts: pa.Array) -> NDArray[np.bool_]:
        """Return a mask of the hosts that a row may cover, given a column of hosts.

        It is fast, for whole batches; only the other methods use the public suffix list.
        """
        column = hosts.dictionary_encode()
        names = column.dictionary
        may = pc.is_in(names, value_set=self._names)
        if len(self._wide_names):
            for wider in (names, pc.replace_substring_regex(names, r":[0-9]+$", "")):
                may = pc.or_(may, self._within_wide(wider))
        rows: NDArray[np.bool_] = may.take(column.indices).fill_null(False).to_numpy(False)
        return rows

    def _within_wide(self, hosts: pa.Array) -> pa.Array:
        """Return which hosts are, or are below, a host with a claim on its whole site."""
        within = pc.is_in(hosts, value_set=self._wide_names)
        while pc.any(pc.match_substring(hosts, ".")).as_py():
            # A host without a dot has no wider host; it becomes empty.
            hosts = pc.replace_substring_regex(hosts, r"^[^.]*\.?", "")
            within = pc.or_(within, pc.is_in(hosts, value_set=self._wide_names))
        return within

"""Claims on sites, for hosts beside the one that they name.

A refusal that is claimed for `example.org` speaks for `www.example.org` too, and the
other way round. Of other subdomains and ports of the same site it is not known whose they
are: a claim on a whole site makes their rows `review`. A permission is one for its own
host alone.
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
    """One rules file or claim for a host: row of the snapshot's `sites`, compiled.

    `refuses` tells of a claim that it permits nothing, `whole` of such a one that it
    is about a whole site.
    """

    row: int
    rules: SiteRules
    is_claim: bool
    refuses: bool = False
    whole: bool = False


def site_row(row: int, signals: Sequence[Signal], *, is_claim: bool) -> SiteRow:
    """Return a row of `sites` compiled; `signals` are those that concern its host."""
    refuses = is_claim and all(m != "allowed" for signal in signals for _, m in signal.uses)
    patterns = (signal.rule.pattern if signal.rule else "/" for signal in signals)
    whole = refuses and any(pattern in _EVERYWHERE for pattern in patterns)
    return SiteRow(row, SiteRules(signals), is_claim, refuses, whole)


class ClaimedSites:
    """Rows of `sites` by the host that is asked about."""

    def __init__(self, sites: Mapping[str, list[SiteRow]]) -> None:
        self._sites = sites
        self._refused = {h for h, rows in sites.items() if any(site.refuses for site in rows)}
        self._whole = {h for h, rows in sites.items() if any(site.whole for site in rows)}

    def speaking_for(self, host: str) -> list[SiteRow]:
        """Return the rules files and claims that speak for a host."""
        own = self._sites.get(host, [])
        _, *others = covering_hosts(host, self._refused)
        return own + [site for other in others for site in self._sites[other] if site.refuses]

    def in_question(self, host: str) -> list[SiteRow]:
        """Return the claims on wider hosts of the same site, which may mean this one."""
        others = wider_hosts(host, self._whole)
        return [site for other in others for site in self._sites[other] if site.whole]

    @cached_property
    def _names(self) -> pa.Array:
        return pa.array([*self._sites, *map(twin_of, self._refused)], pa.string())

    @cached_property
    def _wide_names(self) -> pa.Array:
        return pa.array([*self._whole, *map(twin_of, self._whole)], pa.string())

    def any_for(self, hosts: pa.Array) -> NDArray[np.bool_]:
        """Tell of a column of hosts for which of them anything may speak.

        It is asked of whole batches, so the public suffix list is left to the other methods.
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
        """Tell which hosts are, or are below, one that is claimed as a whole."""
        within = pc.is_in(hosts, value_set=self._wide_names)
        while pc.any(pc.match_substring(hosts, ".")).as_py():
            # A host without a dot has no wider one, and is empty then.
            hosts = pc.replace_substring_regex(hosts, r"^[^.]*\.?", "")
            within = pc.or_(within, pc.is_in(hosts, value_set=self._wide_names))
        return within

"""Site files and claims on sites, their rules compiled once for all rows that share them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from registry.model import Signal
from registry.verdict.site_rules import SiteRules, claim_covers, concerns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from registry.matching.lists import Numbers
    from registry.snapshot.site_entries import Sites

# Stands for the place of a claim's own row in the signals that rows share.
_OWN = "\0"


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """The rules of a site file or claim.

    `refuses`: a claim that permits nothing; `whole`: such a claim on a whole site. Signals of a
    claim are `placed` for its row.
    """

    rules: SiteRules
    is_claim: bool
    refuses: bool = False
    whole: bool = False


class RowRules:
    """The compiled rules of the rows of a snapshot's `sites`.

    Claims with one text and one pattern share theirs: a list has a hundred thousand of them.
    """

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._of_claims: dict[tuple[int, str | None], Compiled | None] = {}

    def of(self, rows: Numbers) -> list[Compiled | None]:
        """Return the rules of some rows, or None for one without a rule with a use or licence."""
        claimed = rows >= self._sites.first_claim
        codes, patterns = self._sites.claimed(rows[claimed])
        claims = iter(map(self._of_claim, codes.tolist(), patterns))
        return [
            next(claims) if is_claim else self._of_file(row)
            for row, is_claim in zip(rows.tolist(), claimed.tolist(), strict=True)
        ]

    def _of_claim(self, code: int, pattern: str | None) -> Compiled | None:
        key = code, pattern
        if key not in self._of_claims:
            signals = self._sites.claim_signals(code, _OWN)
            compiled = None
            if _has_meaning(signals):
                compiled = Compiled(SiteRules(signals), True, *claim_covers(signals))
            self._of_claims[key] = compiled
        return self._of_claims[key]

    def _of_file(self, row: int) -> Compiled | None:
        site = self._sites[row]
        signals = [signal for signal in site.signals if concerns(signal, site.host)]
        return Compiled(SiteRules(signals), is_claim=False) if _has_meaning(signals) else None

    def placed(self, row: int, signals: Sequence[Signal]) -> tuple[Signal, ...]:
        """Return signals that rows share as those of one row."""
        if row < self._sites.first_claim:
            return tuple(signals)
        place = self._sites.place(row)
        return tuple(replace(s, url=place) if s.url == _OWN else s for s in signals)


def _has_meaning(signals: Sequence[Signal]) -> bool:
    return any(signal.uses or signal.licence_url for signal in signals)

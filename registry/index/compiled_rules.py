"""Site files and claims on sites, their rules compiled once for all rows that share them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from registry.model import Signal
from registry.verdict.patterns import is_everywhere, literal_start
from registry.verdict.site_rules import SiteRules, concerns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from registry.matching.lists import Numbers
    from registry.snapshot.site_entries import SiteClaim, Sites

# Stands for the place of a claim's own row in the signals that rows share.
_OWN = "\0"


@dataclass(frozen=True, eq=False)
class Compiled:
    """The rules of a site file or claim, compiled when they are first needed.

    Every path in normal form to which a signal applies starts with `start`. `refuses`: a claim
    that permits nothing; `whole`: such a claim on a whole site. Signals of a claim are `placed`
    for its row.
    """

    read: Callable[[], Sequence[Signal]]
    start: str
    is_same_everywhere: bool
    is_claim: bool
    refuses: bool = False
    whole: bool = False

    @cached_property
    def _rules(self) -> SiteRules | None:
        signals = self.read()
        return SiteRules(signals) if _has_meaning(signals) else None

    def applicable(self, path: str) -> tuple[Signal, ...]:
        """Return the signals that win for a path; none where none has a use or licence."""
        return self._rules.applicable(path) if self._rules else ()


class RowRules:
    """The compiled rules of the rows of a snapshot's `sites`.

    Claims with one text and one pattern share theirs: a list has a hundred thousand of them.
    """

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._of_claims: dict[tuple[int, str | None], Compiled] = {}

    def of(self, rows: Numbers) -> list[Compiled | None]:
        """Return the rules of some rows, or None for a file that has none for its host."""
        claimed = rows >= self._sites.first_claim
        claims = map(self._of_claim, self._sites.claimed(rows[claimed]))
        return [
            next(claims) if is_claim else self._of_file(row)
            for row, is_claim in zip(rows.tolist(), claimed.tolist(), strict=True)
        ]

    def _of_claim(self, claim: SiteClaim) -> Compiled:
        key = claim.code, claim.pattern
        if key not in self._of_claims:
            pattern = claim.pattern or "/"
            self._of_claims[key] = Compiled(
                lambda: self._sites.claim_signals(claim.code, _OWN),
                literal_start(pattern),
                is_everywhere(pattern),
                is_claim=True,
                refuses=claim.refuses,
                whole=claim.whole,
            )
        return self._of_claims[key]

    def _of_file(self, row: int) -> Compiled | None:
        site = self._sites[row]
        signals = [signal for signal in site.signals if concerns(signal, site.host)]
        if not _has_meaning(signals):
            return None
        same = all(s.rule is None or is_everywhere(s.rule.pattern) for s in signals)
        return Compiled(lambda: signals, "", same, is_claim=False)

    def placed(self, row: int, signals: Sequence[Signal]) -> tuple[Signal, ...]:
        """Return signals that rows share as those of one row."""
        if row < self._sites.first_claim:
            return tuple(signals)
        place = self._sites.place(row)
        return tuple(replace(s, url=place) if s.url == _OWN else s for s in signals)


def _has_meaning(signals: Sequence[Signal]) -> bool:
    return any(signal.uses or signal.licence_url for signal in signals)

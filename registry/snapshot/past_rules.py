"""Removed rules of sites, and the removed marks that a snapshot keeps. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from registry.db.rows import SiteRuleRow
from registry.model import Signal
from registry.snapshot.format import PastMark
from registry.snapshot.history import MAX_PAST, Dated, Past, file_readings, refuses_training
from registry.urls.key import host_of
from registry.urls.paths import url_path
from registry.verdict.site_rules import SiteRules, concerns

# Most contents of one file; the oldest are dropped.
MAX_CONTENTS = 64
# Most characters of a mark's text.
MAX_QUOTE = 500


class PastRules:
    """The successive contents of rules files, by host, if one of them refused training."""

    def __init__(self) -> None:
        self._files: dict[str, list[list[tuple[SiteRules, datetime]]]] = {}

    def add(self, history: Sequence[SiteRuleRow], read: Mapping[int, tuple[Signal, ...]]) -> None:
        """Add all readings of one rules file, oldest first."""
        dated, host = Dated(), history[0].host
        contents: list[tuple[tuple[Signal, ...], datetime]] = []
        for row in file_readings(history, read, dated):
            here = tuple(signal for signal in dated.signals if concerns(signal, host))
            if not contents or here != contents[-1][0]:
                contents.append((here, row.observed_at))
        if any(refuses_training(signal) for signals, _ in contents[:-1] for signal in signals):
            compiled = [(SiteRules(signals), when) for signals, when in contents[-MAX_CONTENTS:]]
            self._files.setdefault(host, []).append(compiled)

    def removed(self, urls: Iterable[str]) -> list[Past]:
        """Return the removed refusals that applied to any of the URLs."""
        past: dict[Past, None] = {}
        for url in urls:
            for contents in self._files.get(host_of(url) or "", ()):
                dated = Dated()
                for rules, when in contents:
                    dated.see(rules.applicable(url_path(url)), when)
                past |= dict.fromkeys(dated.past)
        return list(past)


def newest(past: Iterable[Past]) -> list[PastMark]:
    """Return the newest `MAX_PAST` removed marks, oldest first, as a snapshot keeps them."""
    kept = sorted(past, key=lambda one: (one.until, one.since))[-MAX_PAST:]
    return [
        PastMark(one.signal.name, one.signal.raw[:MAX_QUOTE], one.signal.url, one.since, one.until)
        for one in kept
    ]

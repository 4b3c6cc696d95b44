"""Rules of sites that reached a URL and went, and what is kept of marks that went. Pure."""

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

# Of a file that changed more often, the oldest contents are left out.
MAX_CONTENTS = 64
# Of a mark's text, in characters.
MAX_QUOTE = 500


class PastRules:
    """The contents that rules files had, by host, where a later one may have lifted a refusal."""

    def __init__(self) -> None:
        self._files: dict[str, list[list[tuple[SiteRules, datetime]]]] = {}

    def add(self, history: Sequence[SiteRuleRow], read: Mapping[int, tuple[Signal, ...]]) -> None:
        """Take all dated answers for one rules file, oldest first."""
        dated, host = Dated(), history[0].host
        contents: list[tuple[tuple[Signal, ...], datetime]] = []
        for row in file_readings(history, read, dated):
            here = tuple(signal for signal in dated.signals if concerns(signal, host))
            if not contents or here != contents[-1][0]:
                contents.append((here, row.observed_at))
        if any(refuses_training(signal) for signals, _ in contents[:-1] for signal in signals):
            compiled = [(SiteRules(signals), when) for signals, when in contents[-MAX_CONTENTS:]]
            self._files.setdefault(host, []).append(compiled)

    def went(self, urls: Iterable[str]) -> list[Past]:
        """Return the refusals that reached any of the URLs and went."""
        found: dict[Past, None] = {}
        for url in urls:
            for contents in self._files.get(host_of(url) or "", ()):
                dated = Dated()
                for rules, when in contents:
                    dated.see(rules.applicable(url_path(url)), when)
                found |= dict.fromkeys(dated.past)
        return list(found)


def newest(past: Iterable[Past]) -> list[PastMark]:
    """Return what a snapshot keeps: the newest `MAX_PAST` of them, oldest first."""
    kept = sorted(past, key=lambda one: (one.until, one.since))[-MAX_PAST:]
    return [
        PastMark(one.signal.name, one.signal.raw[:MAX_QUOTE], one.signal.url, one.since, one.until)
        for one in kept
    ]

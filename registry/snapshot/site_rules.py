"""The rules in site files, as a build applies them to images and pages. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from registry.db.rows import ObservationRow, SiteRuleRow
from registry.model import Signal
from registry.snapshot.history import (
    Dated,
    mark_of,
    refuses_training,
    rules_file,
    without_permission,
)
from registry.snapshot.past_rules import PastRules
from registry.snapshot.rows import merged
from registry.urls.key import host_of, url_key
from registry.urls.paths import url_path
from registry.verdict.site_rules import SiteRules, concerns


@dataclass(slots=True)
class RulesOfSites:
    """The rules of all sites, by host. Robots.txt files are added before licences."""

    past: PastRules = field(default_factory=PastRules)
    # The current rules of each file, by host, kind and URL.
    files: dict[tuple[str, str, str], Dated] = field(default_factory=dict)
    _rules: dict[str, list[tuple[SiteRules, Dated]]] = field(default_factory=dict)
    # Refusals in a host's files for other hosts.
    _cross_host: dict[str, list[tuple[Signal, datetime]]] = field(default_factory=dict)
    # Keys of the licences that a host's robots.txt names.
    _licences: dict[str, set[str]] = field(default_factory=dict)

    def add(self, history: list[SiteRuleRow], signals: Mapping[int, tuple[Signal, ...]]) -> None:
        """Add one file, given all readings of it.

        `signals` are those of the evidence, by its id.
        """
        self.past.add(history, signals)
        dated = rules_file(history, signals)
        self._keep_own_host(dated, history[-1])
        self.files[history[-1].host, history[-1].kind, history[-1].url] = dated
        if dated.signals:
            rules = self._rules.setdefault(history[-1].host, [])
            rules.append((SiteRules(dated.signals), dated))

    def _keep_own_host(self, dated: Dated, row: SiteRuleRow) -> None:
        """Keep only the rules that apply to the file's own host.

        A licence permits only if it is on the host and the host's current robots.txt names
        it: a licence linked by a page applies to that page, and one that is no longer named
        was withdrawn.
        """
        if row.kind == "robots-txt":
            links = (url_key(s.licence_url) for s in dated.signals if s.licence_url)
            self._licences.setdefault(row.host, set()).update(key for key in links if key)
        named = url_key(row.url) in self._licences.get(row.host, ())
        may_permit = row.kind != "rsl-xml" or (named and host_of(row.url) == row.host)

        def own(signal: Signal) -> Signal | None:
            if not concerns(signal, row.host):
                others = self._cross_host.setdefault(row.host, [])
                others.append((without_permission(signal), dated.since[mark_of(signal)]))
                return None
            return signal if may_permit else without_permission(signal)

        dated.replace_signals(own)

    def of(self, row: ObservationRow) -> tuple[tuple[Signal, ...], list[datetime]]:
        """Return the signals of the rules files of image and page, and the times of refusals."""
        image = self._applicable(row.image_url)
        if host_of(row.fetched_url or "") not in {None, host_of(row.image_url)}:
            # After a redirect the rules of both hosts apply to the image.
            image += self._applicable(row.fetched_url)
        if row.relation != "third-party":
            image += self._cross_host_refusals(row)
        page = self._applicable(row.page_url) if row.page_url != row.image_url else []
        of_image = [signal for signal, _ in image]
        foreign = row.relation == "third-party"
        of_page = [
            replace(signal, scope="page", third_party=foreign)
            for signal, _ in page
            if signal not in of_image
        ]
        since = [when for signal, when in image + page if refuses_training(signal)]
        return merged([*of_image, *of_page]), since

    def _cross_host_refusals(self, row: ObservationRow) -> list[tuple[Signal, datetime]]:
        """Return the refusals of the page's site for its images on another host (RSL).

        They count only for images that the site shows as its own: anyone can list any URL.
        """
        host = host_of(row.image_url)
        listed = self._cross_host.get(host_of(row.page_url or "") or "", [])
        since = {s: when for s, when in listed if s.uses and s.rule and s.rule.host == host}
        signals = SiteRules(since).applicable(url_path(row.image_url)) if since else ()
        return [(signal, since[signal]) for signal in signals]

    def _applicable(self, url: str | None) -> list[tuple[Signal, datetime]]:
        """Return the rules with a meaning that apply to a URL, each with its date."""
        signals: list[tuple[Signal, datetime]] = []
        for rules, dated in self._rules.get(host_of(url or "") or "", []):
            for signal in rules.applicable(url_path(url or "")):
                # Rules without a meaning only outrank others, and are not kept.
                if signal.uses or signal.licence_url:
                    signals.append((signal, dated.since[mark_of(signal)]))
        return signals

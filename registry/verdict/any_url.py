"""Which of a site's rules speak for some URL or other, when none is asked about. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from registry.model import Signal, Target
from registry.urls.paths import normal_path
from registry.verdict.patterns import Pattern
from registry.verdict.site_rules import SiteRules, applicable

# Beyond so many, rules are not compared any more; all of them stand.
MAX_RULES = 500


def standing(signals: Sequence[Signal], target: Target) -> tuple[Signal, ...]:
    """Return what applies to a target; of rules, without a URL, all that win for some URL.

    A verdict on those is that of the strictest rule: no path is asked about, and a
    permission for one must not hide a refusal for another.
    """
    if target.image_url or target.page_url:
        return applicable(signals, target)
    site = [signal for signal in signals if signal.scope == "site"]
    if sum(signal.rule is not None for signal in site) > MAX_RULES:
        return tuple(signals)
    rules = SiteRules(site)
    return tuple(
        won
        for signal in signals
        for won in ([signal] if signal.rule is None else _winner(signal, rules))
    )


def _winner(signal: Signal, rules: SiteRules) -> list[Signal]:
    """Return a rule as it wins for the plainest path that it covers; nothing where it loses."""
    pattern = signal.rule.pattern if signal.rule else ""
    path = pattern.removesuffix("$").replace("*", "")
    path = path if path.startswith("/") else f"/{path}"
    if not Pattern.compile(pattern).matches(normal_path(path)):
        return [signal]
    return [won for won in rules.applicable(path) if _place(won) == _place(signal)][:1]


def _place(signal: Signal) -> tuple[object, ...]:
    order = signal.rule.order if signal.rule else None
    return signal.url, signal.vocabulary, signal.name, signal.raw, order

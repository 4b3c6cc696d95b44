"""Which of a site's rules can apply when no URL is given. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from registry.model import Signal, Target
from registry.urls.paths import normal_path
from registry.verdict.patterns import Pattern
from registry.verdict.site_rules import SiteRules, applicable

# Of more rules than this, all are returned and none is compared.
MAX_RULES = 500


def applicable_without_url(signals: Sequence[Signal], target: Target) -> tuple[Signal, ...]:
    """Return the `applicable` signals; for a target without a URL, all rules that win for some URL.

    The verdict on them is that of the strictest rule: no path is asked about, and a
    permission for one path must not hide a refusal for another.
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
    """Return a rule as it wins for the shortest path that it matches; nothing where it loses."""
    pattern = signal.rule.pattern if signal.rule else ""
    path = pattern.removesuffix("$").replace("*", "")
    path = path if path.startswith("/") else f"/{path}"
    if not Pattern.compile(pattern).matches(normal_path(path)):
        return [signal]
    return [won for won in rules.applicable(path) if _identity(won) == _identity(signal)][:1]


def _identity(signal: Signal) -> tuple[object, ...]:
    order = signal.rule.order if signal.rule else None
    return signal.url, signal.vocabulary, signal.name, signal.raw, order

"""What each vocabulary says when it says several things at once. Pure.

Before marks of different vocabularies meet in `registry.verdict`, each settles
its own contradictions by its own rules:

- TDMRep: a later layer replaces an earlier one, property by property:
  tdmrep.json, then response headers, then the markup or the file's metadata
  (W3C TDMRep Final Report, May 2024). With a policy, `1` is `conditional`.
- RSL: of the licences in one document that match, the narrower says, for each
  use, what the broader would have said (RSL 1.0, section 3.3).
- Content-Usage in robots.txt: a path that may not be fetched has no preference
  (draft-ietf-aipref-attach).

Which of several path rules wins is settled earlier, in `registry.site_rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from registry.model import TRAINING_USES, Signal
from registry.site_rules import Pattern

_TDM_LAYERS = {"tdmrep-json": 0, "headers": 1, "html": 2, "xmp": 2}


def settled(signals: Sequence[Signal]) -> list[Signal]:
    """Return what is left of signals that apply to one target and one agent, in order."""
    vocabularies = {signal.vocabulary for signal in signals}
    kept = list(signals)
    if "tdmrep" in vocabularies:
        kept = _layered(kept)
    if "rsl" in vocabularies:
        kept = _narrowed(kept)
    if "content-usage" in vocabularies:
        kept = _fetchable(kept)
    return kept


def _layered(signals: list[Signal]) -> list[Signal]:
    """Settle TDMRep: what is said of the image itself, and what of the page around it."""
    out: dict[int, Signal | None] = {}
    for on_page in (False, True):
        layer = [
            (place, signal)
            for place, signal in enumerate(signals)
            if signal.vocabulary == "tdmrep" and (signal.scope == "page") == on_page
        ]
        out.update(_top_layer(layer))
    settled_signals = (out.get(place, signal) for place, signal in enumerate(signals))
    return [signal for signal in settled_signals if signal is not None]


def _top_layer(found: list[tuple[int, Signal]]) -> dict[int, Signal | None]:
    """Return by place what becomes of TDMRep signals; None is for those that are replaced."""
    out: dict[int, Signal | None] = dict(found)
    for is_policy in (True, False):
        same = [(place, s) for place, s in found if (s.name == "tdm-policy") == is_policy]
        proper = [_TDM_LAYERS.get(s.carrier, 0) for _, s in same if s.conformance == "ok"]
        top = max(proper, default=0)
        out.update({place: None for place, s in same if _TDM_LAYERS.get(s.carrier, 0) < top})
    policies = [s for s in out.values() if s is not None and s.name == "tdm-policy"]
    reserves = any(s.meaning("tdm") == "reserved" for s in out.values() if s is not None)
    for place, signal in found:
        if signal.name == "tdm-policy" and not reserves:
            out[place] = None
        elif out[place] is not None and signal.meaning("tdm") == "reserved" and policies:
            uses = tuple((use, "conditional") for use, _ in signal.uses)
            licence = policies[0].licence_url
            out[place] = replace(signal, uses=uses, licence_url=licence)  # type: ignore[arg-type]
    return out


def _narrowed(signals: list[Signal]) -> list[Signal]:
    """Drop the RSL licences that narrower ones of the same document speak over."""
    narrowest: dict[tuple[str, str], int] = {}
    spoken: dict[tuple[str, int], set[str]] = {}
    for signal in signals:
        for use in _ruled_uses(signal):
            place = _breadth(signal)
            narrowest[signal.url, use] = max(narrowest.get((signal.url, use), -1), place)
            spoken.setdefault((signal.url, place), set()).add(use)
    over = {
        (url, place)
        for (url, place), uses in spoken.items()
        if all(narrowest[url, use] > place for use in uses)
    }
    return [s for s in signals if not _is_licence(s) or (s.url, _breadth(s)) not in over]


def _is_licence(signal: Signal) -> bool:
    return signal.vocabulary == "rsl" and signal.rule is not None


def _ruled_uses(signal: Signal) -> Iterable[str]:
    if not _is_licence(signal) or signal.conformance != "ok":
        return ()
    return [use for use in TRAINING_USES if signal.meaning(use)]


def _breadth(signal: Signal) -> int:
    return Pattern.compile(signal.rule.pattern).length if signal.rule else 0


def _fetchable(signals: list[Signal]) -> list[Signal]:
    """Drop the preferences of paths that the same agents may not fetch."""
    closed = [s for s in signals if s.name == "robots-txt:disallow" and s.conformance == "ok"]
    if not closed:
        return signals
    return [s for s in signals if not _is_preference(s) or not _closed_to(s, closed)]


def _is_preference(signal: Signal) -> bool:
    return signal.vocabulary == "content-usage" and signal.carrier == "robots-txt"


def _closed_to(preference: Signal, closed: Iterable[Signal]) -> bool:
    agents = set(preference.agents)
    return any(s.url == preference.url and not agents.isdisjoint(s.agents) for s in closed)

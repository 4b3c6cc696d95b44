"""Which marks of one vocabulary count when there are several. Pure.

Before marks of different vocabularies are combined, contradictions within one are
resolved by its own rules:

- TDMRep: a later layer replaces an earlier one, property by property:
  tdmrep.json, then response headers, then the markup (W3C TDMRep Final Report,
  May 2024). With a policy, `1` is `conditional`. An image's own metadata has
  another author: it is resolved by itself, and replaces nothing.
- TDMRep's file and ai.txt: if it permits the image, its rule for the path
  of the page is not evidence about the image. `Disallow: /` beside
  `Allow: *.jpg` refuses the page and permits its pictures.
- RSL: of the licences in one document that match, the narrower replaces the
  broader, use by use (RSL 1.0, section 3.3).
- Content-Usage in robots.txt: a path that may not be fetched has no preference
  (draft-ietf-aipref-attach). So it has no permission; a refusal is dropped only if
  the Disallow refuses as much, for the same path and the same agents.

Which of several path rules wins is decided earlier, in `registry.verdict.site_rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from registry.model import TRAINING_USES, Meaning, Scope, Signal, Use
from registry.verdict.patterns import Pattern

# An RSL document, and whether it is about the page around the image.
_Covered = tuple[str, bool]

_NARROWEST = 1 << 40
_OF_FILES = {"tdmrep", "ai-txt"}
_TDM_LAYERS = {"tdmrep-json": 0, "headers": 1, "html": 2}


def settled(signals: Sequence[Signal], asked: Scope = "image") -> list[Signal]:
    """Return the signals that count, of those that apply to one target and one agent, in order.

    `asked` is `page` where the question is about the page itself.
    """
    vocabularies = {signal.vocabulary for signal in signals}
    kept = list(signals)
    if vocabularies & _OF_FILES:
        kept = _without_page_paths(kept)
    if "tdmrep" in vocabularies:
        kept = _layered(kept, asked)
    if "rsl" in vocabularies:
        kept = _narrowed(kept, asked)
    if "content-usage" in vocabularies:
        kept = _fetchable(kept)
    return kept


def _without_page_paths(signals: list[Signal]) -> list[Signal]:
    """Drop a file's rules for the page's path where the file permits the image itself."""
    permitting = {
        (s.url, s.vocabulary)
        for s in signals
        if s.rule is not None and s.scope == "site" and s.conformance == "ok"
        if s.vocabulary in _OF_FILES and any(meaning == "allowed" for _, meaning in s.uses)
    }
    return [
        s
        for s in signals
        if s.rule is None or s.scope != "page" or (s.url, s.vocabulary) not in permitting
    ]


def _layered(signals: list[Signal], asked: Scope) -> list[Signal]:
    """Resolve TDMRep's layers: of the site about the image, about the page, and of the file.

    Where the page itself is asked about, the site's layers are one.
    """
    by_subject: dict[str, list[tuple[int, Signal]]] = {}
    for place, signal in enumerate(signals):
        if signal.vocabulary == "tdmrep":
            by_subject.setdefault(_subject(signal, asked), []).append((place, signal))
    out: dict[int, Signal | None] = {}
    for layers in by_subject.values():
        out.update(_top_layer(layers))
    resolved = (out.get(place, signal) for place, signal in enumerate(signals))
    return [signal for signal in resolved if signal is not None]


def _subject(signal: Signal, asked: Scope) -> str:
    """Return who made a TDMRep signal and of what; signals replace others of the same only."""
    if signal.carrier == "xmp":
        return "file"
    return "page" if signal.scope == "page" and asked != "page" else "site"


def _top_layer(numbered: list[tuple[int, Signal]]) -> dict[int, Signal | None]:
    """Return by place the resolved TDMRep signals; None for those that are replaced."""
    out: dict[int, Signal | None] = dict(numbered)
    for is_policy in (True, False):
        same = [(place, s) for place, s in numbered if (s.name == "tdm-policy") == is_policy]
        proper = [_TDM_LAYERS.get(s.carrier, 0) for _, s in same if s.conformance == "ok"]
        top = max(proper, default=0)
        out.update({place: None for place, s in same if _TDM_LAYERS.get(s.carrier, 0) < top})
    kept = [s for s in out.values() if s is not None]
    policies = [s for s in kept if s.name == "tdm-policy"]
    reserves = _reserves([s for s in kept if s.name != "tdm-policy"])
    for place, signal in numbered:
        if signal.name == "tdm-policy" and not reserves:
            out[place] = None
        elif out[place] is not None and reserves and policies:
            out[place] = _licensed(signal, policies[0].licence_url)
    return out


def _reserves(reservations: list[Signal]) -> bool:
    """Return whether there is a reservation for a policy to license; well formed ones decide."""
    proper = [s for s in reservations if s.conformance == "ok"] or reservations
    return any(s.meaning("tdm") == "reserved" for s in proper)


def _licensed(signal: Signal, licence_url: str | None) -> Signal:
    if signal.meaning("tdm") != "reserved":
        return signal
    uses: tuple[tuple[Use, Meaning], ...] = tuple((use, "conditional") for use, _ in signal.uses)
    return replace(signal, uses=uses, licence_url=licence_url)


def _narrowed(signals: list[Signal], asked: Scope) -> list[Signal]:
    """Drop the RSL licences that narrower ones of the same document replace.

    Only a well written licence replaces others. Licences of the image and of the page
    around it replace none of each other, unless the page itself is asked about.
    """
    places = [_place(signal, asked) for signal in signals]
    narrowest: dict[tuple[_Covered, Use], int] = {}
    uses_at: dict[tuple[_Covered, int], set[Use]] = {}
    for signal, (covered, narrowness) in zip(signals, places, strict=True):
        for use in _licensed_uses(signal):
            uses_at.setdefault((covered, narrowness), set()).add(use)
            if signal.conformance == "ok":
                narrowest[covered, use] = max(narrowest.get((covered, use), -1), narrowness)
    replaced = {
        (covered, narrowness)
        for (covered, narrowness), uses in uses_at.items()
        if all(narrowest.get((covered, use), -1) > narrowness for use in uses)
    }
    return [
        signal
        for signal, place in zip(signals, places, strict=True)
        if signal.vocabulary != "rsl" or place not in replaced
    ]


def _place(signal: Signal, asked: Scope) -> tuple[_Covered, int]:
    """Return what a licence covers, and how narrowly; one without a path is the narrowest."""
    covered = signal.url, signal.scope == "page" and asked != "page"
    rule = signal.rule
    return covered, Pattern.compile(rule.pattern).length if rule else _NARROWEST


def _licensed_uses(signal: Signal) -> Iterable[Use]:
    return [u for u in TRAINING_USES if signal.meaning(u)] if signal.vocabulary == "rsl" else ()


def _fetchable(signals: list[Signal]) -> list[Signal]:
    """Drop the preferences of paths that the same agents may not fetch."""
    closed = [s for s in signals if s.name == "robots-txt:disallow" and s.conformance == "ok"]
    if not closed:
        return signals
    return [
        s for s in signals if not (_is_preference(s) and any(_is_redundant(s, c) for c in closed))
    ]


def _is_preference(signal: Signal) -> bool:
    return signal.vocabulary == "content-usage" and signal.carrier == "robots-txt"


def _is_redundant(preference: Signal, disallow: Signal) -> bool:
    """Return whether the Disallow makes the preference redundant: no refusal is lost with it."""
    if (disallow.url, disallow.scope) != (preference.url, preference.scope):
        return False
    closed = set(disallow.agents)
    if any(meaning == "allowed" for _, meaning in preference.uses):
        return not closed.isdisjoint(preference.agents)
    return closed.issuperset(preference.agents) and set(disallow.uses) >= set(preference.uses)

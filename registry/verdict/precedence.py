"""What each vocabulary says when it says several things at once. Pure.

Before marks of different vocabularies meet in `registry.verdict`, each settles
its own contradictions by its own rules:

- TDMRep: a later layer replaces an earlier one, property by property:
  tdmrep.json, then response headers, then the markup (W3C TDMRep Final Report,
  May 2024). With a policy, `1` is `conditional`. An image's own metadata is
  another declarant's word: it is settled by itself, and replaces nothing.
- TDMRep's file and ai.txt: where one permits the image, what it says of the path
  of the page around it is not evidence of the image. `Disallow: /` beside
  `Allow: *.jpg` refuses the page and permits its pictures.
- RSL: of the licences in one document that match, the narrower says, for each
  use, what the broader would have said (RSL 1.0, section 3.3).
- Content-Usage in robots.txt: a path that may not be fetched has no preference
  (draft-ietf-aipref-attach). So it has no permission; a refusal goes only where
  the Disallow itself says as much, of the same path and to the same agents.

Which of several path rules wins is settled earlier, in `registry.verdict.site_rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from registry.model import TRAINING_USES, About, Meaning, Signal, Use
from registry.verdict.patterns import Pattern

# An RSL document, and whether it speaks of the page around the image.
_Covered = tuple[str, bool]

_NARROWEST = 1 << 40
_OF_FILES = {"tdmrep", "ai-txt"}
_TDM_LAYERS = {"tdmrep-json": 0, "headers": 1, "html": 2}


def settled(signals: Sequence[Signal], asked: About = "image") -> list[Signal]:
    """Return what is left of signals that apply to one target and one agent, in order.

    `asked` is `page` where they are to speak of the page itself.
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
    """Drop what a file says of the page's path where it permits the image itself."""
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


def _layered(signals: list[Signal], asked: About) -> list[Signal]:
    """Settle TDMRep: what the site says of the image, what of the page, what the file says.

    Of a page that is itself asked about, all that the site says is one.
    """
    voices: dict[str, list[tuple[int, Signal]]] = {}
    for place, signal in enumerate(signals):
        if signal.vocabulary == "tdmrep":
            voices.setdefault(_voice(signal, asked), []).append((place, signal))
    out: dict[int, Signal | None] = {}
    for layers in voices.values():
        out.update(_top_layer(layers))
    settled_signals = (out.get(place, signal) for place, signal in enumerate(signals))
    return [signal for signal in settled_signals if signal is not None]


def _voice(signal: Signal, asked: About) -> str:
    """Return whose word, and on what, a TDMRep signal is; only within one is any replaced."""
    if signal.carrier == "xmp":
        return "file"
    return "page" if signal.scope == "page" and asked != "page" else "site"


def _top_layer(found: list[tuple[int, Signal]]) -> dict[int, Signal | None]:
    """Return by place what becomes of TDMRep signals; None is for those that are replaced."""
    out: dict[int, Signal | None] = dict(found)
    for is_policy in (True, False):
        same = [(place, s) for place, s in found if (s.name == "tdm-policy") == is_policy]
        proper = [_TDM_LAYERS.get(s.carrier, 0) for _, s in same if s.conformance == "ok"]
        top = max(proper, default=0)
        out.update({place: None for place, s in same if _TDM_LAYERS.get(s.carrier, 0) < top})
    kept = [s for s in out.values() if s is not None]
    policies = [s for s in kept if s.name == "tdm-policy"]
    reserves = _reserves([s for s in kept if s.name != "tdm-policy"])
    for place, signal in found:
        if signal.name == "tdm-policy" and not reserves:
            out[place] = None
        elif out[place] is not None and reserves and policies:
            out[place] = _licensed(signal, policies[0].licence_url)
    return out


def _reserves(reservations: list[Signal]) -> bool:
    """Tell whether there is a reservation that a policy may license: a proper one, if any is."""
    proper = [s for s in reservations if s.conformance == "ok"] or reservations
    return any(s.meaning("tdm") == "reserved" for s in proper)


def _licensed(signal: Signal, licence_url: str | None) -> Signal:
    if signal.meaning("tdm") != "reserved":
        return signal
    uses: tuple[tuple[Use, Meaning], ...] = tuple((use, "conditional") for use, _ in signal.uses)
    return replace(signal, uses=uses, licence_url=licence_url)


def _narrowed(signals: list[Signal], asked: About) -> list[Signal]:
    """Drop the RSL licences that narrower ones of the same document speak over.

    Only a well written licence speaks over others. What covers the image and what
    covers the page around it are kept apart, unless the page itself is asked about:
    neither speaks for the other.
    """
    places = [_place(signal, asked) for signal in signals]
    narrowest: dict[tuple[_Covered, Use], int] = {}
    spoken: dict[tuple[_Covered, int], set[Use]] = {}
    for signal, (covered, narrowness) in zip(signals, places, strict=True):
        for use in _licensed_uses(signal):
            spoken.setdefault((covered, narrowness), set()).add(use)
            if signal.conformance == "ok":
                narrowest[covered, use] = max(narrowest.get((covered, use), -1), narrowness)
    over = {
        (covered, narrowness)
        for (covered, narrowness), uses in spoken.items()
        if all(narrowest.get((covered, use), -1) > narrowness for use in uses)
    }
    return [
        signal
        for signal, place in zip(signals, places, strict=True)
        if signal.vocabulary != "rsl" or place not in over
    ]


def _place(signal: Signal, asked: About) -> tuple[_Covered, int]:
    """Return what a licence covers, and how narrowly: most, where it is its carrier alone."""
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
    return [s for s in signals if not (_is_preference(s) and any(_instead(s, c) for c in closed))]


def _is_preference(signal: Signal) -> bool:
    return signal.vocabulary == "content-usage" and signal.carrier == "robots-txt"


def _instead(preference: Signal, disallow: Signal) -> bool:
    """Tell whether a Disallow leaves nothing of a preference: no refusal is lost with it."""
    if (disallow.url, disallow.scope) != (preference.url, preference.scope):
        return False
    closed = set(disallow.agents)
    if any(meaning == "allowed" for _, meaning in preference.uses):
        return not closed.isdisjoint(preference.agents)
    return closed.issuperset(preference.agents) and set(disallow.uses) >= set(preference.uses)

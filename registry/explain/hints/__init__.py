"""Hints: what was nearly written as a mark, and the corrected line. Pure.

A hint is never a mark: nothing decides by it, whatever it says. It is given where a
line can only be meant as a refusal and the readers take it for nothing, or for a
malformed mark. Prose about AI gives none, nor does a page that already refuses
properly. One file a kind of evidence; what counts as misspelt is in `_spelling`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from registry.explain.hints import headers, pages, robots, tdmrep
from registry.explain.hints._hint import Hint, NearMiss
from registry.explain.hints.places import misplaced
from registry.model import Evidence, Signal

__all__ = ["MAX_HINTS", "Hint", "hints_of", "misplaced"]

# Of one piece of evidence.
MAX_HINTS = 20
_BY_CARRIER: Mapping[str, Callable[[Evidence], Iterator[NearMiss]]] = {
    "headers": headers.near_misses,
    "html": pages.near_misses,
    "robots-txt": robots.near_misses,
    "tdmrep-json": tdmrep.near_misses,
}


def hints_of(evidence: Evidence, signals: Iterable[Signal] = ()) -> Sequence[Hint]:
    """Return the hints on one piece of evidence, at most MAX_HINTS, in order.

    `signals` are what the readers read from it: a page or response that already refuses
    training to everybody, well written, gets no hint.
    """
    find = _BY_CARRIER.get(evidence.carrier)
    if find is None or (evidence.about != "site" and any(map(_refuses_everybody, signals))):
        return ()
    where = evidence.carrier + (f" of {evidence.url}" if evidence.url else "")
    found = (Hint(m.text, f"{where}, line {m.line}", m.corrected) for m in find(evidence))
    return tuple(islice(dict.fromkeys(islice(found, MAX_HINTS * 4)), MAX_HINTS))


def _refuses_everybody(signal: Signal) -> bool:
    return (
        signal.conformance == "ok" and not signal.agents and signal.meaning("train") == "reserved"
    )

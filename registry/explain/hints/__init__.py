"""Hints: near misses of marks, with the corrected line. Pure.

A hint is not a mark: no verdict depends on it. It is given for a line that can only be
meant as a refusal but is read as nothing, or as a malformed mark. Prose about AI gets no
hint, nor does a page that already refuses properly. There is one file for each
carrier; `_spelling` lists the misspellings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from registry.explain.hints import headers, pages, robots, tdmrep
from registry.explain.hints._hint import Hint, NearMiss
from registry.explain.hints.places import misplaced
from registry.model import Evidence, Signal

__all__ = ["MAX_HINTS", "Hint", "hints_of", "misplaced"]

# Most hints on one piece of evidence.
MAX_HINTS = 20
_BY_CARRIER: Mapping[str, Callable[[Evidence], Iterator[NearMiss]]] = {
    "headers": headers.near_misses,
    "html": pages.near_misses,
    "robots-txt": robots.near_misses,
    "tdmrep-json": tdmrep.near_misses,
}


def hints_of(evidence: Evidence, signals: Iterable[Signal] = ()) -> Sequence[Hint]:
    """Return the hints on one piece of evidence, at most MAX_HINTS, in order.

    `signals` are those read from it: a page or response with a well formed refusal of
    training for all agents gets no hint.
    """
    find = _BY_CARRIER.get(evidence.carrier)
    if find is None or (evidence.about != "site" and any(map(_refuses_everybody, signals))):
        return ()
    where = evidence.carrier + (f" of {evidence.url}" if evidence.url else "")
    hints = (Hint(m.text, f"{where}, line {m.line}", m.corrected) for m in find(evidence))
    return tuple(islice(dict.fromkeys(islice(hints, MAX_HINTS * 4)), MAX_HINTS))


def _refuses_everybody(signal: Signal) -> bool:
    return (
        signal.conformance == "ok" and not signal.agents and signal.meaning("train") == "reserved"
    )

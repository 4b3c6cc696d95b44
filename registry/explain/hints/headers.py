"""Near misses in header lines: misspelt field names and lists. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from registry.agents.known import agents
from registry.explain.hints._hint import NearMiss
from registry.explain.hints._spelling import (
    AROUND,
    HEADER_NAMES,
    REFUSAL_NAMES,
    RESERVATION_KEYS,
    YES,
    directives,
    letters,
)
from registry.model import Evidence
from registry.signals import x_robots_tag

MAX_LINES = 1000
MAX_NAME = 40
_FIELD = "X-Robots-Tag"


def near_misses(evidence: Evidence) -> Iterator[NearMiss]:
    """Yield the near misses among header lines."""
    for number, (name, value) in enumerate(islice(evidence.lines, MAX_LINES), 1):
        if len(name) > MAX_NAME:
            continue
        corrected = _meant(name, value)
        if corrected and not _says(name, value, corrected):
            field = corrected.partition(":")[0]
            is_field = name.strip().lower() == field.lower()
            what = "the list is misspelt" if is_field else f"the field is called {field}"
            yield NearMiss(number, what, corrected)


def _meant(name: str, value: str) -> str:
    """Return the correct form of a header line; empty if it is not meant as a refusal."""
    spelt = letters(name)
    plain = value[:500].strip(AROUND)
    if spelt in RESERVATION_KEYS and plain.lower() in {"1", "true", "yes"}:
        return "TDM-Reservation: 1" if name.strip().lower() != "tdm-reservation" else ""
    if spelt in REFUSAL_NAMES and (plain.lower() in YES or directives(plain)):
        words = directives(name.lower().removeprefix("x-"))
        return f"{_FIELD}: {', '.join(words)}" if words else ""
    if spelt not in HEADER_NAMES:
        return ""
    before, colon, rest = plain.partition(":")
    agent = ""
    if colon and letters(before) in HEADER_NAMES:
        plain = rest
    elif colon and before.strip().lower() in agents().purpose:
        agent, plain = f"{before.strip()}: ", rest
    words = directives(plain)
    return f"{_FIELD}: {agent}{', '.join(words)}" if words else ""


def _says(name: str, value: str, corrected: str) -> bool:
    """Return whether a line is well formed and read like its corrected form."""
    return _read(*corrected.split(": ", 1)) <= _read(name, value)


def _read(name: str, value: str) -> set[tuple[object, ...]]:
    piece = Evidence("headers", "image", "", ((name, value),))
    signals = x_robots_tag.read(piece).signals
    if name.strip().lower() == "tdm-reservation":
        return {(name, value)}
    return {(s.name, s.agents) for s in signals if s.conformance == "ok" and s.uses}

"""Near misses in tdmrep.json: misspelt properties, curly quotes, an object for the array. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

from registry.explain.hints._hint import NearMiss
from registry.explain.hints._spelling import (
    QUOTES_TO_PLAIN,
    RESERVATION,
    RESERVATION_KEYS,
    letters,
)
from registry.model import Evidence
from registry.signals._tdmrep_file import MAX_TEXT, Entry, parse

MAX_ENTRIES = 100
_PLACES = frozenset(("location", "locations", "path", "url", "loc"))


def near_misses(evidence: Evidence) -> Iterator[NearMiss]:
    """Yield the near misses among the entries of a tdmrep.json."""
    text = evidence.text[:MAX_TEXT]
    plain = text.translate(QUOTES_TO_PLAIN)
    file = parse(plain)
    whole = ""
    if plain != text and parse(text).fault:
        whole = "curly quotes are not valid quotation marks in JSON"
    elif file.fault == "not an array":
        whole = "the file must be an array"
    for number, entry in enumerate(islice(file.entries, MAX_ENTRIES), 1):
        fault = whole or (_fault(entry) if entry else "")
        if entry is not None and fault and _reserves(entry):
            meant = {"location": _location(entry), RESERVATION: 1}
            line = text.count("\n", 0, max(plain.find(entry.raw[:200]), 0)) + 1
            yield NearMiss(line, f"entry {number}: {fault}", f"[{json.dumps(meant)}]")


def _reserves(entry: Entry) -> bool:
    """Return whether an entry can only be meant as a reservation."""
    return any(
        letters(name) in RESERVATION_KEYS and str(value).lower() in {"1", "1.0", "true", "yes"}
        for name, value in entry.properties
    )


def _fault(entry: Entry) -> str:
    """Return the fault in the names or the value of an entry; empty if there is none."""
    given = dict(entry.properties)
    if RESERVATION not in given:
        return f"the property is called {RESERVATION}"
    if type(given[RESERVATION]) is not int:
        return f"{RESERVATION} must be the number 1"
    return "" if "location" in given else "it has no location"


def _location(entry: Entry) -> str:
    texts = (v for name, v in entry.properties if letters(name) in _PLACES and isinstance(v, str))
    return next(texts, "/")[:200]

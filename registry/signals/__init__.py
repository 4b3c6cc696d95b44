"""Readers: one file per vocabulary, each a pure function from evidence to signals.

A reader is a module of this package (its name does not start with `_`) with

- `CARRIERS`: the kinds of evidence it reads (`headers`, `html`, `robots-txt`),
- `HEADERS`: if it reads headers, the lower-case names of its fields,
- `read(evidence) -> Reading`, which raises on no input,
- if it reads of a page more than tags and data scripts, `excerpt(page, url) -> str`: one
  line of markup in which it reads the same, for `registry.excerpt`,
- a docstring that is the vocabulary's reference page,

and vectors in `tests/vectors/NAME.jsonl`. There is no list to edit.
"""

from __future__ import annotations

from functools import cache, lru_cache
from types import ModuleType

from registry.model import Evidence, Reading
from registry.plugins import discover


@cache
def readers() -> dict[str, ModuleType]:
    """Return every reader by name."""
    return discover(__name__)


@cache
def header_fields() -> dict[str, tuple[ModuleType, ...]]:
    """Return the readers of every header field, by its lower-case name."""
    found: dict[str, tuple[ModuleType, ...]] = {}
    for reader in readers().values():
        for field in getattr(reader, "HEADERS", ()):
            found[field] = (*found.get(field, ()), reader)
    return found


@lru_cache(maxsize=4096)
def _of_field(name: str) -> tuple[ModuleType, ...]:
    """Return the readers of a field by its name as it was written."""
    return header_fields().get(name.strip().lower(), ())


@cache
def _of_carrier(carrier: str) -> tuple[ModuleType, ...]:
    return tuple(reader for reader in readers().values() if carrier in reader.CARRIERS)


def read(evidence: Evidence) -> Reading:
    """Run every reader of this carrier over one piece of evidence.

    Bad input gives fewer signals and more warnings, never an exception.
    """
    concerned = _concerned(evidence)
    if not concerned:
        return Reading()
    readings = [reader.read(evidence) for reader in concerned]
    return Reading(
        signals=tuple(signal for reading in readings for signal in reading.signals),
        warnings=tuple(text for reading in readings for text in reading.warnings),
    )


def _concerned(evidence: Evidence) -> tuple[ModuleType, ...]:
    """Return the readers to ask; most header blocks hold no field of any of them."""
    if evidence.carrier != "headers":
        return _of_carrier(evidence.carrier)
    found: set[ModuleType] = set()
    for name, _ in evidence.lines:
        found.update(_of_field(name))
    return tuple(sorted(found, key=lambda reader: reader.__name__))

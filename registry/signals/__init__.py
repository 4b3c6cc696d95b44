"""Readers: one file per vocabulary, each a pure function from evidence to signals.

A reader is a module of this package (its name does not start with `_`) with

- `CARRIERS`: the kinds of evidence it reads (`headers`, `html`, `robots-txt`),
- `read(evidence) -> Reading`, which raises on no input,
- a docstring that is the vocabulary's reference page,

and vectors in `tests/vectors/NAME.jsonl`. There is no list to edit.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

from registry.model import Evidence, Reading
from registry.plugins import discover


@cache
def readers() -> dict[str, ModuleType]:
    """Return every reader by name."""
    return discover(__name__)


def read(evidence: Evidence) -> Reading:
    """Run every reader of this carrier over one piece of evidence.

    Bad input gives fewer signals and more warnings, never an exception.
    """
    readings = [
        reader.read(evidence)
        for reader in readers().values()
        if evidence.carrier in reader.CARRIERS
    ]
    return Reading(
        signals=tuple(signal for reading in readings for signal in reading.signals),
        warnings=tuple(text for reading in readings for text in reading.warnings),
    )

"""The values that the finders of near misses make. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Hint(NamedTuple):
    """The fault (`text`), its `place`, and the line that would be read (`corrected`)."""

    text: str
    place: str
    corrected: str


class NearMiss(NamedTuple):
    """The fault in one line of evidence, counted from 1, and the corrected line."""

    line: int
    text: str
    corrected: str

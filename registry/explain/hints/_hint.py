"""The values that the finders of near misses make. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Hint(NamedTuple):
    """What is wrong (`text`), where (`place`), and the line that would be read (`corrected`)."""

    text: str
    place: str
    corrected: str


class NearMiss(NamedTuple):
    """What is wrong in one line of a piece of evidence, counted from 1, and the line meant."""

    line: int
    text: str
    corrected: str

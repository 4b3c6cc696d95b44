"""Marks that are removed from many places at once: another template, or the owner's decision.

If the pictures are still there, and visit after visit finds no mark, the marks are gone.
"""

from __future__ import annotations

from collections.abc import Sequence

from crawler.monitors import Falls
from crawler.monitors._shares import is_unexplained

LASTS = 2


def suspicion(found: Falls, history: Sequence[Falls]) -> str | None:
    """Say how many places have lost their marks, if they are too many."""
    fall = found.marks
    if not is_unexplained(fall, [one.marks for one in history]):
        return None
    return f"{fall.lost} of {fall.before} pages and files have no mark any more"

"""Pages that were read before and are not there any more: a redesign, a move, or a ban."""

from __future__ import annotations

from collections.abc import Sequence

from crawler.monitors import Falls
from crawler.monitors._shares import is_unexplained

LASTS = 2


def suspicion(found: Falls, history: Sequence[Falls]) -> str | None:
    """Say how many pages are missing, if they are too many."""
    fall = found.pages
    if not is_unexplained(fall, [one.pages for one in history]):
        return None
    return f"{fall.lost} of {fall.before} pages that were read before are not found"

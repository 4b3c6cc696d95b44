"""Pages that show fewer pictures than before: a challenge or login page, or a redesign.

A page in the place of all others can stay for months, so only the operator can tell.
"""

from __future__ import annotations

from collections.abc import Sequence

from crawler.monitors import Falls
from crawler.monitors._shares import is_unexplained

LASTS = None


def suspicion(found: Falls, history: Sequence[Falls]) -> str | None:
    """Say how many pictures are missing on the pages, if they are too many."""
    fall = found.pictures
    if not is_unexplained(fall, [one.pictures for one in history]):
        return None
    return f"{fall.lost} of {fall.before} pictures are missing on pages that were read again"

"""Pictures that pages show and their host no longer has: a move, or a ban of the crawler."""

from __future__ import annotations

from collections.abc import Sequence

from crawler.monitors import Falls
from crawler.monitors._shares import is_unexplained

LASTS = 2


def suspicion(found: Falls, history: Sequence[Falls]) -> str | None:
    """Say how many files are missing, if they are too many."""
    fall = found.files
    if not is_unexplained(fall, [one.files for one in history]):
        return None
    return f"{fall.lost} of {fall.before} picture files are gone"

"""Many images that became one same picture: a placeholder, which a host sends to crawlers."""

from __future__ import annotations

from collections.abc import Sequence

from crawler.monitors import Falls

LASTS = None
# Fewer may be a logo in several sizes.
LEAST = 5


def suspicion(found: Falls, _history: Sequence[Falls]) -> str | None:
    """Say how many images give the same picture, if there are many."""
    if found.alike < LEAST:
        return None
    return f"{found.alike} images were replaced by one same picture"

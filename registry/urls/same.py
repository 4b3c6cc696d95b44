"""Describes how two URLs with one key are equal, for reports."""

from __future__ import annotations

from registry.urls.key import normal_form

SAME = "same URL"
ANOTHER_SPELLING = "same URL in another spelling"
WITHOUT_TRACKING = "same URL without tracking parameters"


def how_equal(url: str, other: str) -> str | None:
    """Return how two URLs name the same file; None where their keys differ or there is none.

    `same URL`, `same URL without tracking parameters (fbclid)` with the names
    that one of them has and the other has not in the same way, or `same URL in
    another spelling`.
    """
    ours, theirs = normal_form(url), normal_form(other)
    if ours is None or theirs is None or ours[:3] != theirs[:3]:
        return None
    if url == other:
        return SAME
    if ours.tracking == theirs.tracking:
        return ANOTHER_SPELLING
    apart = [p for p in ours.tracking if p not in theirs.tracking]
    apart += [p for p in theirs.tracking if p not in ours.tracking]
    names = dict.fromkeys(p.partition("=")[0].lower() for p in apart or ours.tracking)
    return f"{WITHOUT_TRACKING} ({', '.join(names)})"

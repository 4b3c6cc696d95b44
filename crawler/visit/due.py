"""Which of the known pages a visit asks for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from crawler.schedule.rates import Changes, interval
from crawler.visit.guides import DAY, Guides
from registry.db.known_rows import KnownPage

# A page with more changes, of late, than this is asked for at its own interval, whatever
# guides tell.
CHANGED = 0.5
# The largest share of the known pages of which a visit asks because their intervals are over;
# the others wait for the next visit, but not longer than `most`.
DUE_SHARE = 0.25
# The share of the other pages for which a visit asks all the same, and the least number: a
# change of all pages shows in any of them. Half of that if guides tell of changes.
SAMPLE_SHARE, LEAST_SAMPLE = 0.02, 2
# Guides that name so large a share of the known pages as changed are not believed: many write
# the present date. If all pages have changed, the sample shows it.
MOST_TOLD, FEW_TOLD = 0.5, 10


def told_pages(pages: Sequence[KnownPage], guides: Guides, now: datetime) -> list[KnownPage]:
    """Return the pages of which guides tell that they changed since they were asked for."""
    told = [page for page in pages if _is_told(page, guides, now)]
    return told if len(told) <= max(FEW_TOLD, MOST_TOLD * len(pages)) else []


def due_pages(
    pages: Sequence[KnownPage], guides: Guides, now: datetime, most: timedelta
) -> tuple[list[KnownPage], list[KnownPage]]:
    """Return the pages that are due, and a sample of the others.

    `pages` begin with those that were asked for longest ago. A page is due if a guide tells
    that it changed, after an interval that follows its own changes, and after `most`. If
    guides tell of changes, a page without others is due only then.
    """
    told = {page.key for page in told_pages(pages, guides, now)}
    late = {page.key for page in pages if now - page.asked_at >= _at_most(page, most)}
    waiting = [page for page in pages if page.key not in told | late and page.asked_at < now]
    usual = [page for page in waiting if _is_due(page, guides, now, most)]
    room = max(1, round(DUE_SHARE * len(pages)))
    due = told | late | {page.key for page in usual[:room]}
    readable = [page for page in pages if page.page_url and page.refusal != "robots-txt"]
    others = [page for page in readable if page.key not in due]
    half = 2 if guides.is_told else 1
    sample = others[: _sample_size(others) // half]
    return [page for page in pages if page.key in due], sample


def sample_of(pages: Sequence[KnownPage]) -> list[KnownPage]:
    """Return a sample of all pages, another one after each visit."""
    salt = max((page.asked_at for page in pages), default=None)
    by_chance = sorted(pages, key=lambda page: sha256(page.key + str(salt).encode()).digest())
    return by_chance[: _sample_size(pages)]


def _sample_size(pages: Sequence[KnownPage]) -> int:
    return max(LEAST_SAMPLE, round(SAMPLE_SHARE * len(pages)))


def _is_told(page: KnownPage, guides: Guides, now: datetime) -> bool:
    changed_at = guides.told.get(page.key)
    # The end of today is not the future.
    return changed_at is not None and page.asked_at < changed_at <= now + DAY


def _is_due(page: KnownPage, guides: Guides, now: datetime, most: timedelta) -> bool:
    changes = Changes(page.visits, page.changed, page.days)
    if guides.is_told and changes.changed < CHANGED:
        return False
    usual = interval(changes, timedelta(0), most)
    return now - page.asked_at >= usual * (0.75 + 0.5 * _chance(page))


def _at_most(page: KnownPage, most: timedelta) -> timedelta:
    """Return the longest interval of a page; pages found together are not due together again."""
    return most * (0.75 + 0.25 * _chance(page))


def _chance(page: KnownPage) -> float:
    """Return a number from 0 to 1 that is always the same for a page."""
    return int.from_bytes(page.key[:4]) / 2**32

"""Monitors: one file each, a pure function that says whether a visit found too little.

A monitor is a module of this package (its name does not start with `_`) with

- `suspicion(found, history) -> str | None`: one line that says what is missing, if it is more
  than the earlier visits explain; `history` is the newest first, without suspect visits,
- `LASTS`: the number of suspect visits, a day or more apart, after which the next visit that
  finds the same counts: the site is like that now. None if only the operator can tell,
- a docstring that says what such a loss may mean.

There is no list to edit. What is counted is `Falls`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from registry.plugins import discover


class Fall(NamedTuple):
    """Of the things that there were, among those that a visit asked for again: what is left."""

    before: int = 0
    now: int = 0

    @property
    def lost(self) -> int:
        """Return how many are missing."""
        return self.before - self.now

    @property
    def share(self) -> float:
        """Return the missing part, 0 to 1; 0 if there was nothing."""
        return self.lost / self.before if self.before else 0.0


_NONE = Fall()


@dataclass(frozen=True, slots=True)
class Falls:
    """What a visit found of what earlier ones had.

    `pages` that could be read; `pictures` shown on pages that are read; `files` of pictures that
    could be fetched; `marks`: pages, images and site files with marks that reserve. `alike` is
    the largest number of image URLs that now give one same picture, and gave others before.
    """

    pages: Fall = _NONE
    pictures: Fall = _NONE
    files: Fall = _NONE
    marks: Fall = _NONE
    alike: int = 0


def falls_from_json(stored: Mapping[str, Any]) -> Falls:
    """Return the Falls that the database stores; what a later version adds is left out."""
    counted = {
        name: Fall(*stored.get(name, (0, 0))) for name in ("pages", "pictures", "files", "marks")
    }
    return Falls(**counted, alike=stored.get("alike", 0))


@cache
def monitors() -> dict[str, ModuleType]:
    """Return every monitor by name."""
    return discover(__name__, ("suspicion", "LASTS"))


def suspicions(found: Falls, history: Sequence[Falls]) -> dict[str, str]:
    """Return what each monitor says, if anything, by its name."""
    said = {name: monitor.suspicion(found, history) for name, monitor in monitors().items()}
    return {name: text for name, text in said.items() if text is not None}


def is_lasting(found: Mapping[str, str], before: Sequence[Mapping[str, str]]) -> bool:
    """Return whether the site is like that now: each suspicion was there often enough before.

    `before` are those of the suspect visits directly before, the newest first.
    """
    known = monitors()
    return bool(found) and all(_lasts(known[name], name, before) for name in found)


def _lasts(monitor: ModuleType, name: str, before: Sequence[Mapping[str, str]]) -> bool:
    needed: int | None = monitor.LASTS
    return needed is not None and sum(name in one for one in before) >= needed

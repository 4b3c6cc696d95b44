"""The marks among signals, and their changes from one reading to the next. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from registry.model import Signal

# `mark`: appeared; `went`: removed.
MarkWhat = Literal["mark", "changed", "went"]
# The place of a mark (URL, carrier, vocabulary), and its exact text.
Place = tuple[str, str, str]
Mark = tuple[Place, str]
Marks = Mapping[Mark, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class MarkChange:
    """A mark that appeared, changed or was removed.

    `text` is that of `mark_text` (of a removed one the last), `before` that before a change,
    `names` are those of its signals, `url` is its place.
    """

    what: MarkWhat
    text: str
    names: tuple[str, ...]
    url: str
    before: str = ""


def mark_text(signal: Signal) -> str:
    """Return the exact text of a signal's mark; of a rule with the agents that it is for."""
    if signal.rule is None or not signal.agents:
        return signal.raw
    return f"{signal.raw} (for {', '.join(signal.agents)})"


def marks_of(signals: Iterable[Signal]) -> Marks:
    """Return the marks with a meaning, and the names of the signals read from each."""
    by_mark: dict[Mark, dict[str, None]] = {}
    for signal in signals:
        if signal.uses:
            mark = (signal.url, signal.carrier, signal.vocabulary), mark_text(signal)
            by_mark.setdefault(mark, {})[signal.name] = None
    return {mark: tuple(names) for mark, names in by_mark.items()}


def reserving(signals: Iterable[Signal]) -> int:
    """Return the number of marks that do not allow some use."""
    return len(marks_of(s for s in signals if any(meaning != "allowed" for _, meaning in s.uses)))


def mark_changes(before: Marks, after: Marks) -> list[MarkChange]:
    """Return the changes; one mark removed and one added at the same place is a change."""
    old = _by_place(mark for mark in before if mark not in after)
    new = _by_place(mark for mark in after if mark not in before)
    names = {**before, **after}
    changes: list[MarkChange] = []
    for place in {**old, **new}:
        removed, added = old.get(place, []), new.get(place, [])
        if len(removed) == len(added) == 1:
            (text,) = added
            changes.append(
                MarkChange("changed", text, names[place, text], place[0], before=removed[0])
            )
        else:
            changes += _changes("went", place, removed, names)
            changes += _changes("mark", place, added, names)
    return changes


def _changes(
    what: MarkWhat, place: Place, texts: Sequence[str], names: Marks
) -> Iterable[MarkChange]:
    return [MarkChange(what, text, names[place, text], place[0]) for text in texts]


def _by_place(marks: Iterable[Mark]) -> dict[Place, list[str]]:
    texts: dict[Place, list[str]] = {}
    for place, text in marks:
        texts.setdefault(place, []).append(text)
    return texts

"""The changes from one reading to the next, as events in order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from registry.db.rows import ObservationRow, SiteRuleRow
from registry.model import Signal
from registry.snapshot.history import Dated, file_readings, readings
from registry.snapshot.marks import Marks, MarkWhat, mark_changes, marks_of

What = Literal["seen", "refused", "picture"] | MarkWhat


@dataclass(frozen=True, slots=True)
class Event:
    """One event, from `first` to `last`.

    `seen` and `refused`: `count` consecutive readings without a change between them; the
    `text` of `refused` is the reason. `picture`: a new picture with the sha256 in `text`,
    which replaced that in `before`. `mark` (appeared), `changed` (from `before` to `text`) or
    `went` (removed): its text, names of its signals, and `url`, its place.
    """

    what: What
    first: datetime
    last: datetime
    count: int = 1
    text: str = ""
    before: str = ""
    names: tuple[str, ...] = ()
    url: str = ""


def of_image(
    history: Sequence[ObservationRow],
    read: Mapping[int, tuple[Signal, ...]],
    about: Mapping[int, str],
    digests: Mapping[int, str],
) -> list[Event]:
    """Return the events at one image URL on one page.

    `history` is oldest first and not empty; `digests` holds the sha256 of pictures.
    """
    dated, events = Dated(), _Events()
    for row in readings(history, read, about, dated):
        picture = None if row.image_id is None else digests[row.image_id]
        events.add(row, dated.signals, picture)
    return events.events


def of_file(
    history: Sequence[SiteRuleRow],
    read: Mapping[int, tuple[Signal, ...]],
    reached: Callable[[tuple[Signal, ...]], Iterable[Signal]],
) -> list[Event]:
    """Return the events of one rules file; `reached` selects the signals of each reading."""
    dated, events = Dated(), _Events()
    before: tuple[Signal, ...] = ()
    selected: tuple[Signal, ...] = ()
    for row in file_readings(history, read, dated):
        if dated.signals is not before:
            before, selected = dated.signals, tuple(reached(dated.signals))
        events.add(row, selected)
    return events.events


class _Events:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self._signals: tuple[Signal, ...] | None = None
        self._marks: Marks = {}
        self._picture = ""

    def add(
        self,
        row: ObservationRow | SiteRuleRow,
        signals: tuple[Signal, ...],
        picture: str | None = None,
    ) -> None:
        """Add the events of the next reading, and of those that equal it."""
        when = row.observed_at
        changes = self._changes(when, signals)
        if picture is not None and picture != self._picture:
            changes.insert(0, Event("picture", when, when, text=picture, before=self._picture))
            self._picture = picture
        self.events += changes
        self._count(row)

    def _count(self, row: ObservationRow | SiteRuleRow) -> None:
        what: What = "refused" if row.refusal else "seen"
        readings, reason = 1 + row.again, row.refusal or ""
        run = self.events[-1] if self.events else None
        if run and (run.what, run.text) == (what, reason):
            self.events[-1] = replace(run, last=row.last_at, count=run.count + readings)
        else:
            self.events.append(Event(what, row.observed_at, row.last_at, readings, text=reason))

    def _changes(self, when: datetime, signals: tuple[Signal, ...]) -> list[Event]:
        if signals == self._signals:
            return []
        before, self._signals, self._marks = self._marks, signals, marks_of(signals)
        return [
            Event(c.what, when, when, text=c.text, before=c.before, names=c.names, url=c.url)
            for c in mark_changes(before, self._marks)
        ]

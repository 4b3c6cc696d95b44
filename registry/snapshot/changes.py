"""The changes from one reading to the next, as events in order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from registry.db.rows import ObservationRow, SiteRuleRow
from registry.model import Signal
from registry.snapshot.history import Dated, file_readings, readings

What = Literal["seen", "refused", "picture", "mark", "changed", "went"]
# The place of a mark (URL, carrier, vocabulary), and its exact text.
Mark = tuple[tuple[str, str, str], str]
Marks = Mapping[Mark, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Event:
    """One event, from `first` to `last`.

    `seen` and `refused`: `count` consecutive readings without a change between them; the
    `text` of `refused` is the reason. `picture`: a new picture with the sha256 in `text`,
    which replaced that in `before`. `mark` (appeared), `changed` (from `before` to `text`) or
    `went` (removed): exact text, names of its signals, and `url`, its place.
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
        before, self._signals, self._marks = self._marks, signals, _marks(signals)
        removed = [mark for mark in before if mark not in self._marks]
        added = [mark for mark in self._marks if mark not in before]
        return _mark_events(when, removed, added, {**before, **self._marks})


def _mark_events(
    when: datetime, removed: Sequence[Mark], added: Sequence[Mark], names: Marks
) -> list[Event]:
    """Return the events; one mark removed and one added at the same place is a change."""
    events, old, new = list[Event](), _by_place(removed), _by_place(added)
    for place, texts in {**old, **new}.items():
        if len(old.get(place, ())) == len(texts) == len(new.get(place, ())) == 1:
            mark = place, texts[0]
            changed = Event("changed", when, when, text=texts[0], before=old[place][0])
            events.append(replace(changed, names=names[mark], url=place[0]))
            continue
        for what, texts_at in (("went", old), ("mark", new)):
            for text in texts_at.get(place, ()):
                event = Event("went" if what == "went" else "mark", when, when, text=text)
                events.append(replace(event, names=names[place, text], url=place[0]))
    return events


def _by_place(marks: Iterable[Mark]) -> dict[tuple[str, str, str], list[str]]:
    texts: dict[tuple[str, str, str], list[str]] = {}
    for place, text in marks:
        texts.setdefault(place, []).append(text)
    return texts


def _marks(signals: Iterable[Signal]) -> dict[Mark, tuple[str, ...]]:
    """Return the marks with a meaning, and the names of the signals read from each."""
    by_mark: dict[Mark, dict[str, None]] = {}
    for signal in signals:
        if signal.uses:
            mark = (signal.url, signal.carrier, signal.vocabulary), signal.raw
            by_mark.setdefault(mark, {})[signal.name] = None
    return {mark: tuple(names) for mark, names in by_mark.items()}

"""What changed from one dated reading to the next, as events in their order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from registry.db.rows import ObservationRow, SiteRuleRow
from registry.model import Signal
from registry.snapshot.history import Dated, file_readings, readings

What = Literal["seen", "refused", "picture", "mark", "changed", "went"]
# Where a mark stood (URL, carrier, vocabulary), and its exact text.
Mark = tuple[tuple[str, str, str], str]
Marks = Mapping[Mark, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was seen, from `first` to `last`.

    `seen` and `refused` are `count` readings in a row that changed nothing behind
    the first; `text` of `refused` is the reason. `picture` is a picture that
    appeared, by its sha256 in `text`, in the place of that in `before`. `mark`
    appeared, `changed` (from `before` to `text`) or `went`: exact text, names of its
    signals, and `url`, where it stood.
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
        events.take(row.observed_at, row.refusal, dated.signals, picture)
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
        events.take(row.observed_at, row.refusal, selected)
    return events.events


class _Events:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self._signals: tuple[Signal, ...] | None = None
        self._marks: Marks = {}
        self._picture = ""

    def take(
        self,
        when: datetime,
        refusal: str | None,
        signals: tuple[Signal, ...],
        picture: str | None = None,
    ) -> None:
        """Take the next reading."""
        changes = self._changes(when, signals)
        if picture is not None and picture != self._picture:
            changes.insert(0, Event("picture", when, when, text=picture, before=self._picture))
            self._picture = picture
        self.events += changes
        self._count(when, "refused" if refusal else "seen", refusal or "")

    def _count(self, when: datetime, what: What, reason: str) -> None:
        run = self.events[-1] if self.events else None
        if run and (run.what, run.text) == (what, reason):
            self.events[-1] = replace(run, last=when, count=run.count + 1)
        else:
            self.events.append(Event(what, when, when, text=reason))

    def _changes(self, when: datetime, signals: tuple[Signal, ...]) -> list[Event]:
        if signals == self._signals:
            return []
        before, self._signals, self._marks = self._marks, signals, _marks(signals)
        went = [mark for mark in before if mark not in self._marks]
        came = [mark for mark in self._marks if mark not in before]
        return _told(when, went, came, {**before, **self._marks})


def _told(when: datetime, went: Sequence[Mark], came: Sequence[Mark], names: Marks) -> list[Event]:
    """Return the events; one that came where one like it went is the same mark, changed."""
    events, old, new = list[Event](), _by_place(went), _by_place(came)
    for place, texts in {**old, **new}.items():
        if len(old.get(place, ())) == len(texts) == len(new.get(place, ())) == 1:
            mark = place, texts[0]
            changed = Event("changed", when, when, text=texts[0], before=old[place][0])
            events.append(replace(changed, names=names[mark], url=place[0]))
            continue
        for what, found in (("went", old), ("mark", new)):
            for text in found.get(place, ()):
                event = Event("went" if what == "went" else "mark", when, when, text=text)
                events.append(replace(event, names=names[place, text], url=place[0]))
    return events


def _by_place(marks: Iterable[Mark]) -> dict[tuple[str, str, str], list[str]]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for place, text in marks:
        found.setdefault(place, []).append(text)
    return found


def _marks(signals: Iterable[Signal]) -> dict[Mark, tuple[str, ...]]:
    """Return the marks that say something, with the names of the signals read from each."""
    found: dict[Mark, dict[str, None]] = {}
    for signal in signals:
        if signal.uses:
            mark = (signal.url, signal.carrier, signal.vocabulary), signal.raw
            found.setdefault(mark, {})[signal.name] = None
    return {mark: tuple(names) for mark, names in found.items()}

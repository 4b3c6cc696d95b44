"""The events between two readings of one URL, and the reading that the next is compared with. Pure.

A failed reading takes nothing back: the marks and the picture that were read before stay.
Statuses 404 and 410 say that the picture, or the site file, is gone. The first visit of a site
is what later ones are compared with: it gives no events of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from registry.db.event_rows import Compared, EventKind, Latest, NewEvent
from registry.model import Signal, UrlReading
from registry.snapshot.history import ABSENT
from registry.snapshot.marks import (
    MarkChange,
    Marks,
    MarkWhat,
    mark_changes,
    mark_text,
    marks_of,
    reserving,
)

_MARK_KINDS: Mapping[MarkWhat, EventKind] = {
    "mark": "mark-appeared",
    "changed": "mark-changed",
    "went": "mark-removed",
}
# The signals of evidence by its id.
Signals = Mapping[int, Sequence[Signal]]


def latest_after(compared: Compared) -> Latest:
    """Return the latest reading from now on: what was read last, and still counts."""
    reading, now, before = compared.reading, compared.now, compared.before
    if before is None:
        return now
    is_gone = reading.refusal in ABSENT
    if reading.about == "image" and now.image_id is None and before.image_id is not None:
        return replace(before, refusal=now.refusal) if is_gone else before
    if reading.about == "site" and not now.evidence and not is_gone:
        return before
    if reading.is_cut:
        # Marks may be missing from it; those that it has count.
        marks = max(before.marks or 0, now.marks or 0)
        evidence = tuple(dict.fromkeys((*before.evidence, *now.evidence)))
        now = replace(now, evidence=evidence, marks=marks)
    is_same = (now.evidence, now.image_id) == (before.evidence, before.image_id)
    return replace(now, since=before.since) if is_same else now


def takes_back(compared: Compared, signals: Signals) -> bool:
    """Return whether marks or a picture that were there before would not count any more."""
    before, after = compared.before, latest_after(compared)
    if before is None:
        return False
    if _picture_kind(before, after) in ("picture-gone", "picture-replaced"):
        return True
    had = before.marks
    if had is None:
        had = reserving(s for number in before.evidence for s in signals.get(number, ()))
    return (after.marks or 0) < had


def events_between(compared: Compared, signals: Signals, *, is_first: bool) -> list[NewEvent]:
    """Return the events of a reading. `is_first`: the site was not visited before.

    `signals` holds those of the evidence before and now.
    """
    before, after = compared.before, latest_after(compared)
    if before is None and is_first:
        return []
    events = _picture_events(compared.reading, before, after)
    # The marks of a new page are told with its pictures, those of a new picture with it.
    is_new = before is None and compared.reading.about != "site"
    if not is_new and not any(event.kind == "picture-new" for event in events):
        events += _mark_events(compared, after, signals)
    return events


def _picture_events(reading: UrlReading, before: Latest | None, after: Latest) -> list[NewEvent]:
    kind = _picture_kind(before, after)
    if kind is None:
        return []
    event = NewEvent(reading.read_at, kind, reading.url, image_after=after.image_id)
    if before is not None and before.image_id is not None:
        event = replace(event, since=before.since, image_before=before.image_id)
    return [replace(event, image_after=None) if kind == "picture-gone" else event]


def _picture_kind(before: Latest | None, after: Latest) -> EventKind | None:
    if after.image_id is None:
        return None
    if before is None or before.image_id is None:
        return "picture-new"
    if before.image_id != after.image_id:
        return "picture-replaced"
    if after.refusal in ABSENT:
        return None if before.refusal in ABSENT else "picture-gone"
    was_away = before.is_stale or before.refusal in ABSENT
    return "picture-back" if was_away and after.refusal is None else None


def _mark_events(compared: Compared, after: Latest, signals: Signals) -> list[NewEvent]:
    before = compared.before or Latest(compared.now.since)
    if before.evidence == after.evidence:
        return []
    old, new = _marks(before, signals), _marks(after, signals)
    return [
        _mark_event(compared, change, (before, after), signals) for change in mark_changes(old, new)
    ]


def _mark_event(
    compared: Compared, change: MarkChange, latest: tuple[Latest, Latest], signals: Signals
) -> NewEvent:
    before, after = latest
    was = {"changed": change.before, "went": change.text}.get(change.what)
    now = None if change.what == "went" else change.text
    return NewEvent(
        compared.reading.read_at,
        _MARK_KINDS[change.what],
        compared.reading.url,
        change.names,
        was,
        now,
        None if was is None or compared.before is None else before.since,
        None if was is None else _evidence_with(was, change, before, signals),
        None if now is None else _evidence_with(now, change, after, signals),
    )


def _marks(latest: Latest, signals: Signals) -> Marks:
    return marks_of(signal for number in latest.evidence for signal in signals.get(number, ()))


def _evidence_with(text: str, change: MarkChange, latest: Latest, signals: Signals) -> int | None:
    """Return the id of the evidence with a mark."""
    for number in latest.evidence:
        if any((mark_text(s), s.url) == (text, change.url) for s in signals.get(number, ())):
            return number
    return None

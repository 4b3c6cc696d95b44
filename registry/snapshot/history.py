"""The current marks, after all readings. Pure.

A later reading replaces an earlier one of the same kind; a failed one removes nothing.
Each mark has the date since which it has been seen without a break.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from registry.db.rows import ObservationRow, SiteRuleRow
from registry.model import PAGE_TRUNCATED, TRAINING_USES, Signal

Mark = tuple[Any, ...]
# Refusals that show that a site no longer has a file. RFC 9309, 2.3.1.3 allows more
# statuses, but 403 and 429 are often about the client.
ABSENT = frozenset({"http-404", "http-410"})
MAX_PAST = 16


def mark_of(signal: Signal) -> Mark:
    """Return the identity of a signal's mark; its exact text may change."""
    # The agents of a site rule depend on the path.
    target = signal.rule.pattern if signal.rule else signal.agents
    return signal.name, signal.uses, target


def refuses_training(signal: Signal) -> bool:
    """Return whether a signal refuses training, or allows it under conditions only."""
    meanings = (meaning for use, meaning in signal.uses if use in {*TRAINING_USES, "tdm"})
    return any(meaning != "allowed" for meaning in meanings)


@dataclass(frozen=True, slots=True)
class Past:
    """A signal of a removed mark; `until` is the time of the first reading without it."""

    signal: Signal
    since: datetime
    until: datetime


@dataclass(slots=True)
class Dated:
    """The current signals, and the date of each mark.

    `past` holds the newest `MAX_PAST` removed refusals of training, oldest first.
    """

    signals: tuple[Signal, ...] = ()
    since: dict[Mark, datetime] = field(default_factory=dict)
    past: tuple[Past, ...] = ()

    def see(self, signals: tuple[Signal, ...], when: datetime) -> None:
        """Update with the signals of a later reading."""
        since = {mark: self.since.get(mark, when) for mark in map(mark_of, signals)}
        # One line for a hundred agents is one mark.
        gone = {
            (mark_of(signal), signal.url): signal
            for signal in reversed(self.signals)
            if mark_of(signal) not in since and refuses_training(signal)
        }
        past = [Past(gone[key], self.since[key[0]], when) for key in reversed(gone)]
        self.past = (*self.past, *past)[-MAX_PAST:]
        self.since = since
        self.signals = signals

    def replace_signals(self, change: Callable[[Signal], Signal | None]) -> None:
        """Replace or drop signals (None); the others keep their dates."""
        changed = [(change(signal), self.since[mark_of(signal)]) for signal in self.signals]
        kept = [(signal, when) for signal, when in changed if signal is not None]
        self.signals = tuple(signal for signal, _ in kept)
        self.since = {mark_of(signal): when for signal, when in kept}

    def oldest(self, among: Iterable[Signal]) -> list[datetime]:
        """Return the earliest date of these signals that refuse training; [] if none does."""
        dates = [self.since[mark_of(s)] for s in among if refuses_training(s)]
        return [min(dates)] if dates else []


def rules_file(history: Sequence[SiteRuleRow], read: Mapping[int, tuple[Signal, ...]]) -> Dated:
    """Return the current signals of a rules file from all its readings, oldest first.

    They remain until a reading has another text, or shows that there is no file.
    """
    dated = Dated()
    for _ in file_readings(history, read, dated):
        pass
    return dated


def file_readings(
    history: Sequence[SiteRuleRow], read: Mapping[int, tuple[Signal, ...]], dated: Dated
) -> Iterator[SiteRuleRow]:
    """Yield every reading of a rules file, oldest first; `dated` is updated with each."""
    for row in history:
        if row.evidence_id is not None:
            signals = read.get(row.evidence_id, ())
            if not row.takes_back:
                signals = _with_refusals(dated.signals, signals)
            dated.see(signals, row.observed_at)
        elif row.refusal in ABSENT and row.takes_back:
            dated.see((), row.observed_at)
        yield row


def _with_refusals(before: tuple[Signal, ...], read: tuple[Signal, ...]) -> tuple[Signal, ...]:
    """Return the signals before, and what is refused since."""
    if not before:
        return read
    refusals = (without_permission(signal) for signal in read if signal not in before)
    return (*before, *(signal for signal in refusals if signal.uses))


def without_permission(signal: Signal) -> Signal:
    """Return a signal with its refusals only."""
    return replace(signal, uses=tuple(use for use in signal.uses if use[1] != "allowed"))


def readings_in_force(history: Iterable[SiteRuleRow]) -> list[SiteRuleRow]:
    """Return the readings of a rules file whose texts count after all of them, oldest first.

    Most often it is the last text; readings that take nothing back add theirs to it.
    """
    counting: list[SiteRuleRow] = []
    for row in history:
        if row.evidence_id is not None:
            counting = [row] if row.takes_back else [*counting, row]
        elif row.refusal in ABSENT and row.takes_back:
            counting = []
    return counting


@dataclass(slots=True)
class PictureHistory:
    """One picture at one image URL on one page.

    `last` and `dated` are the state when it was last seen there; for the present picture,
    the current state.
    """

    image_id: int | None
    first: datetime
    last: ObservationRow
    dated: Dated = field(default_factory=Dated)


def pictures_shown(
    history: Sequence[ObservationRow],
    read: Mapping[int, tuple[Signal, ...]],
    about: Mapping[int, str],
) -> list[PictureHistory]:
    """Return every picture that one image URL has shown on one page, the present one last.

    `history` is oldest first. `read` holds the signals by evidence id, if there are any,
    `about` the object (image, page, site) of each piece of evidence.
    """
    dated, present, shown = Dated(), history[0].image_id, dict[int | None, PictureHistory]()
    for row in readings(history, read, about, dated):
        is_other = row.image_id != present and present is not None
        if row.image_id is not None and (row.takes_back or not is_other):
            present = row.image_id
            first = shown[present].first if present in shown else row.observed_at
            shown[present] = PictureHistory(present, first, row, replace(dated))
    # Later readings without a picture count for the present one.
    now = shown.pop(present, None)
    first = now.first if now else history[0].observed_at
    return [*shown.values(), PictureHistory(present, first, history[-1], dated)]


def readings(
    history: Sequence[ObservationRow],
    read: Mapping[int, tuple[Signal, ...]],
    about: Mapping[int, str],
    dated: Dated,
) -> Iterator[ObservationRow]:
    """Yield the observations of one image URL on one page, oldest first.

    `dated` is updated with each; `read` and `about` are those of `pictures_shown`.
    """
    latest = _LatestEvidence(read, about)
    for row in history:
        latest.add(row)
        dated.see(latest.signals(row), row.observed_at)
        yield row


def evidence_in_force(history: Sequence[ObservationRow], about: Mapping[int, str]) -> list[int]:
    """Return the ids of the evidence that counts after the last of some observations.

    `history` and `about` are those of `pictures_shown`.
    """
    latest = _LatestEvidence({}, about)
    for row in history:
        latest.add(row)
    return latest.ids()


class _LatestEvidence:
    """The latest evidence of each kind.

    The evidence of a refused image (headers of a challenge page, for example) is added to
    that of the picture and replaces nothing. So is the evidence of an incomplete page, and of
    a reading that takes nothing back, until the next complete one.
    """

    def __init__(self, read: Mapping[int, tuple[Signal, ...]], about: Mapping[int, str]) -> None:
        self._read = read
        self._about = about
        self._latest: dict[str, list[int]] = {}
        self._with_refusal: list[int] = []
        self._added: dict[str, dict[int, None]] = {}
        self._has_picture = False

    def add(self, row: ObservationRow) -> None:
        by_about: dict[str, list[int]] = {}
        for evidence_id in row.evidence:
            by_about.setdefault(self._about[evidence_id], []).append(evidence_id)
        if row.image_id is not None:
            self._has_picture, self._with_refusal = True, []
        elif self._has_picture and "image" in by_about:
            self._with_refusal = by_about.pop("image")
        for about, numbers in by_about.items():
            is_cut = row.refusal == PAGE_TRUNCATED and about == "page"
            if is_cut or (not row.takes_back and about in self._latest):
                self._added.setdefault(about, {}).update(dict.fromkeys(numbers))
            else:
                self._latest[about] = numbers
                self._added.pop(about, None)

    def ids(self) -> list[int]:
        ids = [number for about in sorted(self._latest) for number in self._latest[about]]
        ids += [number for about in sorted(self._added) for number in self._added[about]]
        ids += self._with_refusal
        # An incomplete page may repeat marks of the complete one.
        return list(dict.fromkeys(ids))

    def signals(self, row: ObservationRow) -> tuple[Signal, ...]:
        signals = [s for number in self.ids() for s in self._read.get(number, ())]
        if row.relation == "third-party":
            signals = [replace(s, third_party=s.scope == "page") for s in signals]
        return tuple(signals)

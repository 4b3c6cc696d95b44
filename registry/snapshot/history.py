"""What stands now, after all that was seen. Pure.

A later reading replaces an earlier one of the same kind; a failure takes
nothing back. Each mark is dated from when it has stood without a break.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from registry.db.rows import ObservationRow, SiteRuleRow
from registry.model import PAGE_TRUNCATED, TRAINING_USES, Signal

Mark = tuple[Any, ...]
# A site that answers so has no such file any more (RFC 9309, 2.3.1.3 allows more
# answers to be taken so; but a 403 or 429 is as often said of the one who asks).
ABSENT = frozenset({"http-404", "http-410"})
MAX_PAST = 16


def mark_of(signal: Signal) -> Mark:
    """Return what makes two signals the same mark; the wording around it may change."""
    # The agents of a site rule differ with the path that is asked about.
    whom = signal.rule.pattern if signal.rule else signal.agents
    return signal.name, signal.uses, whom


def refuses_training(signal: Signal) -> bool:
    """Tell whether a signal refuses training, or allows it under conditions only."""
    meanings = (meaning for use, meaning in signal.uses if use in {*TRAINING_USES, "tdm"})
    return any(meaning != "allowed" for meaning in meanings)


@dataclass(frozen=True, slots=True)
class Past:
    """A signal whose mark went; `until` is the time of the first reading without the mark."""

    signal: Signal
    since: datetime
    until: datetime


@dataclass(slots=True)
class Dated:
    """Signals that stand, and since when each mark has stood.

    `past` holds the newest `MAX_PAST` refusals of training that went, oldest first.
    """

    signals: tuple[Signal, ...] = ()
    since: dict[Mark, datetime] = field(default_factory=dict)
    past: tuple[Past, ...] = ()

    def see(self, signals: tuple[Signal, ...], when: datetime) -> None:
        """Take the signals of a later reading."""
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

    def turn(self, change: Callable[[Signal], Signal | None]) -> None:
        """Change or drop signals; what is left keeps its date."""
        turned = [(change(signal), self.since[mark_of(signal)]) for signal in self.signals]
        kept = [(signal, when) for signal, when in turned if signal is not None]
        self.signals = tuple(signal for signal, _ in kept)
        self.since = {mark_of(signal): when for signal, when in kept}

    def oldest(self, among: Iterable[Signal]) -> list[datetime]:
        """Return since when training has been refused by these signals; empty if it is not."""
        said = [self.since[mark_of(s)] for s in among if refuses_training(s)]
        return [min(said)] if said else []


def rules_file(history: Sequence[SiteRuleRow], read: Mapping[int, tuple[Signal, ...]]) -> Dated:
    """Return what the rules file says, from all dated answers for it, oldest first.

    It stands until the site says otherwise: with another text, or with no file.
    """
    dated = Dated()
    for _ in file_readings(history, read, dated):
        pass
    return dated


def file_readings(
    history: Sequence[SiteRuleRow], read: Mapping[int, tuple[Signal, ...]], dated: Dated
) -> Iterator[SiteRuleRow]:
    """Yield every answer for a rules file, oldest first; `dated` then holds what stands by it."""
    for row in history:
        if row.evidence_id is not None:
            dated.see(read.get(row.evidence_id, ()), row.observed_at)
        elif row.refusal in ABSENT:
            dated.see((), row.observed_at)
        yield row


@dataclass(slots=True)
class Shown:
    """One picture at one image URL on one page.

    `last` and `dated` are what stood when it was last seen there; for the present
    picture, what stands now.
    """

    image_id: int | None
    first: datetime
    last: ObservationRow
    dated: Dated = field(default_factory=Dated)


def pictures_shown(
    history: Sequence[ObservationRow],
    read: Mapping[int, tuple[Signal, ...]],
    about: Mapping[int, str],
) -> list[Shown]:
    """Return every picture that one image URL has shown on one page, the present one last.

    `history` is oldest first. `read` holds the signals of evidence that says
    something, `about` what every piece of evidence is about.
    """
    dated, present, shown = Dated(), history[0].image_id, dict[int | None, Shown]()
    for row in readings(history, read, about, dated):
        if row.image_id is not None:
            present = row.image_id
            first = shown[present].first if present in shown else row.observed_at
            shown[present] = Shown(present, first, row, replace(dated))
    # What was read since the picture was last fetched counts for the present one.
    now = shown.pop(present, None)
    first = now.first if now else history[0].observed_at
    return [*shown.values(), Shown(present, first, history[-1], dated)]


def readings(
    history: Sequence[ObservationRow],
    read: Mapping[int, tuple[Signal, ...]],
    about: Mapping[int, str],
    dated: Dated,
) -> Iterator[ObservationRow]:
    """Yield the observations of one image URL on one page, oldest first.

    `dated` then holds what stands by each of them; `read` and `about` are those of
    `pictures_shown`.
    """
    standing = _Standing(read, about)
    for row in history:
        standing.take(row)
        dated.see(standing.signals(row), row.observed_at)
        yield row


class _Standing:
    """The latest evidence of every kind.

    What comes with a refused image (a challenge page's headers) is added to what
    came with the picture; it takes nothing of that back. So is what comes of a page that
    broke off, until the page is read whole.
    """

    def __init__(self, read: Mapping[int, tuple[Signal, ...]], about: Mapping[int, str]) -> None:
        self._read = read
        self._about = about
        self._latest: dict[str, list[int]] = {}
        self._with_refusal: list[int] = []
        self._of_cut_pages: dict[int, None] = {}
        self._has_picture = False

    def take(self, row: ObservationRow) -> None:
        by_about: dict[str, list[int]] = {}
        for evidence_id in row.evidence:
            by_about.setdefault(self._about[evidence_id], []).append(evidence_id)
        if row.image_id is not None:
            self._has_picture, self._with_refusal = True, []
        elif self._has_picture and "image" in by_about:
            self._with_refusal = by_about.pop("image")
        if row.refusal == PAGE_TRUNCATED:
            self._of_cut_pages |= dict.fromkeys(by_about.pop("page", []))
        elif "page" in by_about:
            self._of_cut_pages = {}
        self._latest.update(by_about)

    def signals(self, row: ObservationRow) -> tuple[Signal, ...]:
        ids = [number for about in sorted(self._latest) for number in self._latest[about]]
        ids += [*self._of_cut_pages, *self._with_refusal]
        # A page that breaks off may say what it said when it was whole.
        signals = [s for number in dict.fromkeys(ids) for s in self._read.get(number, ())]
        if row.relation == "third-party":
            signals = [replace(s, third_party=s.scope == "page") for s in signals]
        return tuple(signals)

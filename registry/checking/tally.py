"""The counts of a check (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from registry.checking.samples import Sample, from_json, joined, moved

# Most matches that are shown.
MAX_SHOWN = 200
MOST_UNREAD = 5
# Sites, entries and licensors whose rows are counted; the ones with the fewest rows are forgotten.
MOST_COUNTED = {
    **{"hosts": 1_000_000, "all_hosts": 1_000_000},
    **{"similar": 100_000, "licensors": 20_000},
}


@dataclass(frozen=True, slots=True)
class ShownMatch:
    """One matched row of the report: its number, its URL or file (`what`), and the match.

    `how` says in words how it matches.
    """

    row: int
    what: str
    outcome: str
    way: str
    distance: int | None
    signal: str
    reason: str
    since: str
    how: str = ""


_COUNTERS = (
    *("outcomes", "unchecked", "matched_by", "tiers", "signals", "hosts", "not_read"),
    *("similar", "years", "all_hosts", "forgotten", "licensors"),
)
# Whom to ask, where, and the URL of the terms.
Licensor = tuple[str | None, str | None, str | None]


@dataclass(slots=True)
class Tally:
    """The counts of a check, updated after each batch.

    `not_read` counts, by column, the rows with keys in a form that is not read; `shown`
    holds the first matches.
    """

    rows: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    unchecked: Counter[str] = field(default_factory=Counter)
    matched_by: Counter[str] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    not_read: Counter[str] = field(default_factory=Counter)
    with_fingerprint: int = 0
    # Rows with a fingerprint similar to more recorded codes than were compared.
    crowded: int = 0
    # Rows that match by the URL of another size of their picture.
    resized: int = 0
    # By entry: the rows that match it by fingerprint.
    similar: Counter[int] = field(default_factory=Counter)
    # Matched rows by the year since which their marks have been seen.
    years: Counter[str] = field(default_factory=Counter)
    # All rows by the host of their URL, if these are counted.
    all_hosts: Counter[str] = field(default_factory=Counter)
    # By counter: how many of its names were forgotten.
    forgotten: Counter[str] = field(default_factory=Counter)
    # Conditional rows by whom to ask, and clear rows that a mark allows.
    licensors: Counter[Licensor] = field(default_factory=Counter)
    allowed: int = 0
    shown: list[ShownMatch] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    # The first rows that could not be read: their numbers and reasons.
    unread: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add another part, whose rows follow."""
        more = other.shown[: MAX_SHOWN - len(self.shown)]
        self.shown += [replace(match, row=match.row + self.rows) for match in more]
        unread = [(row + self.rows, why) for row, why in other.unread]
        self.unread += unread[: MOST_UNREAD - len(self.unread)]
        self.samples = joined(self.samples, moved(other.samples, self.rows))
        self.rows += other.rows
        self.with_fingerprint += other.with_fingerprint
        self.crowded += other.crowded
        self.resized += other.resized
        self.allowed += other.allowed
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        for name, most in MOST_COUNTED.items():
            counts = getattr(self, name)
            if len(counts) > most:
                self.forgotten[name] += len(counts) - most // 2
                setattr(self, name, Counter(dict(counts.most_common(most // 2))))

    def to_json(self) -> dict[str, Any]:
        """Return the counts as values of JSON, from which `from_json` makes them again."""
        values: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            values[one.name] = [*value.items()] if isinstance(value, Counter) else value
        values["samples"] = [asdict(one) for one in self.samples]
        return {**values, "shown": [asdict(match) for match in self.shown]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Tally:
        """Return the counts of `to_json`. Raises KeyError, TypeError or ValueError for others."""
        tally = cls(**values)
        for name in _COUNTERS:
            pairs = ((tuple(k) if isinstance(k, list) else k, n) for k, n in values[name])
            setattr(tally, name, Counter(dict(pairs)))
        tally.shown = [ShownMatch(**match) for match in values["shown"]]
        tally.samples = from_json(values["samples"])
        tally.unread = [(int(row), str(why)) for row, why in values["unread"]]
        return tally

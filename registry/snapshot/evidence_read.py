"""The evidence of some records: its signals, digests, and what it is about. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from registry.db.rows import EvidenceRow
from registry.model import Signal
from registry.signals import read

# Most distinct texts whose signals are kept in memory during a build.
MOST_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class ReadEvidence:
    """By id of evidence: its signals, if there are any; the object it is about; its digest."""

    signals: dict[int, tuple[Signal, ...]] = field(default_factory=dict)
    about: dict[int, str] = field(default_factory=dict)
    digests: dict[int, bytes] = field(default_factory=dict)


class EvidenceReader:
    """Reads evidence. The signals of evidence that several segments name are read once."""

    def __init__(self) -> None:
        """Start without any."""
        self._kept: OrderedDict[bytes, tuple[Signal, ...]] = OrderedDict()

    def read(self, rows: Iterable[EvidenceRow]) -> ReadEvidence:
        """Return what is in some pieces of evidence."""
        found = ReadEvidence()
        for row in rows:
            found.about[row.id] = row.about
            found.digests[row.id] = row.digest
            if signals := self._signals(row):
                found.signals[row.id] = signals
        return found

    def _signals(self, row: EvidenceRow) -> tuple[Signal, ...]:
        if row.digest in self._kept:
            self._kept.move_to_end(row.digest)
            return self._kept[row.digest]
        signals = read(row.evidence()).signals
        self._kept[row.digest] = signals
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return signals

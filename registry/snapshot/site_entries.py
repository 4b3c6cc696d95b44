"""The rules of sites in a snapshot: those of their files, and claims about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from registry.model import Signal
from registry.snapshot.format import PLACE, set_from_json, signals_from_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.snapshot.segments import Rows


@dataclass(frozen=True, slots=True)
class Site:
    """A rules file or a claim about a site; `name` is `site-rule:ID` or `claim:ID`."""

    name: str
    host: str
    kind: str
    source: str
    signals: tuple[Signal, ...]
    since: datetime
    seen: datetime

    @property
    def is_claim(self) -> bool:
        """Whether it is a claim."""
        return self.kind == "claim"


class SiteClaim(NamedTuple):
    """A claim on a site, its signals only by number (see `Sites.claim_signals`).

    Claims with the same number have the same signals, each at its own place. `refuses` and
    `whole` are those of `registry.verdict.site_rules.claim_covers`.
    """

    code: int
    pattern: str | None
    refuses: bool
    whole: bool


class Sites:
    """All rules of sites by number: files first, then claims."""

    def __init__(self, files: Rows, claims: Rows) -> None:
        """Take the rows of both kinds."""
        self._files = files
        self._claims = claims
        # The first claim.
        self.first_claim = len(files)

    def __len__(self) -> int:
        """Return the number of files and claims."""
        return self.first_claim + len(self._claims)

    def __getitem__(self, number: int) -> Site:
        """Return one; raises IndexError past the last one."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        if number < self.first_claim:
            return _of_file(self._files.row(number))
        return _of_claim(self._claims.row(number - self.first_claim))

    def __iter__(self) -> Iterator[Site]:
        """Yield all in order."""
        yield from map(_of_file, self._files.all())
        yield from map(_of_claim, self._claims.all())

    def refused_by_claims(self) -> tuple[pa.StringArray, pa.StringArray]:
        """Return the hosts of claims that refuse all their uses, and those refused as a whole."""
        found = []
        for name in ("refuses", "whole"):
            parts = [s.column("host").filter(s.column(name)) for s in self._claims.segments()]
            found.append(pa.concat_arrays([pa.array([], pa.string()), *parts]))
        return found[0], found[1]

    def claimed(self, numbers: NDArray[np.int64]) -> list[SiteClaim]:
        """Return some claims without reading their signals."""
        rows = numbers - self.first_claim
        names = ("path_pattern", "refuses", "whole")
        columns = [self._claims.take(name, rows).to_pylist() for name in names]
        codes = self._claims.codes("signals", rows).tolist()
        return list(map(SiteClaim, codes, *columns))

    def claim_signals(self, code: int, place: str) -> tuple[Signal, ...]:
        """Return the signals with a number (see `claimed`), as those of a claim at a place."""
        return set_from_json(self._claims.text("signals", code), {PLACE: place})

    def place(self, number: int) -> str:
        """Return the place of a claim: its host and path as claimed."""
        return _place(self._claims.row(number - self.first_claim))

    def hosts(self) -> pa.StringArray:
        """Return the host of each."""
        return pa.concat_arrays([self._files.column("host"), self._claims.column("host")])

    def hosts_of(self, numbers: NDArray[np.int64]) -> pa.StringArray:
        """Return the hosts of some."""
        claimed = numbers >= self.first_claim
        files = self._files.take("host", numbers[~claimed])
        claims = self._claims.take("host", numbers[claimed] - self.first_claim)
        places = np.where(claimed, len(files) + np.cumsum(claimed), np.cumsum(~claimed)) - 1
        return pa.concat_arrays([files, claims]).take(pa.array(places))

    def since(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the time since which each has its marks, in microseconds since 1970."""
        claimed = numbers >= self.first_claim
        since = np.zeros(len(numbers), np.int64)
        parts = ((~claimed, self._files, 0), (claimed, self._claims, self.first_claim))
        for where, rows, first in parts:
            if where.any():
                times = rows.take("since", numbers[where] - first)
                since[where] = times.cast(pa.int64()).to_numpy(zero_copy_only=False)
        return since


def _of_file(row: dict[str, Any]) -> Site:
    return Site(
        name=f"site-rule:{row['id']}",
        host=row["host"],
        kind=row["kind"],
        source="crawl",
        signals=signals_from_json(row["signals"]),
        since=row["since"],
        seen=row["seen"],
    )


def _of_claim(row: dict[str, Any]) -> Site:
    return Site(
        name=f"claim:{row['id']}",
        host=row["host"],
        kind="claim",
        source=row["source"],
        signals=set_from_json(row["signals"], {PLACE: _place(row)}),
        since=row["since"],
        seen=row["since"],
    )


def _place(claim: dict[str, Any]) -> str:
    return str(claim["host"]) + (claim["path_pattern"] or "")

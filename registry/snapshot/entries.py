"""The entries of a snapshot: what is known of one picture at one place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from registry.model import Signal
from registry.snapshot.format import PastMark, past_from_json, set_from_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.snapshot.segments import Rows


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: a picture seen at an image URL on a page, or a claim.

    `name` is `observation:ID` or `claim:ID`. `own` are its own signals, `rules` those of the
    rules of its site and page; `past` holds removed marks, which do not affect verdicts. A `gone`
    picture is no longer served at its URL.
    """

    name: str
    url: str | None
    page_url: str | None
    relation: str | None
    source: str
    gone: bool
    own: tuple[Signal, ...]
    rules: tuple[Signal, ...]
    since: datetime
    seen: datetime
    past: tuple[PastMark, ...] = ()

    @property
    def signals(self) -> tuple[Signal, ...]:
        """All signals."""
        return self.own + self.rules


class Entries:
    """All entries by number: those of a crawl first, then the claims."""

    def __init__(self, observations: Rows, claims: Rows) -> None:
        """Take the rows of both kinds."""
        self.observations = observations
        self.claims = claims
        # The first claim.
        self.first_claim = len(observations)

    def __len__(self) -> int:
        """Return the number of entries."""
        return self.first_claim + len(self.claims)

    def __getitem__(self, number: int) -> Entry:
        """Return one entry; raises IndexError past the last one."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        if number < self.first_claim:
            return _observed(self.observations.row(number))
        return _claimed(self.claims.row(number - self.first_claim))

    def some(self, numbers: NDArray[np.int64]) -> dict[int, Entry]:
        """Return some entries by number; many at once take much less time each."""
        claimed = numbers >= self.first_claim
        seen, said = numbers[~claimed], numbers[claimed]
        entries = dict(
            zip(seen.tolist(), map(_observed, self.observations.some(seen)), strict=True)
        )
        claims = map(_claimed, self.claims.some(said - self.first_claim))
        return entries | dict(zip(said.tolist(), claims, strict=True))

    def __iter__(self) -> Iterator[Entry]:
        """Yield all entries in order."""
        yield from map(_observed, self.observations.all())
        yield from map(_claimed, self.claims.all())

    def urls(self, numbers: NDArray[np.int64]) -> pa.StringArray:
        """Return the image URLs of some entries."""
        return self._both("url", numbers)

    def page_urls(self, numbers: NDArray[np.int64]) -> pa.StringArray:
        """Return the page URLs of some entries."""
        return self._both("page_url", numbers)

    def _both(self, column: str, numbers: NDArray[np.int64]) -> pa.Array:
        claimed = numbers >= self.first_claim
        if claimed.all():
            return self.claims.take(column, numbers - self.first_claim)
        if not claimed.any():
            return self.observations.take(column, numbers)
        seen = self.observations.take(column, numbers[~claimed])
        said = self.claims.take(column, numbers[claimed] - self.first_claim)
        places = np.empty(len(numbers), np.int64)
        places[~claimed] = np.arange(len(seen))
        places[claimed] = len(seen) + np.arange(len(said))
        return pa.concat_arrays([seen, said]).take(pa.array(places))


def _observed(row: dict[str, Any]) -> Entry:
    urls = {"url": row["url"], "page_url": row["page_url"]}
    urls["fetched_url"] = row["fetched_url"] or row["url"]
    return Entry(
        name=f"observation:{row['id']}",
        url=row["url"],
        page_url=row["page_url"],
        relation=row["relation"],
        source="crawl",
        gone=row["gone"],
        own=set_from_json(row["signals"], urls),
        rules=set_from_json(row["rules"], urls) if row["rules"] else (),
        since=row["since"],
        seen=row["seen"],
        past=past_from_json(row["past"]),
    )


def _claimed(row: dict[str, Any]) -> Entry:
    urls = {"url": row["url"], "page_url": row["page_url"]}
    return Entry(
        name=f"claim:{row['id']}",
        url=row["url"],
        page_url=row["page_url"],
        relation=None,
        source=row["source"],
        gone=False,
        own=set_from_json(row["signals"], urls),
        rules=(),
        since=row["since"],
        seen=row["since"],
    )

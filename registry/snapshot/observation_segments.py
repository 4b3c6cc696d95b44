"""The observations of a segment, as a snapshot has them: the entries, and digests of records. Pure.

`history` decides which marks are current.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import pyarrow as pa

from registry.db.rows import ObservationRow
from registry.model import Signal
from registry.signals import vocabularies_with
from registry.snapshot.evidence_read import ReadEvidence
from registry.snapshot.format import past_to_json, schema_of, set_to_json, shape_digest
from registry.snapshot.history import Dated, Past, PictureHistory, pictures_shown
from registry.snapshot.past_rules import newest
from registry.snapshot.record_digests import observation_fields, record_digest
from registry.snapshot.rows import placed
from registry.snapshot.site_rules import RulesOfSites
from registry.snapshot.tables import table


@dataclass(slots=True)
class Observed:
    """Collects the rows of one segment. `pictures` holds the sha256 of pictures by id."""

    read: ReadEvidence
    rules: RulesOfSites
    pictures: Mapping[int, bytes]
    _entries: list[dict[str, Any]] = field(default_factory=list)
    _records: list[tuple[int, bytes]] = field(default_factory=list)

    def add(self, rows: Iterable[ObservationRow]) -> None:
        """Add observations by image URL and page URL, oldest first."""
        for _, group in groupby(rows, lambda row: (row.image_url, row.page_url)):
            history = list(group)
            for row in history:
                fields = observation_fields(row, self.pictures, self.read.digests)
                self._records.append((row.id, record_digest(fields)))
            *earlier, present = pictures_shown(history, self.read.signals, self.read.about)
            for picture in earlier:
                self._append(picture, still_there=False)
            self._append(present, still_there=True)

    def tables(self) -> dict[str, pa.Table]:
        """Return the tables `observations` and `observation-records`."""
        records = sorted(self._records)
        return {
            "observations": table("observations", self._entries),
            "observation-records": pa.table(
                {"id": [number for number, _ in records], "digest": [d for _, d in records]},
                schema_of("observation-records"),
            ),
        }

    def _append(self, picture: PictureHistory, *, still_there: bool) -> None:
        """Add one entry; one no longer served at its URL matches by its hashes only."""
        row = picture.last
        rules, since = self.rules.of(row)
        own = placed(picture.dated.signals, row)
        # A mark at this URL may be older than the picture there.
        since += [max(when, picture.first) for when in picture.dated.oldest(own)]
        places = _places(row)
        self._entries.append(
            {
                "id": row.id,
                "url": row.image_url,
                "page_url": row.page_url,
                "fetched_url": None if row.fetched_url == row.image_url else row.fetched_url,
                "relation": row.relation,
                "gone": not still_there,
                "picture": picture.image_id,
                "signals": _set(own, places),
                "rules": _set(rules, places) if rules else None,
                "since": min(since, default=picture.first),
                "seen": row.last_at,
                "past": past_to_json(newest(self._removed(picture.dated, row))),
            }
        )

    def _removed(self, dated: Dated, row: ObservationRow) -> list[Past]:
        """Return the removed refusals of an image, its page and their sites."""
        urls = dict.fromkeys((row.image_url, row.fetched_url or "", row.page_url or ""))
        own = [past for past in dated.past if placed((past.signal,), row)]
        return own + self.rules.past.removed(urls)


def _places(row: ObservationRow) -> dict[str, str]:
    urls = {"page_url": row.page_url, "fetched_url": row.fetched_url, "url": row.image_url}
    return {url: name for name, url in urls.items() if url}


def _set(signals: tuple[Signal, ...], places: Mapping[str, str]) -> str:
    distinct = list(dict.fromkeys(signals))
    return set_to_json(distinct, places, shape_digest(distinct, vocabularies_with("LICENSABLE")))

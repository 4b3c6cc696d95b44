"""Builds a snapshot from an export of the registry.

Each build reads all evidence with the current readers, so a corrected reader also corrects
earlier records. `history` decides which marks are current; this module writes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from sys import intern
from typing import Any, Protocol

from registry import __version__
from registry.db.rows import (
    ClaimRow,
    EvidenceRow,
    ImageRow,
    ObservationRow,
    SiteRuleRow,
    ViewRow,
)
from registry.fingerprints import versions
from registry.model import Signal
from registry.signals import read, readers, vocabularies_with
from registry.snapshot.format import RECORDS, past_to_json, shape, signals_to_json
from registry.snapshot.history import (
    Dated,
    Past,
    PictureHistory,
    pictures_shown,
)
from registry.snapshot.manifest import FileEntry, Manifest
from registry.snapshot.past_rules import newest
from registry.snapshot.record_digests import (
    observation_fields,
    record_digest,
    site_rule_fields,
)
from registry.snapshot.rows import (
    claim_signal,
    image_row,
    placed,
    recorded_host,
    site_claim_signal,
)
from registry.snapshot.site_rules import RulesOfSites
from registry.snapshot.store import TableWriter
from registry.urls.key import url_key


class Source(Protocol):
    """The input of a build: `registry.db.export.Export`, or an object of a test."""

    def images(self) -> Iterator[ImageRow]:
        """Yield pictures by id."""

    def views(self) -> Iterator[ViewRow]:
        """Yield further views of pictures."""

    def evidence(self) -> Iterator[EvidenceRow]:
        """Yield evidence by id."""

    def site_rules(self) -> Iterator[SiteRuleRow]:
        """Yield rules files by host, kind and URL, oldest first."""

    def observations(self) -> Iterator[ObservationRow]:
        """Yield observations by image URL and page URL, oldest first."""

    def claims(self) -> Iterator[ClaimRow]:
        """Yield claims by id."""


def build(
    source: Source, folder: Path, *, serial: int, built_at: datetime, database: dict[str, int | str]
) -> Manifest:
    """Write the files of a snapshot into `folder` and return its manifest.

    The same registry gives the same files, byte for byte.
    """
    builder = _Builder(folder)
    builder.add_images(source.images())
    builder.add_views(source.views())
    builder.read_evidence(source.evidence())
    builder.add_site_rules(source.site_rules())
    builder.add_observations(source.observations())
    builder.add_claims(source.claims())
    files = builder.close()
    return Manifest(
        serial=serial,
        built_at=built_at.isoformat(),
        version=__version__,
        counts={name.removesuffix(".arrow"): entry.rows for name, entry in files.items()},
        algorithms=versions(),
        readers=sorted(readers()),
        database=database,
        files=files,
    )


class _Builder:
    def __init__(self, folder: Path) -> None:
        self._images = TableWriter(folder, "images.arrow")
        self._views = TableWriter(folder, "views.arrow")
        self._entries = TableWriter(folder, "entries.arrow")
        self._signals = TableWriter(folder, "signals.arrow")
        self._sites = TableWriter(folder, "sites.arrow")
        self._records = TableWriter(folder, RECORDS)
        # By id: the row of a picture, and whether it has a fingerprint.
        self._image_rows: dict[int, tuple[int, bool]] = {}
        # By digest of its text, since the texts together may not fit in memory.
        self._signal_rows: dict[bytes, int] = {}
        self._shapes: dict[tuple[Signal, ...], int] = {}
        # By evidence id: the signals, if there are any, and the object (image, page, site).
        self._read: dict[int, tuple[Signal, ...]] = {}
        self._about: dict[int, str] = {}
        # By id: the digests of pictures and of evidence, which those of records are made of.
        self._pictures: dict[int, bytes] = {}
        self._evidence: dict[int, bytes] = {}
        self._site_rules = RulesOfSites()

    def close(self) -> dict[str, FileEntry]:
        tables = (self._images, self._views, self._entries, self._signals, self._sites)
        writers = (*tables, self._records)
        return {writer.path.name: writer.close() for writer in writers}

    def add_images(self, images: Iterable[ImageRow]) -> None:
        for image in images:
            row = self._images.append(image_row(image))
            self._image_rows[image.id] = row, image.phash64 is not None
            self._pictures[image.id] = image.sha256

    def add_views(self, views: Iterable[ViewRow]) -> None:
        for view in views:
            self._views.append(
                {
                    "image": self._image_rows[view.image_id][0],
                    "view": view.view,
                    "phash64": int.from_bytes(view.phash64),
                    "phash256": view.phash256,
                }
            )

    def read_evidence(self, rows: Iterable[EvidenceRow]) -> None:
        for row in rows:
            # One string for all that are about the same.
            self._about[row.id] = intern(row.about)
            self._evidence[row.id] = row.digest
            signals = read(row.evidence()).signals
            if signals:
                self._read[row.id] = signals

    def add_site_rules(self, rows: Iterable[SiteRuleRow]) -> None:
        # Earlier versions spelled some hosts in another way.
        spelled = (replace(row, host=recorded_host(row.host)) for row in self._recorded_files(rows))
        for (host, kind, _), group in groupby(spelled, lambda row: (row.host, row.kind, row.url)):
            history = list(group)
            dated = self._site_rules.add(history, self._read)
            if dated.signals:
                last = history[-1]
                self._append_site(f"site-rule:{last.id}", host, kind, "crawl", dated, last.last_at)

    def _recorded_files(self, rows: Iterable[SiteRuleRow]) -> Iterator[SiteRuleRow]:
        """Yield the rows, and write the digest of each."""
        for row in rows:
            digest = record_digest(site_rule_fields(row, self._evidence))
            self._records.append({"record": f"site-rule:{row.id}", "digest": digest})
            yield row

    def _recorded_observations(self, rows: Iterable[ObservationRow]) -> Iterator[ObservationRow]:
        """Yield the rows, and write the digest of each."""
        for row in rows:
            digest = record_digest(observation_fields(row, self._pictures, self._evidence))
            self._records.append({"record": f"observation:{row.id}", "digest": digest})
            yield row

    def add_observations(self, rows: Iterable[ObservationRow]) -> None:
        recorded = self._recorded_observations(rows)
        for _, history in groupby(recorded, lambda row: (row.image_url, row.page_url)):
            *earlier, present = pictures_shown(list(history), self._read, self._about)
            for picture in earlier:
                self._append_picture(picture, still_there=False)
            self._append_picture(present, still_there=True)

    def _append_picture(self, picture: PictureHistory, *, still_there: bool) -> None:
        """Write one entry; one no longer served at its URL matches by its hashes only."""
        row = picture.last
        rules, since = self._site_rules.of(row)
        own = placed(picture.dated.signals, row)
        # A mark at this URL may be older than the picture there.
        since += [max(when, picture.first) for when in picture.dated.oldest(own)]
        image = None if picture.image_id is None else self._image_rows[picture.image_id][0]
        self._append_entry(
            entry=f"observation:{row.id}",
            url=row.image_url,
            url_key=url_key(row.image_url) if still_there else None,
            page_url=row.page_url,
            relation=row.relation,
            source="crawl",
            image=image,
            signals=own,
            rules=rules,
            since=min(since, default=picture.first),
            seen=row.last_at,
            past=past_to_json(newest(self._removed(picture.dated, row))),
        )

    def _removed(self, dated: Dated, row: ObservationRow) -> list[Past]:
        """Return the removed refusals of an image, its page and their sites."""
        urls = dict.fromkeys((row.image_url, row.fetched_url or "", row.page_url or ""))
        own = [past for past in dated.past if placed((past.signal,), row)]
        return own + self._site_rules.past.removed(urls)

    def add_claims(self, rows: Iterable[ClaimRow]) -> None:
        for claim in rows:
            hashed = any((claim.sha256, claim.md5, claim.phash64))
            entry = f"claim:{claim.id}"
            # With a URL or a hash, a site without a pattern is only the origin of the image.
            if claim.site and (claim.path_pattern or not (claim.url or hashed)):
                dated = Dated()
                site = recorded_host(claim.site)
                dated.see((site_claim_signal(claim, site),), claim.since)
                self._append_site(entry, site, "claim", claim.source, dated, claim.since)
            if claim.url or hashed:
                self._append_entry(
                    entry=entry,
                    url=claim.url,
                    url_key=url_key(claim.url) if claim.url else None,
                    page_url=claim.page_url,
                    relation=None,
                    source=claim.source,
                    image=self._claimed_image(claim) if hashed else None,
                    signals=(claim_signal(claim),),
                    rules=(),
                    since=claim.since,
                    seen=claim.since,
                )

    def _claimed_image(self, claim: ClaimRow) -> int:
        """Return the row of the picture with the claim's digest, or a new row."""
        if claim.image_id is not None:
            row, fingerprinted = self._image_rows[claim.image_id]
            if fingerprinted or claim.phash64 is None:
                return row
        return self._images.append(image_row(claim))

    def _append_entry(
        self, *, signals: tuple[Signal, ...], rules: tuple[Signal, ...], **fields: Any
    ) -> None:
        own = self._signal_row(signals)
        site = self._signal_row(rules) if rules else None
        self._entries.append({"signals": own, "rules": site, **fields})

    def _signal_row(self, signals: Sequence[Signal]) -> int:
        distinct = list(dict.fromkeys(signals))
        text = signals_to_json(distinct)
        digest = hashlib.sha256(text.encode()).digest()
        if digest not in self._signal_rows:
            kind = shape(distinct, vocabularies_with("LICENSABLE"))
            number = self._shapes.setdefault(kind, len(self._shapes))
            self._signal_rows[digest] = self._signals.append({"signals": text, "shape": number})
        return self._signal_rows[digest]

    def _append_site(
        self, entry: str, host: str, kind: str, source: str, dated: Dated, seen: datetime
    ) -> None:
        self._sites.append(
            {
                "entry": entry,
                "host": host,
                "kind": kind,
                "source": source,
                "signals": signals_to_json(dated.signals),
                "since": min(dated.oldest(dated.signals), default=min(dated.since.values())),
                "seen": seen,
            }
        )

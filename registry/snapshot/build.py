"""Builds a snapshot from a source by segments; those that did not change are shared.

A segment depends on its rows, on the code that reads them, and, if it has observations, on the
site files of their hosts. So the same registry gives the same files, byte for byte, whether they
were built at once or one after the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pyarrow as pa

from registry import __version__, durable
from registry.fingerprints import versions
from registry.signals import readers
from registry.snapshot.claim_segments import claim_tables
from registry.snapshot.code import code_digest
from registry.snapshot.content import Content
from registry.snapshot.evidence_read import EvidenceReader, ReadEvidence
from registry.snapshot.format import KINDS, MANIFEST
from registry.snapshot.lookup_tables import index_arrays
from registry.snapshot.manifest import Manifest, Segment, manifest_to_json
from registry.snapshot.mapped import MappedFile
from registry.snapshot.observation_segments import Observed
from registry.snapshot.rows import image_row, recorded_host, view_row
from registry.snapshot.rules_read import RulesRead
from registry.snapshot.site_file_segments import site_file_tables
from registry.snapshot.source import Group
from registry.snapshot.tables import table
from registry.snapshot.writer import FolderWriter
from registry.urls.key import host_of

if TYPE_CHECKING:
    from registry.snapshot.opened import Snapshot
    from registry.snapshot.source import Source

Tables = Mapping[str, pa.Table]


def build(
    source: Source,
    folder: Path,
    *,
    serial: int,
    built_at: datetime,
    database: dict[str, int | str],
    before: Snapshot | None = None,
) -> Manifest:
    """Write the files of a snapshot into `folder`, and return its manifest, which it also writes.

    Segments of `before` that did not change are taken from it.
    """
    writer = FolderWriter(folder)
    segments = _Builder(source, writer, before).segments()
    manifest = Manifest(
        serial=serial,
        built_at=built_at.isoformat(),
        version=__version__,
        counts={},
        algorithms=versions(),
        readers=sorted(readers()),
        database=database,
        segments=segments,
        arrays={},
        files={},
    )
    return _indexed(writer, manifest, folder)


def _indexed(writer: FolderWriter, manifest: Manifest, folder: Path) -> Manifest:
    """Write the index of the segments, and the manifest."""
    counts = {
        kind: sum(writer.files[s.files[kind]].rows for s in manifest.segments if kind in s.files)
        for kind in KINDS
    }
    arrays = writer.write_index(index_arrays(_Written(manifest, writer)))
    manifest = replace(manifest, counts=counts, arrays=arrays, files=writer.finish())
    durable.write_text(folder / MANIFEST, manifest_to_json(manifest))
    return manifest


class _Written(Content):
    """The rows of segments that have just been written."""

    def __init__(self, manifest: Manifest, writer: FolderWriter) -> None:
        super().__init__()
        self.manifest = replace(manifest, files=writer.files)
        self._writer = writer

    def file(self, name: str) -> MappedFile:
        return self._writer.mapped(name)


class _Builder:
    def __init__(self, source: Source, writer: FolderWriter, before: Snapshot | None) -> None:
        self._source = source
        self._writer = writer
        self._before = before
        self._reader = EvidenceReader()
        self._rules = RulesRead(source, self._reader, before)

    def segments(self) -> list[Segment]:
        """Write or share all segments."""
        made: list[Segment] = []
        for group in get_args(Group):
            for number, sum_ in sorted(self._source.sums(group).items()):
                made.append(self._segment(group, number, sum_))
        hosts = [{"host": host, "read": text} for host, text in sorted(self._rules.sums.items())]
        made.append(self._made("site-hosts", 0, "", {"site-hosts": table("site-hosts", hosts)}))
        return made

    def _segment(self, group: Group, number: int, sum_: str) -> Segment:
        inputs = hashlib.sha256(f"{code_digest()} {sum_}".encode()).hexdigest()
        known = self._known.get((group, number))
        if known and known.inputs == inputs and self._shared(known):
            return known
        return self._made(group, number, inputs, self._tables[group](number))

    def _shared(self, known: Segment) -> bool:
        """Take a segment from the snapshot before, if what it says still holds."""
        assert self._before is not None
        return not self._rules.changed_for(known) and self._writer.share(self._before, known)

    def _made(self, group: str, number: int, inputs: str, tables: Tables) -> Segment:
        files = {
            kind: self._writer.add_table(kind, number, rows)
            for kind, rows in tables.items()
            if len(rows)
        }
        return Segment(group, number, inputs, files)

    @cached_property
    def _known(self) -> dict[tuple[str, int], Segment]:
        """The segments of the snapshot before."""
        segments = self._before.manifest.segments if self._before else ()
        return {(segment.group, segment.number): segment for segment in segments}

    @property
    def _tables(self) -> Mapping[Group, Callable[[int], Tables]]:
        return {
            "pictures": self._pictures,
            "observations": self._observations,
            "site-files": self._site_files,
            "claims": lambda number: claim_tables(self._source.claims(number)),
        }

    def _pictures(self, number: int) -> Tables:
        pictures = [image_row(row) for row in self._source.pictures(number)]
        views = [view_row(row) for row in self._source.views(number)]
        return {"pictures": table("pictures", pictures), "views": table("views", views)}

    def _observations(self, number: int) -> Tables:
        rows = list(self._source.observations(number))
        read = self._read({number for row in rows for number in row.evidence})
        ids = {row.image_id for row in rows if row.image_id is not None}
        urls = {url for r in rows for url in (r.image_url, r.page_url, r.fetched_url) if url}
        rules = self._rules.of({host for url in urls if (host := host_of(url))})
        observed = Observed(read, rules, self._source.picture_digests(ids))
        observed.add(rows)
        return observed.tables()

    def _site_files(self, number: int) -> Tables:
        rows = list(self._source.site_files(number))
        read = self._read({row.evidence_id for row in rows if row.evidence_id is not None})
        rules = self._rules.of({recorded_host(row.host) for row in rows})
        return site_file_tables(rows, read, rules)

    def _read(self, ids: set[int]) -> ReadEvidence:
        return self._reader.read(self._source.evidence(ids))

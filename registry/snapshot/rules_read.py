"""The site files that a build needs: read by host, and whether they changed since."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from registry.snapshot.arrow_files import ArrowFile
from registry.snapshot.rows import recorded_host
from registry.snapshot.site_file_segments import histories
from registry.snapshot.site_rules import RulesOfSites
from registry.urls.columns import hashes_of, key_column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.snapshot.evidence_read import EvidenceReader
    from registry.snapshot.manifest import Segment
    from registry.snapshot.opened import Snapshot
    from registry.snapshot.source import Source

# The columns with the URLs by whose hosts the rules of an entry are chosen.
_URLS = ("url", "page_url", "fetched_url")


class RulesRead:
    """The rules of sites, read when a host is first asked for."""

    def __init__(self, source: Source, reader: EvidenceReader, before: Snapshot | None) -> None:
        self._source = source
        self._reader = reader
        self._before = before
        self._rules = RulesOfSites()
        self._loaded: set[str] = set()

    @cached_property
    def sums(self) -> Mapping[str, str]:
        """By host as recorded, a text that changes with any reading of its site files."""
        return self._source.host_sums()

    @cached_property
    def _recorded(self) -> dict[str, list[str]]:
        """The recorded spellings of each host."""
        spellings: dict[str, list[str]] = {}
        for host in self.sums:
            spellings.setdefault(recorded_host(host), []).append(host)
        return spellings

    def of(self, hosts: set[str]) -> RulesOfSites:
        """Return rules with those of these hosts."""
        wanted = {name for host in hosts for name in self._recorded.get(host, ())} - self._loaded
        if wanted:
            rows = list(self._source.site_files_of(wanted))
            ids = {row.evidence_id for row in rows if row.evidence_id is not None}
            read = self._reader.read(self._source.evidence(ids))
            for history in histories(rows):
                self._rules.add(history, read.signals)
            self._loaded |= wanted
        return self._rules

    def changed_for(self, segment: Segment) -> bool:
        """Return whether the site files of a host in a segment of the snapshot before changed."""
        if not len(self._changed) or self._before is None:
            return False
        for kind, name in segment.files.items():
            rows = self._before.manifest.files[name].rows
            opened = ArrowFile(self._before.file(name), kind, rows)
            hosts: list[NDArray[np.uint64]] = []
            if kind == "observations":
                keys = [key_column(opened.column(column)) for column in _URLS]
                hosts = [one.hosts[one.has] for one in keys]
            elif kind == "site-files":
                hosts = [hashes_of(opened.column("host"))]
            if any(np.isin(one, self._changed).any() for one in hosts):
                return True
        return False

    @cached_property
    def _changed(self) -> NDArray[np.uint64]:
        """The hashes of the hosts whose site files changed."""
        assert self._before is not None
        rows = self._before.rows("site-hosts")
        names, sums = (rows.column(name).to_pylist() for name in ("host", "read"))
        before = dict(zip(names, sums, strict=True))
        hosts = {h for h in {*before, *self.sums} if before.get(h) != self.sums.get(h)}
        return hashes_of(pa.array(sorted({recorded_host(host) for host in hosts}), pa.string()))

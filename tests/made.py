"""Makes snapshots for tests without a database: rows in, an opened snapshot out."""

from __future__ import annotations

import hashlib
import json
import operator
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from registry.db.rows import (
    SEGMENT_BITS,
    ClaimRow,
    EvidenceRow,
    ImageRow,
    ObservationRow,
    SiteRuleRow,
    ViewRow,
    evidence_from_row,
)
from registry.db.values import evidence_digest
from registry.index.tables import entry_tables
from registry.matching.key_table import NONE
from registry.model import Claim, Picture
from registry.snapshot import store
from registry.snapshot.build import build
from registry.snapshot.chunks import chunk_digests, split, tree_digest
from registry.snapshot.format import DIGESTS_FILE, MANIFEST
from registry.snapshot.manifest import FileEntry, manifest_to_json
from registry.snapshot.opened import Snapshot, open_snapshot, read_manifest
from registry.snapshot.source import Group

# The columns of claims as a build reads them.
_STRINGS = (
    *("source", "url", "page_url", "site", "path_pattern", "meaning", "use", "signal"),
    *("evidence", "licence_url", "file_name", "claimant"),
)
CLAIMS = pa.schema(
    {
        "id": pa.int64(),
        **dict.fromkeys(_STRINGS, pa.string()),
        **dict.fromkeys(("sha256", "phash256"), pa.binary(32)),
        "md5": pa.binary(16),
        "phash64": pa.uint64(),
        **dict.fromkeys(("width", "height"), pa.int32()),
        "since": pa.timestamp("us", "UTC"),
    }
)
DAY = datetime(2026, 11, 1, 12, tzinfo=UTC)
# A claim with a value in every column of a list.
FULL_CLAIM = Claim(
    source="a list",
    url="https://art.example/a.jpg",
    page_url="http://art.example/gallery",
    site="art.example",
    path_pattern="/a*",
    sha256="ab" * 32,
    md5="cd" * 16,
    phash64="8f0e1d2c3b4a5968",
    phash256="0123456789abcdef" * 4,
    width=640,
    height=480,
    meaning="conditional",
    use="tdm",
    signal="noai",
    evidence='<meta name="robots" content="noai">',
    observed_at=datetime(2024, 5, 31, 10, tzinfo=UTC),
    claimant="the artist",
    licence_url="https://art.example/licence",
)


def day(number: int) -> datetime:
    """Return noon of a day in November 2026."""
    return DAY.replace(day=number)


class MadeSource:
    """The rows of a `Made` by segments, as a build reads them."""

    def __init__(self, made: Made) -> None:
        self._made = made

    def sums(self, group: Group) -> dict[int, str]:
        read = {
            "pictures": lambda number: [*self.pictures(number), *self.views(number)],
            "observations": self.observations,
            "site-files": self.site_files,
            "claims": lambda number: self.claims(number).to_pylist(),
        }[group]
        highest = max((row.id for rows in self._made.all_rows() for row in rows), default=0)
        sums = {n: repr(list(read(n))) for n in range((highest >> SEGMENT_BITS) + 1)}
        return {number: text for number, text in sums.items() if text != "[]"}

    def host_sums(self) -> dict[str, str]:
        sums: dict[str, str] = {}
        for row in sorted(self._made.site_rule_rows, key=lambda row: row.id):
            sums[row.host] = sums.get(row.host, "") + repr(row)
        return {host: hashlib.sha256(text.encode()).hexdigest() for host, text in sums.items()}

    def pictures(self, number: int) -> Iterator[ImageRow]:
        return (row for row in self._made.image_rows if row.id >> SEGMENT_BITS == number)

    def views(self, number: int) -> Iterator[ViewRow]:
        rows = (row for row in self._made.view_rows if row.image_id >> SEGMENT_BITS == number)
        return iter(sorted(rows, key=lambda row: (row.image_id, row.view)))

    def picture_digests(self, ids: Collection[int]) -> dict[int, bytes]:
        return {row.id: row.sha256 for row in self._made.image_rows if row.id in ids}

    def evidence(self, ids: Collection[int]) -> Iterator[EvidenceRow]:
        return (row for row in self._made.evidence_rows if row.id in ids)

    def observations(self, number: int) -> Iterator[ObservationRow]:
        rows, first = self._made.observation_rows, dict[tuple[str, str | None], int]()
        for row in sorted(rows, key=lambda row: row.id):
            first.setdefault((row.image_url, row.page_url), row.id)
        chosen = [r for r in rows if first[r.image_url, r.page_url] >> SEGMENT_BITS == number]
        key = operator.attrgetter("image_url", "observed_at", "id")
        return iter(sorted(chosen, key=lambda r: (key(r)[0], r.page_url or "", *key(r)[1:])))

    def site_files(self, number: int) -> Iterator[SiteRuleRow]:
        rows, first = self._made.site_rule_rows, dict[tuple[str, str, str], int]()
        for row in sorted(rows, key=lambda row: row.id):
            first.setdefault((row.host, row.kind, row.url), row.id)
        of = (r for r in rows if first[r.host, r.kind, r.url] >> SEGMENT_BITS == number)
        return iter(sorted(of, key=lambda r: (r.host, r.kind, r.url, r.observed_at, r.id)))

    def site_files_of(self, hosts: Collection[str]) -> Iterator[SiteRuleRow]:
        rows = (row for row in self._made.site_rule_rows if row.host in hosts)
        return iter(sorted(rows, key=lambda r: (r.host, r.kind, r.url, r.observed_at, r.id)))

    def claims(self, number: int) -> pa.Table:
        rows = [row for row in self._made.claim_rows if row.id >> SEGMENT_BITS == number]
        columns = {
            name: [
                int.from_bytes(value) if name == "phash64" and value is not None else value
                for value in (getattr(row, name) for row in rows)
            ]
            for name in CLAIMS.names
        }
        return pa.table(columns, CLAIMS)


@dataclass
class Made:
    """A registry of a few rows; methods add rows and return their ids."""

    image_rows: list[ImageRow] = field(default_factory=list)
    view_rows: list[ViewRow] = field(default_factory=list)
    evidence_rows: list[EvidenceRow] = field(default_factory=list)
    site_rule_rows: list[SiteRuleRow] = field(default_factory=list)
    observation_rows: list[ObservationRow] = field(default_factory=list)
    claim_rows: list[ClaimRow] = field(default_factory=list)
    # By kind of row: the last id that was given.
    last_ids: dict[str, int] = field(default_factory=dict)

    def next_id(self, kind: str) -> int:
        self.last_ids[kind] = self.last_ids.get(kind, 0) + 1
        return self.last_ids[kind]

    def skip(self, kind: str, ids: int) -> None:
        """Leave out so many ids of a kind of row: image, evidence, site_rule, ..."""
        self.last_ids[kind] = self.last_ids.get(kind, 0) + ids

    def all_rows(self) -> list[Any]:
        return [self.image_rows, self.site_rule_rows, self.observation_rows, self.claim_rows]

    def image(self, phash64: int | None = None, **fields: Any) -> int:
        number = self.next_id("image")
        row: dict[str, Any] = {
            "id": number,
            "sha256": number.to_bytes(32),
            "md5": number.to_bytes(16),
            "width": 640,
            "height": 480,
            "phash64": None if phash64 is None else phash64.to_bytes(8),
            "phash256": None,
        }
        self.image_rows.append(ImageRow(**row | fields))
        return number

    def picture(self, known: Picture) -> int:
        """Add a picture with all its views."""
        near, wide = (known.fingerprints.get(name, {}) for name in ("phash64", "phash256"))
        number = self.image(
            int(near["full"], 16) if "full" in near else None,
            phash256=bytes.fromhex(wide["full"]) if "full" in wide else None,
            sha256=bytes.fromhex(known.sha256),
            md5=bytes.fromhex(known.md5),
        )
        for view in sorted(set(near) - {"full"}):
            bits = bytes.fromhex(near[view]), bytes.fromhex(wide[view])
            self.view_rows.append(ViewRow(number, view, *bits))
        return number

    def headers(
        self, *values: str, about: str = "image", url: str = "https://a.example/1.jpg"
    ) -> int:
        return self.fields(*(("X-Robots-Tag", value) for value in values), about=about, url=url)

    def fields(
        self,
        *lines: tuple[str, str],
        about: str = "image",
        url: str = "https://a.example/1.jpg",
    ) -> int:
        return self._evidence("headers", about, url, [list(line) for line in lines], None)

    def page(self, html: str, url: str = "https://a.example/page") -> int:
        return self._evidence("html", "page", url, None, html)

    def _evidence(self, carrier: str, about: Any, url: str, lines: Any, text: str | None) -> int:
        number = self.next_id("evidence")
        digest = evidence_digest(evidence_from_row(carrier, about, url, lines, text))
        self.evidence_rows.append(EvidenceRow(number, carrier, about, url, lines, text, digest))
        return number

    def observe(
        self, url: str, evidence: list[int] | None = None, *, on: int = 1, **fields: Any
    ) -> int:
        number = self.next_id("observation")
        row: dict[str, Any] = {
            "id": number,
            "observed_at": day(on),
            "image_url": url,
            "page_url": "https://a.example/page",
            "fetched_url": None,
            "relation": "own",
            "status": None,
            "refusal": None,
            "image_id": None,
            "evidence": evidence or [],
        }
        self.observation_rows.append(ObservationRow(**row | fields))
        return number

    def robots(
        self,
        host: str,
        text: str | None,
        *,
        on: int = 1,
        refusal: str | None = None,
        url: str | None = None,
        takes_back: bool = True,
    ) -> int:
        url = url or f"https://{host}/robots.txt"
        number = self.site_file("robots-txt", host, url, text, on=on, refusal=refusal)
        self.site_rule_rows[-1] = replace(self.site_rule_rows[-1], takes_back=takes_back)
        return number

    def site_file(
        self,
        kind: str,
        host: str,
        url: str,
        text: str | None,
        *,
        on: int = 1,
        refusal: str | None = None,
    ) -> int:
        evidence = None if text is None else self._evidence(kind, "site", url, None, text)
        number = self.next_id("site_rule")
        row = SiteRuleRow(number, day(on), host, kind, url, None, refusal, evidence)
        self.site_rule_rows.append(row)
        return number

    def claim(self, **fields: Any) -> int:
        number = self.next_id("claim")
        row = dict.fromkeys(ClaimRow.__dataclass_fields__) | {
            "id": number,
            "source": "a list",
            "meaning": "reserved",
            "use": "train",
            "since": day(1),
        }
        self.claim_rows.append(ClaimRow(**row | fields))
        return number

    def snapshot(self, folder: Path, serial: int = 1, before: Snapshot | None = None) -> Snapshot:
        """Publish what was made into a folder and open it."""
        target = folder / f"snapshot-{serial}"
        with store.building(target) as temporary:
            build(
                MadeSource(self),
                temporary,
                serial=serial,
                built_at=day(20),
                database={"claim": 0},
                before=before,
            )
            store.publish(temporary, target)
        return open_snapshot(target)


def pictures_of(snapshot: Snapshot) -> list[int | None]:
    """Return the number of the picture of each entry."""
    pictures = entry_tables(snapshot).pictures(np.arange(len(snapshot.entries)))
    return [None if number == NONE else number for number in pictures.tolist()]


def seal(folder: Path, name: str, rows: int | None = None) -> None:
    """Write the digests that a file of a snapshot has now, and the manifest over them."""
    manifest = read_manifest(folder)
    content = (folder / name).read_bytes()
    sizes = {n: e.size for n, e in manifest.files.items() if n != DIGESTS_FILE}
    parts = split((folder / DIGESTS_FILE).read_bytes(), sizes)
    assert parts is not None
    parts[name] = chunk_digests(content)
    whole = b"".join(parts[n] for n in sorted(parts))
    (folder / DIGESTS_FILE).write_bytes(whole)
    rows = manifest.files[name].rows if rows is None else rows
    changed = {
        name: FileEntry(len(content), rows, tree_digest(parts[name])),
        DIGESTS_FILE: FileEntry(len(whole), len(whole) // 32, tree_digest(chunk_digests(whole))),
    }
    sealed = replace(manifest, files={**manifest.files, **changed})
    (folder / MANIFEST).write_text(manifest_to_json(sealed))


def earlier_format(path: Path) -> Path:
    """Make a snapshot one of format 3, which this version does not read; return its path."""
    manifest = json.loads((path / MANIFEST).read_text())
    (path / MANIFEST).write_text(json.dumps({**manifest, "format": 3}))
    return path

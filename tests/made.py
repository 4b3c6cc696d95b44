"""Makes snapshots for tests without a database: rows in, an opened snapshot out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from registry.db.rows import (
    ClaimRow,
    EvidenceRow,
    ImageRow,
    ObservationRow,
    SiteRuleRow,
    ViewRow,
    evidence_from_row,
)
from registry.db.values import evidence_digest
from registry.model import Claim, Picture
from registry.snapshot import store
from registry.snapshot.build import build
from registry.snapshot.format import MANIFEST, RECORDS
from registry.snapshot.manifest import manifest_to_json
from registry.snapshot.store import Snapshot

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


@dataclass
class Made:
    """A registry of a few rows; methods add rows and return their ids."""

    image_rows: list[ImageRow] = field(default_factory=list)
    view_rows: list[ViewRow] = field(default_factory=list)
    evidence_rows: list[EvidenceRow] = field(default_factory=list)
    site_rule_rows: list[SiteRuleRow] = field(default_factory=list)
    observation_rows: list[ObservationRow] = field(default_factory=list)
    claim_rows: list[ClaimRow] = field(default_factory=list)

    def images(self) -> Iterator[ImageRow]:
        return iter(self.image_rows)

    def views(self) -> Iterator[ViewRow]:
        return iter(self.view_rows)

    def evidence(self) -> Iterator[EvidenceRow]:
        return iter(self.evidence_rows)

    def site_rules(self) -> Iterator[SiteRuleRow]:
        return iter(
            sorted(self.site_rule_rows, key=lambda r: (r.host, r.kind, r.url, r.observed_at))
        )

    def observations(self) -> Iterator[ObservationRow]:
        rows = self.observation_rows
        return iter(sorted(rows, key=lambda r: (r.image_url, r.page_url or "", r.observed_at)))

    def claims(self) -> Iterator[ClaimRow]:
        return iter(self.claim_rows)

    def image(self, phash64: int | None = None, **fields: Any) -> int:
        number = len(self.image_rows) + 1
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
        number = len(self.evidence_rows) + 1
        digest = evidence_digest(evidence_from_row(carrier, about, url, lines, text))
        self.evidence_rows.append(EvidenceRow(number, carrier, about, url, lines, text, digest))
        return number

    def observe(
        self, url: str, evidence: list[int] | None = None, *, on: int = 1, **fields: Any
    ) -> int:
        number = len(self.observation_rows) + 1
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
        number = len(self.site_rule_rows) + 1
        row = SiteRuleRow(number, day(on), host, kind, url, None, refusal, evidence)
        self.site_rule_rows.append(row)
        return number

    def claim(self, **fields: Any) -> int:
        number = len(self.claim_rows) + 1
        row = dict.fromkeys(ClaimRow.__dataclass_fields__) | {
            "id": number,
            "source": "a list",
            "meaning": "reserved",
            "use": "train",
            "since": day(1),
        }
        self.claim_rows.append(ClaimRow(**row | fields))
        return number

    def snapshot(self, folder: Path, serial: int = 1) -> Snapshot:
        """Publish what was made into a folder and open it."""
        target = folder / f"snapshot-{serial}"
        with store.building(target) as temporary:
            manifest = build(
                self, temporary, serial=serial, built_at=day(20), database={"claim": 0}
            )
            store.publish(temporary, target, manifest)
        return store.open_snapshot(target)


def earlier_format(path: Path) -> Path:
    """Make a snapshot one of format 2, which has no digests of records; return its path."""
    manifest = store.read_manifest(path)
    files = {name: entry for name, entry in manifest.files.items() if name != RECORDS}
    counts = {name: rows for name, rows in manifest.counts.items() if name != "evidence"}
    old = replace(manifest, format=2, files=files, counts=counts)
    (path / RECORDS).unlink()
    (path / MANIFEST).write_text(manifest_to_json(old))
    return path

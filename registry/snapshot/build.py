"""Building a snapshot from an export of the registry.

Evidence is read anew at every build, so a corrected reader corrects all that
was ever recorded. For each image on each page the latest evidence of every
kind stands: a fetch that failed later takes nothing back (RFC 9309 treats an
unreachable robots.txt the same way).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from registry import __version__
from registry.db.export import ClaimRow, EvidenceRow, ImageRow, ObservationRow, SiteRuleRow
from registry.fingerprints import versions
from registry.matching.url_key import host_of, url_key
from registry.model import PathRule, Signal
from registry.signals import read, readers
from registry.site_rules import SiteRules, url_path
from registry.snapshot.format import FileEntry, Manifest, shape, signals_to_json
from registry.snapshot.store import TableWriter

MAX_QUOTE = 4096
# Request timeout, too early, too many requests: said of this moment, not of the file.
PUT_OFF = frozenset({"http-408", "http-425", "http-429"})


class Source(Protocol):
    """What a snapshot is built from: `registry.db.export.Export`, or a test's own."""

    def images(self) -> Iterator[ImageRow]:
        """Yield pictures by id."""

    def evidence(self) -> Iterator[EvidenceRow]:
        """Yield evidence by id."""

    def site_rules(self) -> Iterator[SiteRuleRow]:
        """Yield rules files by host and kind, oldest first."""

    def observations(self) -> Iterator[ObservationRow]:
        """Yield observations by image URL and page URL, oldest first."""

    def claims(self) -> Iterator[ClaimRow]:
        """Yield claims by id."""


@dataclass(slots=True)
class Dated:
    """Signals that stand now, and since when they have been the same without a break."""

    signals: tuple[Signal, ...] = ()
    since: datetime | None = None

    def see(self, signals: tuple[Signal, ...], when: datetime) -> None:
        """Take the signals of a later reading."""
        if self.since is None or _marks(signals) != _marks(self.signals):
            self.since = when
        self.signals = signals


def build(
    source: Source, folder: Path, *, serial: int, built_at: datetime, database: dict[str, int]
) -> Manifest:
    """Write the files of a snapshot into `folder` and return its manifest.

    The same registry gives the same files, byte for byte.
    """
    builder = _Builder(folder)
    builder.add_images(source.images())
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
        self._entries = TableWriter(folder, "entries.arrow")
        self._signals = TableWriter(folder, "signals.arrow")
        self._sites = TableWriter(folder, "sites.arrow")
        self._image_rows: dict[int, int] = {}
        self._signal_rows: dict[str, int] = {}
        self._shapes: dict[tuple[Signal, ...], int] = {}
        # By evidence id: only evidence that says something, and what it is about.
        self._read: dict[int, tuple[Signal, ...]] = {}
        self._about: dict[int, str] = {}
        # By host: its rules files, each with the time since which it says so.
        self._rules: dict[str, list[tuple[SiteRules, datetime]]] = {}

    def close(self) -> dict[str, FileEntry]:
        writers = (self._images, self._entries, self._signals, self._sites)
        return {writer.path.name: writer.close() for writer in writers}

    def add_images(self, images: Iterable[ImageRow]) -> None:
        for image in images:
            self._image_rows[image.id] = self._images.append(_image(image))

    def read_evidence(self, rows: Iterable[EvidenceRow]) -> None:
        for row in rows:
            self._about[row.id] = row.about
            signals = read(row.evidence()).signals
            if signals:
                self._read[row.id] = signals

    def add_site_rules(self, rows: Iterable[SiteRuleRow]) -> None:
        for (host, kind), history in groupby(rows, lambda row: (row.host, row.kind)):
            self._add_site_file(host, kind, list(history))

    def _add_site_file(self, host: str, kind: str, history: Sequence[SiteRuleRow]) -> None:
        dated, last = Dated(), history[-1]
        for row in history:
            if row.evidence_id is not None:
                dated.see(self._read.get(row.evidence_id, ()), row.observed_at)
            elif _is_absent(row.refusal or ""):
                dated.see((), row.observed_at)
        if not dated.signals or dated.since is None:
            return
        rules = SiteRules(dated.signals)
        self._rules.setdefault(host, []).append((rules, dated.since))
        entry = f"site-rule:{last.id}"
        self._append_site(entry, host, kind, "crawl", dated, last.observed_at)

    def add_observations(self, rows: Iterable[ObservationRow]) -> None:
        for _, history in groupby(rows, lambda row: (row.image_url, row.page_url)):
            self._add_observation(list(history))

    def _add_observation(self, history: Sequence[ObservationRow]) -> None:
        dated, image, last = Dated(), None, history[-1]
        latest: dict[str, list[int]] = {}
        for row in history:
            image = row.image_id if row.image_id is not None else image
            by_about: dict[str, list[int]] = {}
            for evidence_id in row.evidence:
                by_about.setdefault(self._about[evidence_id], []).append(evidence_id)
            latest.update(by_about)
            dated.see(self._signals_of(latest, row), row.observed_at)
        signals, since = self._with_site_rules(dated, last)
        self._append_entry(
            entry=f"observation:{last.id}",
            url=last.image_url,
            page_url=last.page_url,
            relation=last.relation,
            source="crawl",
            image=None if image is None else self._image_rows[image],
            signals=signals,
            since=since,
            seen=last.observed_at,
        )

    def _signals_of(self, latest: dict[str, list[int]], row: ObservationRow) -> tuple[Signal, ...]:
        ids = [evidence_id for about in sorted(latest) for evidence_id in latest[about]]
        signals = [signal for i in ids for signal in self._read.get(i, ())]
        if row.relation == "third-party":
            signals = [replace(s, third_party=s.scope == "page") for s in signals]
        return tuple(signals)

    def _with_site_rules(
        self, dated: Dated, row: ObservationRow
    ) -> tuple[tuple[Signal, ...], datetime]:
        """Add what the rules files of the image's and the page's host say of their URLs."""
        signals, since = list(dated.signals), dated.since
        assert since is not None
        said = [since] if any(signal.uses for signal in signals) else []
        for url in dict.fromkeys((row.image_url, row.page_url)):
            for rules, rules_since in self._rules.get(host_of(url or "") or "", []):
                won = [s for s in rules.applicable(url_path(url or "")) if s not in signals]
                if url != row.image_url:
                    foreign = row.relation == "third-party"
                    won = [replace(s, scope="page", third_party=foreign) for s in won]
                signals.extend(won)
                if any(signal.uses for signal in won):
                    said.append(rules_since)
        return tuple(signals), min(said, default=since)

    def add_claims(self, rows: Iterable[ClaimRow]) -> None:
        for claim in rows:
            signal = _claim_signal(claim)
            hashed = any((claim.sha256, claim.md5, claim.phash64))
            if claim.site and not claim.url and not hashed:
                dated = Dated((signal,), claim.since)
                entry = f"claim:{claim.id}"
                self._append_site(entry, claim.site, "claim", claim.source, dated, claim.since)
                continue
            self._append_entry(
                entry=f"claim:{claim.id}",
                url=claim.url,
                page_url=claim.page_url,
                relation=None,
                source=claim.source,
                image=self._claimed_image(claim) if hashed else None,
                signals=(signal,),
                since=claim.since,
                seen=claim.since,
            )

    def _claimed_image(self, claim: ClaimRow) -> int:
        if claim.image_id is not None:
            return self._image_rows[claim.image_id]
        return self._images.append(_image(claim))

    def _append_entry(self, *, url: str | None, signals: tuple[Signal, ...], **fields: Any) -> None:
        row = self._signal_row(signals)
        key = url_key(url) if url else None
        self._entries.append({"url": url, "url_key": key, "signals": row, **fields})

    def _signal_row(self, signals: tuple[Signal, ...]) -> int:
        distinct = list(dict.fromkeys(signals))
        text = signals_to_json(distinct)
        if text not in self._signal_rows:
            number = self._shapes.setdefault(shape(distinct), len(self._shapes))
            self._signal_rows[text] = self._signals.append({"signals": text, "shape": number})
        return self._signal_rows[text]

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
                "since": dated.since,
                "seen": seen,
            }
        )


def _is_absent(refusal: str) -> bool:
    """Tell a site that says it has no such file (RFC 9309, 2.3.1.3) from one that puts us off."""
    return refusal.startswith("http-4") and refusal not in PUT_OFF


def _marks(signals: Sequence[Signal]) -> frozenset[tuple[Any, ...]]:
    """What makes two readings say the same; wording around the mark may change."""
    return frozenset((s.name, s.uses, s.agents, s.rule and s.rule.pattern) for s in signals)


def _image(row: ImageRow | ClaimRow) -> dict[str, Any]:
    return {
        "sha256": row.sha256,
        "md5": row.md5,
        "phash64": None if row.phash64 is None else int.from_bytes(row.phash64),
        "phash256": row.phash256,
        "width": row.width,
        "height": row.height,
    }


def _claim_signal(claim: ClaimRow) -> Signal:
    rule = PathRule(claim.path_pattern or "/", "all", 0) if claim.site else None
    return Signal(
        name=claim.signal or "claim",
        vocabulary="claim",
        carrier="claim",
        scope="site" if rule else "image",
        raw=(claim.evidence or f"{claim.meaning} for {claim.use}, says {claim.source}")[:MAX_QUOTE],
        url=f"https://{claim.site}/" if claim.site else claim.page_url or claim.url or "",
        uses=((claim.use, claim.meaning),),
        rule=rule,
        licence_url=claim.licence_url,
    )

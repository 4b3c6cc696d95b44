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
from registry.model import PathRule, Signal, Target
from registry.signals import read, readers, vocabularies_with
from registry.snapshot.format import past_to_json, shape, signals_to_json
from registry.snapshot.history import (
    Dated,
    Past,
    PictureHistory,
    mark_of,
    pictures_shown,
    refuses_training,
    rules_file,
)
from registry.snapshot.manifest import FileEntry, Manifest
from registry.snapshot.past_rules import PastRules, newest
from registry.snapshot.store import TableWriter
from registry.urls.key import host_of, url_key
from registry.urls.paths import url_path
from registry.verdict.site_rules import SiteRules, applicable, concerns

MAX_QUOTE = 4096


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
        # By id: the row of a picture, and whether it has a fingerprint.
        self._image_rows: dict[int, tuple[int, bool]] = {}
        # By digest of its text, since the texts together may not fit in memory.
        self._signal_rows: dict[bytes, int] = {}
        self._shapes: dict[tuple[Signal, ...], int] = {}
        # By evidence id: the signals, if there are any, and the object (image, page, site).
        self._read: dict[int, tuple[Signal, ...]] = {}
        self._about: dict[int, str] = {}
        # By host: its rules files.
        self._rules: dict[str, list[tuple[SiteRules, Dated]]] = {}
        self._past_rules = PastRules()
        # By host: refusals in its files for other hosts.
        self._cross_host: dict[str, list[tuple[Signal, datetime]]] = {}
        # By host: keys of the licences that its robots.txt names.
        self._licences: dict[str, set[str]] = {}

    def close(self) -> dict[str, FileEntry]:
        writers = (self._images, self._views, self._entries, self._signals, self._sites)
        return {writer.path.name: writer.close() for writer in writers}

    def add_images(self, images: Iterable[ImageRow]) -> None:
        for image in images:
            row = self._images.append(_image(image))
            self._image_rows[image.id] = row, image.phash64 is not None

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
            self._about[row.id] = row.about
            signals = read(row.evidence()).signals
            if signals:
                self._read[row.id] = signals

    def add_site_rules(self, rows: Iterable[SiteRuleRow]) -> None:
        # Earlier versions spelled some hosts in another way.
        spelled = (replace(row, host=_spelled(row.host)) for row in rows)
        for (host, kind, _), group in groupby(spelled, lambda row: (row.host, row.kind, row.url)):
            history = list(group)
            self._past_rules.add(history, self._read)
            dated = rules_file(history, self._read)
            self._keep_own_host(dated, history[-1])
            if dated.signals:
                self._rules.setdefault(host, []).append((SiteRules(dated.signals), dated))
                last = history[-1]
                self._append_site(
                    f"site-rule:{last.id}", host, kind, "crawl", dated, last.observed_at
                )

    def _keep_own_host(self, dated: Dated, row: SiteRuleRow) -> None:
        """Keep only the rules that apply to the file's own host.

        A licence permits only if it is on the host and the host's current robots.txt names
        it: a licence linked by a page applies to that page, and one that is no longer named
        was withdrawn.
        """
        if row.kind == "robots-txt":
            links = (url_key(s.licence_url) for s in dated.signals if s.licence_url)
            self._licences.setdefault(row.host, set()).update(key for key in links if key)
        named = url_key(row.url) in self._licences.get(row.host, ())
        may_permit = row.kind != "rsl-xml" or (named and host_of(row.url) == row.host)

        def own(signal: Signal) -> Signal | None:
            if not concerns(signal, row.host):
                others = self._cross_host.setdefault(row.host, [])
                others.append((_without_permission(signal), dated.since[mark_of(signal)]))
                return None
            return signal if may_permit else _without_permission(signal)

        dated.replace_signals(own)

    def add_observations(self, rows: Iterable[ObservationRow]) -> None:
        for _, history in groupby(rows, lambda row: (row.image_url, row.page_url)):
            *earlier, present = pictures_shown(list(history), self._read, self._about)
            for picture in earlier:
                self._append_picture(picture, still_there=False)
            self._append_picture(present, still_there=True)

    def _append_picture(self, picture: PictureHistory, *, still_there: bool) -> None:
        """Write one entry; one no longer served at its URL matches by its hashes only."""
        row = picture.last
        rules, since = self._rules_for(row)
        own = _placed(picture.dated.signals, row)
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
            seen=row.observed_at,
            past=past_to_json(newest(self._removed(picture.dated, row))),
        )

    def _removed(self, dated: Dated, row: ObservationRow) -> list[Past]:
        """Return the removed refusals of an image, its page and their sites."""
        urls = dict.fromkeys((row.image_url, row.fetched_url or "", row.page_url or ""))
        own = [past for past in dated.past if _placed((past.signal,), row)]
        return own + self._past_rules.removed(urls)

    def _rules_for(self, row: ObservationRow) -> tuple[tuple[Signal, ...], list[datetime]]:
        """Return the signals of the rules files of image and page, and the times of refusals."""
        image = self._applicable(row.image_url)
        if host_of(row.fetched_url or "") not in {None, host_of(row.image_url)}:
            # After a redirect the rules of both hosts apply to the image.
            image += self._applicable(row.fetched_url)
        if row.relation != "third-party":
            image += self._cross_host_refusals(row)
        page = self._applicable(row.page_url) if row.page_url != row.image_url else []
        of_image = [signal for signal, _ in image]
        foreign = row.relation == "third-party"
        of_page = [
            replace(signal, scope="page", third_party=foreign)
            for signal, _ in page
            if signal not in of_image
        ]
        since = [when for signal, when in image + page if refuses_training(signal)]
        return _merged([*of_image, *of_page]), since

    def _cross_host_refusals(self, row: ObservationRow) -> list[tuple[Signal, datetime]]:
        """Return the refusals of the page's site for its images on another host (RSL).

        They count only for images that the site shows as its own: anyone can list any URL.
        """
        host = host_of(row.image_url)
        listed = self._cross_host.get(host_of(row.page_url or "") or "", [])
        since = {s: when for s, when in listed if s.uses and s.rule and s.rule.host == host}
        signals = SiteRules(since).applicable(url_path(row.image_url)) if since else ()
        return [(signal, since[signal]) for signal in signals]

    def _applicable(self, url: str | None) -> list[tuple[Signal, datetime]]:
        """Return the rules with a meaning that apply to a URL, each with its date."""
        signals: list[tuple[Signal, datetime]] = []
        for rules, dated in self._rules.get(host_of(url or "") or "", []):
            for signal in rules.applicable(url_path(url or "")):
                # Rules without a meaning only outrank others, and are not kept.
                if signal.uses or signal.licence_url:
                    signals.append((signal, dated.since[mark_of(signal)]))
        return signals

    def add_claims(self, rows: Iterable[ClaimRow]) -> None:
        for claim in rows:
            hashed = any((claim.sha256, claim.md5, claim.phash64))
            entry = f"claim:{claim.id}"
            # With a URL or a hash, a site without a pattern is only the origin of the image.
            if claim.site and (claim.path_pattern or not (claim.url or hashed)):
                dated = Dated()
                site = _spelled(claim.site)
                dated.see((_site_claim(claim, site),), claim.since)
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
                    signals=(_claim(claim),),
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
        return self._images.append(_image(claim))

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


def _spelled(host: str) -> str:
    """Return a recorded host (with its port) as URL keys spell it."""
    return host_of(f"//{host}/") or host


def _without_permission(signal: Signal) -> Signal:
    return replace(signal, uses=tuple(use for use in signal.uses if use[1] != "allowed"))


def _placed(signals: tuple[Signal, ...], row: ObservationRow) -> tuple[Signal, ...]:
    """Return the marks of an image and its page; of marks with paths, those that apply.

    A licence within a page or a file (RSL) has paths, like one in a file of its own.
    """
    if all(signal.scope != "site" for signal in signals):
        return signals
    won = applicable(signals, Target(row.fetched_url or row.image_url, row.page_url))
    foreign = row.relation == "third-party"
    return tuple(replace(s, third_party=foreign and s.scope == "page") for s in won)


def _merged(signals: Sequence[Signal]) -> tuple[Signal, ...]:
    """Merge the signals that differ only in agents and place.

    One line for a hundred agents becomes one signal; a signal without agents is already
    for all agents.
    """
    agents: dict[Signal, tuple[str, ...]] = {}
    for signal in signals:
        rule = signal.rule and replace(signal.rule, order=0)
        bare = replace(signal, agents=(), rule=rule)
        known = agents.get(bare, signal.agents)
        agents[bare] = known + signal.agents if known and signal.agents else ()
    return tuple(replace(s, agents=tuple(dict.fromkeys(a))) for s, a in agents.items())


def _image(row: ImageRow | ClaimRow) -> dict[str, Any]:
    return {
        "sha256": row.sha256,
        "md5": row.md5,
        "phash64": None if row.phash64 is None else int.from_bytes(row.phash64),
        "phash256": row.phash256,
        "width": row.width,
        "height": row.height,
    }


def _claim(claim: ClaimRow) -> Signal:
    # A reservation of mining includes training (as in TDMRep and PLUS), and training in a
    # list means all training, generative or not.
    more = {"tdm": ("tdm", "train", "train-genai"), "train": ("train", "train-genai")}
    uses = more.get(claim.use, (claim.use,))
    text = claim.evidence or f"{claim.meaning} for {claim.use}, says {claim.source}"
    if claim.file_name:
        text += f": {claim.file_name}"
    return Signal(
        name=claim.signal or "claim",
        vocabulary="claim",
        carrier="claim",
        scope="image",
        raw=text[:MAX_QUOTE],
        url=claim.page_url or claim.url or "",
        uses=tuple((use, claim.meaning) for use in uses),  # type: ignore[misc]
        licence_url=claim.licence_url,
    )


def _site_claim(claim: ClaimRow, site: str) -> Signal:
    rule = PathRule(claim.path_pattern or "/", "all", 0)
    # Host and path as claimed: the claim has no URL.
    place = site + (claim.path_pattern or "")
    return replace(_claim(claim), scope="site", url=place, rule=rule)

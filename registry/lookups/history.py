"""The dated readings of one picture, URL, page or site, oldest first.

The evidence is read by the current readers, as when a snapshot is built.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from registry.db import history as stored
from registry.db.claims import StoredClaim
from registry.db.history import Code
from registry.db.rows import EvidenceRow, ObservationRow, SiteRuleRow
from registry.errors import UsageError
from registry.lookups import WIDE_RADIUS, Kind, kind_of
from registry.matching import brute
from registry.matching.confirm import CANDIDATE_RADIUS, tier
from registry.model import Signal
from registry.signals import read
from registry.snapshot.changes import Event, of_file, of_image
from registry.urls.hosts import spelled_authority
from registry.urls.key import host_of, url_key
from registry.urls.paths import url_path
from registry.urls.sites import covering_hosts, wider_hosts
from registry.verdict.site_rules import rules_of_host

if TYPE_CHECKING:
    import psycopg

TargetKind = Kind | Literal["site"]


@dataclass(frozen=True, slots=True)
class PlaceHistory:
    """The events at an image URL on a page."""

    url: str
    page_url: str | None
    events: list[Event]


@dataclass(frozen=True, slots=True)
class RulesFile:
    """The events of a host's rules file that apply to the target."""

    host: str
    kind: str
    url: str
    events: list[Event]


@dataclass(frozen=True, slots=True)
class History:
    """All records about a target: places, rules files and claims, each oldest first.

    `host` is that of a site.
    """

    target: str
    kind: TargetKind
    places: list[PlaceHistory] = field(default_factory=list)
    files: list[RulesFile] = field(default_factory=list)
    claims: list[StoredClaim] = field(default_factory=list)
    host: str | None = None

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is recorded."""
        return not (self.places or self.files or self.claims)


def target_kind(target: str) -> TargetKind:
    """Return the kind of a target, as for a lookup, or `site` for a host; raises UsageError."""
    try:
        return kind_of(target)
    except UsageError:
        if ("." in target or target.startswith("[")) and spelled_authority(target, "https"):
            return "site"
        raise


def history(conn: psycopg.Connection, target: str) -> History:
    """Return all records about one target.

    Raises UsageError for a target of no known kind, UnreadableInput for a
    picture that cannot be read.
    """
    kind = target_kind(target)
    search = _HistorySearch(conn)
    if kind == "site":
        host = spelled_authority(target, "https") or ""
        files = search.files({host: ()})
        claims = stored.claims(conn, hosts=_claimed(host))
        return History(target, kind, [], files, claims, host)
    rows, named = search.by_url(target) if kind == "url" else search.by_picture(target, kind)
    return History(target, kind, *search.events(rows), search.claims(named))


@dataclass(slots=True)
class _ClaimKeys:
    """The keys by which claims may name a target."""

    claim_ids: Collection[int] = ()
    urls: Collection[str] = ()
    hosts: Collection[str] = ()
    digests: Collection[bytes] = ()


class _HistorySearch:
    def __init__(self, conn: psycopg.Connection) -> None:
        self._conn = conn

    def by_url(self, url: str) -> tuple[list[ObservationRow], _ClaimKeys]:
        """Return the observations of an image URL, and of the images of a page with this URL."""
        key = url_key(url)
        if key is None:
            raise UsageError(f"{url} is not a URL of an image", "write it as https://HOST/PATH")
        conn = self._conn
        rows = stored.of_images(conn, stored.image_urls(conn, key))
        known = {row.id for row in rows}
        on_page = stored.of_pages(conn, stored.page_urls(conn, key))
        rows += [row for row in on_page if row.id not in known]
        urls = stored.claim_urls(conn, key)
        return rows, _ClaimKeys(urls=urls, hosts=_claimed(host_of(key) or ""))

    def by_picture(self, target: str, kind: TargetKind) -> tuple[list[ObservationRow], _ClaimKeys]:
        """Return the observations at every place that ever showed a picture."""
        code, wide, digests = _prints(target, kind)
        conn = self._conn
        images = set(stored.images_by_digest(conn, digests))
        claim_ids: set[int] = set()
        if code is not None or wide is not None:
            images |= _near(stored.image_codes(conn), code, wide)
            claim_ids = _near(stored.claim_codes(conn), code, wide)
        rows = stored.of_images(conn, stored.urls_of_images(conn, images))
        shown = {(row.image_url, row.page_url) for row in rows if row.image_id in images}
        rows = [row for row in rows if (row.image_url, row.page_url) in shown]
        return rows, _ClaimKeys(claim_ids=claim_ids, digests=digests)

    def events(self, rows: Sequence[ObservationRow]) -> tuple[list[PlaceHistory], list[RulesFile]]:
        """Return the events at each place, and those of the rules files that apply to it."""
        ids = {number for row in rows for number in row.evidence}
        signals, about = stored.read_evidence(self._conn, ids, _read)
        images = {row.image_id for row in rows if row.image_id is not None}
        digests = {image: d.hex() for image, d in stored.digests(self._conn, images).items()}
        places = [
            PlaceHistory(url, page, of_image(list(group), signals, about, digests))
            for (url, page), group in groupby(rows, lambda row: (row.image_url, row.page_url))
        ]
        return places, self.files(_paths(rows))

    def files(self, paths: dict[str, Collection[str]]) -> list[RulesFile]:
        """Return the events of hosts' rules files for some paths; without paths, all events."""
        rows = stored.site_rules(self._conn, paths)
        ids = {row.evidence_id for row in rows if row.evidence_id is not None}
        signals, _ = stored.read_evidence(self._conn, ids, _read)
        return [
            RulesFile(host, kind, url, of_file(list(group), signals, _reached(host, paths[host])))
            for (host, kind, url), group in groupby(rows, _file)
        ]

    def claims(self, keys: _ClaimKeys) -> list[StoredClaim]:
        """Return the claims that name one of the keys."""
        return stored.claims(
            self._conn,
            ids=keys.claim_ids,
            urls=keys.urls,
            hosts=keys.hosts,
            digests=keys.digests,
        )


def _claimed(host: str) -> list[str]:
    """Return the hosts whose claims may cover this host: itself, its `www.` twin, wider ones."""
    return [*covering_hosts(host), *wider_hosts(host)]


def _file(row: SiteRuleRow) -> tuple[str, str, str]:
    return row.host, row.kind, row.url


def _read(row: EvidenceRow) -> tuple[Signal, ...]:
    return read(row.evidence()).signals


def _paths(rows: Iterable[ObservationRow]) -> dict[str, Collection[str]]:
    """Return by host the paths of the images and of their pages."""
    by_host: dict[str, dict[str, None]] = {}
    for row in rows:
        for url in (row.image_url, row.fetched_url, row.page_url):
            host = host_of(url or "")
            if url and host:
                by_host.setdefault(host, {})[url_path(url)] = None
    return {host: list(paths) for host, paths in by_host.items()}


def _reached(host: str, paths: Collection[str]) -> Callable[[tuple[Signal, ...]], Iterable[Signal]]:
    """Return a function that selects the rules of a host that apply to the paths; none: all."""
    return lambda signals: rules_of_host(signals, host, paths)


def _prints(target: str, kind: TargetKind) -> tuple[int | None, bytes | None, list[bytes]]:
    """Return phash64, phash256 and digests of a picture file, or of a given hash."""
    if kind == "picture":
        from registry.pictures.files import PictureReader

        with PictureReader() as reader:
            picture = reader.file(Path(target))
        digests = [bytes.fromhex(picture.sha256), bytes.fromhex(picture.md5)]
        if not picture.fingerprints:
            return None, None, digests
        near, wide = (picture.fingerprints[name]["full"] for name in ("phash64", "phash256"))
        return int(near, 16), bytes.fromhex(wide), digests
    given = bytes.fromhex(target)
    if kind == "phash64":
        return int.from_bytes(given), None, []
    return None, given if kind == "256 bits" else None, [given]


def _near(batches: Iterator[list[Code]], code: int | None, wide: bytes | None) -> set[int]:
    """Return the ids whose fingerprints match."""
    ids: set[int] = set()
    for batch in batches:
        near = range(len(batch)) if code is None else _candidates(batch, code)
        ids |= {batch[place][0] for place in near if _is_match(batch[place], code, wide)}
    return ids


def _candidates(batch: Sequence[Code], code: int) -> list[int]:
    codes = np.fromiter((int.from_bytes(bits) for _, bits, _ in batch), np.uint64, len(batch))
    _, places, _ = brute.join(codes, np.array([code], np.uint64), CANDIDATE_RADIUS)
    return [int(place) for place in places]


def _is_match(row: Code, code: int | None, wide: bytes | None) -> bool:
    _, bits, theirs = row
    far = None
    if wide is not None and theirs is not None:
        far = (int.from_bytes(wide) ^ int.from_bytes(theirs)).bit_count()
    if code is None:
        return far is not None and far <= WIDE_RADIUS
    return tier((code ^ int.from_bytes(bits)).bit_count(), far) is not None

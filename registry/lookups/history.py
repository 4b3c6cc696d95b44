"""Everything that was seen of one picture, URL, page or site, dated and in order.

The evidence is read anew by the present readers, as when a snapshot is built.
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
from registry.verdict.site_rules import SiteRules, concerns

if TYPE_CHECKING:
    import psycopg

TargetKind = Kind | Literal["site"]


@dataclass(frozen=True, slots=True)
class Place:
    """An image URL on a page, and what was seen there."""

    url: str
    page_url: str | None
    events: list[Event]


@dataclass(frozen=True, slots=True)
class RulesFile:
    """A rules file of a host, and what was seen of it that reaches the target."""

    host: str
    kind: str
    url: str
    events: list[Event]


@dataclass(frozen=True, slots=True)
class History:
    """Everything recorded about a target: places, rules files and claims, each oldest first."""

    target: str
    kind: TargetKind
    places: list[Place] = field(default_factory=list)
    files: list[RulesFile] = field(default_factory=list)
    claims: list[StoredClaim] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is recorded."""
        return not (self.places or self.files or self.claims)


def target_kind(target: str) -> TargetKind:
    """Tell what a target is, as a look-up does, or that it is a host; UsageError for neither."""
    try:
        return kind_of(target)
    except UsageError:
        if ("." in target or target.startswith("[")) and spelled_authority(target, "https"):
            return "site"
        raise


def history(conn: psycopg.Connection, target: str) -> History:
    """Return everything that was recorded about one target.

    Raises UsageError for a target of no known kind, UnreadableInput for a
    picture that cannot be read.
    """
    kind = target_kind(target)
    search = _Search(conn)
    if kind == "site":
        host = spelled_authority(target, "https") or ""
        files = search.files({host: ()})
        return History(target, kind, [], files, stored.claims(conn, hosts=_claimed(host)))
    rows, asked = search.by_url(target) if kind == "url" else search.by_picture(target, kind)
    return History(target, kind, *search.told(rows), search.claims(asked))


@dataclass(slots=True)
class _Asked:
    """What claims may name of a target."""

    claim_ids: Collection[int] = ()
    urls: Collection[str] = ()
    hosts: Collection[str] = ()
    digests: Collection[bytes] = ()


class _Search:
    def __init__(self, conn: psycopg.Connection) -> None:
        self._conn = conn

    def by_url(self, url: str) -> tuple[list[ObservationRow], _Asked]:
        """Return the observations of an image URL, and of the images of a page with this URL."""
        key = url_key(url)
        if key is None:
            raise UsageError(f"{url} is not a URL of an image", "its form: https://host/path")
        conn = self._conn
        rows = stored.of_images(conn, stored.image_urls(conn, key))
        known = {row.id for row in rows}
        on_page = stored.of_pages(conn, stored.page_urls(conn, key))
        rows += [row for row in on_page if row.id not in known]
        urls = stored.claim_urls(conn, key)
        return rows, _Asked(urls=urls, hosts=_claimed(host_of(key) or ""))

    def by_picture(self, target: str, kind: TargetKind) -> tuple[list[ObservationRow], _Asked]:
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
        return rows, _Asked(claim_ids=claim_ids, digests=digests)

    def told(self, rows: Sequence[ObservationRow]) -> tuple[list[Place], list[RulesFile]]:
        """Return what was seen at every place, and the rules files that reach it."""
        ids = {number for row in rows for number in row.evidence}
        signals, about = stored.read_evidence(self._conn, ids, _read)
        images = {row.image_id for row in rows if row.image_id is not None}
        digests = stored.digests(self._conn, images)
        places = [
            Place(url, page, of_image(list(group), signals, about, digests))
            for (url, page), group in groupby(rows, lambda row: (row.image_url, row.page_url))
        ]
        return places, self.files(_paths(rows))

    def files(self, paths: dict[str, Collection[str]]) -> list[RulesFile]:
        """Return what the rules files of hosts said of paths there; of no paths, all they said."""
        rows = stored.site_rules(self._conn, paths)
        ids = {row.evidence_id for row in rows if row.evidence_id is not None}
        signals, _ = stored.read_evidence(self._conn, ids, _read)
        return [
            RulesFile(host, kind, url, of_file(list(group), signals, _reached(host, paths[host])))
            for (host, kind, url), group in groupby(rows, _file)
        ]

    def claims(self, asked: _Asked) -> list[StoredClaim]:
        """Return the claims that name what is asked about."""
        return stored.claims(
            self._conn,
            ids=asked.claim_ids,
            urls=asked.urls,
            hosts=asked.hosts,
            digests=asked.digests,
        )


def _claimed(host: str) -> list[str]:
    """Return the hosts on which a claim may mean this one: itself, `www.` of it, wider ones."""
    return [*covering_hosts(host), *wider_hosts(host)]


def _file(row: SiteRuleRow) -> tuple[str, str, str]:
    return row.host, row.kind, row.url


def _read(row: EvidenceRow) -> tuple[Signal, ...]:
    return read(row.evidence()).signals


def _paths(rows: Iterable[ObservationRow]) -> dict[str, Collection[str]]:
    """Return by host the paths whose rules speak of the images: theirs and their pages'."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for url in (row.image_url, row.fetched_url, row.page_url):
            host = host_of(url or "")
            if url and host:
                found.setdefault(host, {})[url_path(url)] = None
    return {host: list(paths) for host, paths in found.items()}


def _reached(host: str, paths: Collection[str]) -> Callable[[tuple[Signal, ...]], Iterable[Signal]]:
    """Return what selects the rules of a host that win for any of the paths; of none, all."""

    def selected(signals: tuple[Signal, ...]) -> Iterable[Signal]:
        here = [signal for signal in signals if concerns(signal, host)]
        if not paths:
            return here
        rules = SiteRules(here)
        return dict.fromkeys(s for path in paths for s in rules.applicable(path))

    return selected


def _prints(target: str, kind: TargetKind) -> tuple[int | None, bytes | None, list[bytes]]:
    """Return phash64, phash256 and digests of a picture file, or those that a hash may be."""
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
    """Return the ids whose fingerprints a look-up would match."""
    found: set[int] = set()
    for batch in batches:
        near = range(len(batch)) if code is None else _candidates(batch, code)
        found |= {batch[place][0] for place in near if _is_match(batch[place], code, wide)}
    return found


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

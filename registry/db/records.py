"""What visits record: observations, images, evidence and site files; and the known images.

All functions need a connection of `registry.db.connect.connect`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.types.json import Json

from registry.db.known_rows import KnownImage, KnownSiteFile
from registry.db.rows import evidence_from_row
from registry.db.sql import load
from registry.db.values import evidence_digest, pack, unpack
from registry.fingerprints import versions
from registry.model import Evidence, Observation, Picture, SiteFile, UrlReading

SQL = load("records")
# A row to store, by column.
Row = dict[str, object]
IdsOf = Callable[[list[bytes]], Iterable[tuple[bytes, int]]]


class Stored(NamedTuple):
    """The ids of stored evidence by its digest, and of stored images by their sha256."""

    evidence: Mapping[bytes, int]
    images: Mapping[bytes, int]


def write(
    conn: psycopg.Connection,
    visit_id: int,
    observations: Sequence[Observation],
    site_files: Sequence[SiteFile] = (),
    readings: Sequence[UrlReading] = (),
) -> Stored:
    """Store one batch, all of it or nothing, in the caller's transaction if there is one.

    Of `readings` the evidence and pictures are stored; a page may show no image, and an image
    may be observed later. Known evidence, images and fingerprints are reused, not stored twice;
    an observation or site file that equals the one before it is counted there. Two crawlers may
    write the same images at once. Raises psycopg's CheckViolation for an observation with
    neither picture nor refusal.
    """
    read: list[Observation | UrlReading] = [*observations, *readings]
    evidence = [e for o in read for e in o.evidence]
    evidence += [f.evidence for f in site_files if f.evidence]
    with _whole(conn):
        stored = Stored(
            _add_evidence(conn, evidence),
            add_pictures(conn, [o.picture for o in read if o.picture]),
        )
        rows = [_observation_row(n, o, stored) for n, o in enumerate(observations)]
        if rows:
            conn.execute(SQL["insert_observation"], {"visit_id": visit_id, "rows": Json(rows)})
        rows = [_site_rule_row(n, f, stored) for n, f in enumerate(site_files)]
        if rows:
            conn.execute(SQL["insert_site_rule"], {"visit_id": visit_id, "rows": Json(rows)})
    return stored


def _whole(conn: psycopg.Connection) -> AbstractContextManager[object]:
    """Return the caller's transaction if there is one, or one of its own."""
    is_idle = conn.info.transaction_status == TransactionStatus.IDLE
    return conn.transaction() if is_idle else nullcontext()


def _add_evidence(conn: psycopg.Connection, evidence: Iterable[Evidence]) -> dict[bytes, int]:
    distinct = {evidence_digest(e): e for e in evidence}

    def add(missing: list[bytes]) -> Iterable[tuple[bytes, int]]:
        rows = Json([_evidence_row(digest, distinct[digest]) for digest in missing])
        return conn.execute(SQL["insert_evidence"], {"rows": rows})

    def known(digests: list[bytes]) -> Iterable[tuple[bytes, int]]:
        return conn.execute(SQL["evidence_ids"], {"digests": digests})

    return _ids(list(distinct), known, add)


def add_pictures(conn: psycopg.Connection, pictures: Iterable[Picture]) -> dict[bytes, int]:
    """Store images and fingerprints that are not there yet, inside the caller's transaction.

    Return the ids of the images by their sha256.
    """
    distinct = {bytes.fromhex(picture.sha256): picture for picture in pictures}

    def add(missing: list[bytes]) -> Iterable[tuple[bytes, int]]:
        rows = Json([_image_row(distinct[digest]) for digest in missing])
        return conn.execute(SQL["insert_image"], {"rows": rows})

    def known(digests: list[bytes]) -> Iterable[tuple[bytes, int]]:
        return conn.execute(SQL["image_ids"], {"digests": digests})

    ids = _ids(list(distinct), known, add)
    rows = [r for digest, p in distinct.items() for r in _fingerprint_rows(ids[digest], p)]
    if rows:
        conn.execute(SQL["insert_fingerprint"], {"rows": Json(rows)})
    return ids


def _ids(digests: list[bytes], known: IdsOf, add: IdsOf) -> dict[bytes, int]:
    """Return the ids of rows by their digests; `add` adds those that are not `known`."""
    ids: dict[bytes, int] = {}
    # Another session may add a row between the first look and our own: look once more.
    for find in (known, add, known):
        missing = [digest for digest in digests if digest not in ids]
        if missing:
            ids.update(find(missing))
    return ids


def known_images(conn: psycopg.Connection, host: str) -> dict[str, KnownImage]:
    """Return the known images of earlier visits to this host, by fetched URL."""
    rows = conn.execute(SQL["known_images"], {"host": host})
    return {unpack(row[0]): _known_image(row) for row in rows}


def known_site_files(conn: psycopg.Connection, host: str) -> list[KnownSiteFile]:
    """Return the site files that visits to this host asked for, besides robots.txt."""
    rows = conn.execute(SQL["known_site_files"], {"host": host})
    return [KnownSiteFile(file_host, kind, unpack(url)) for file_host, kind, url in rows]


def _packed(text: str | None) -> str | None:
    return None if text is None else pack(text)


def _hex(data: bytes) -> str:
    r"""Return bytes in the form of PostgreSQL's bytea: `\x` and hex digits."""
    return rf"\x{data.hex()}"


def _evidence_row(digest: bytes, e: Evidence) -> Row:
    return {
        "digest": _hex(digest),
        "carrier": e.carrier,
        "about": e.about,
        "url": pack(e.url),
        "lines": [[pack(name), pack(value)] for name, value in e.lines] or None,
        "text": pack(e.text) or None,
    }


def _image_row(p: Picture) -> Row:
    return {
        "sha256": rf"\x{p.sha256}",
        "md5": rf"\x{p.md5}",
        "width": p.width,
        "height": p.height,
        "format": p.format,
        "size": p.size,
        "unfit": p.unfit,
    }


def _fingerprint_rows(image_id: int, p: Picture) -> Iterable[Row]:
    for algorithm, views in p.fingerprints.items():
        about = {"image_id": image_id, "algorithm": algorithm, "version": versions()[algorithm]}
        for view, bits in views.items():
            yield about | {"view": view, "bits": rf"\x{bits}"}


def _observation_row(position: int, o: Observation, stored: Stored) -> Row:
    return {
        "position": position,
        "observed_at": o.observed_at.isoformat(),
        "image_url": pack(o.image_url),
        "page_url": _packed(o.page_url),
        "fetched_url": _packed(o.fetched_url),
        "relation": o.relation,
        "status": o.status,
        "refusal": o.refusal,
        "image_id": stored.images[bytes.fromhex(o.picture.sha256)] if o.picture else None,
        "evidence": [stored.evidence[evidence_digest(e)] for e in o.evidence],
    }


def _site_rule_row(position: int, f: SiteFile, stored: Stored) -> Row:
    return {
        "position": position,
        "observed_at": f.observed_at.isoformat(),
        "host": f.host,
        "kind": f.kind,
        "url": pack(f.url),
        "status": f.status,
        "refusal": f.refusal,
        "evidence_id": stored.evidence[evidence_digest(f.evidence)] if f.evidence else None,
    }


def _known_image(row: Sequence[Any]) -> KnownImage:
    _, relation, sha256, md5, width, height, form, size, unfit, fingerprints, evidence = row
    bits_of: dict[str, dict[str, str]] = {}
    ours = versions().items()
    for algorithm, version, view, bits in fingerprints or ():
        if (algorithm, version) in ours:
            bits_of.setdefault(algorithm, {})[view] = bits
    recorded = tuple(evidence_from_row(*values) for values in evidence or ())
    return KnownImage(
        picture=Picture(sha256, md5, width, height, form, size, bits_of, unfit),
        relation=relation,
        evidence=recorded,
        etag=_header(recorded, "etag"),
        last_modified=_header(recorded, "last-modified"),
    )


def _header(evidence: Iterable[Evidence], name: str) -> str | None:
    """Return the last value of a header field among the evidence of one image."""
    lines = (line for e in evidence if e.carrier == "headers" for line in e.lines)
    values = [value for key, value in lines if key.lower() == name]
    return values[-1] if values else None

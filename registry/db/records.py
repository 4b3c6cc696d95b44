"""What visits record: observations, images, evidence and site files; and the known images.

All functions need a connection of `registry.db.connect.connect`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from registry.db.known_rows import KnownImage, KnownSiteFile
from registry.db.rows import evidence_from_row
from registry.db.sql import load
from registry.db.values import evidence_digest, pack, unpack
from registry.fingerprints import versions
from registry.model import Evidence, Observation, Picture, SiteFile, UrlReading

SQL = load("records")


def write(
    conn: psycopg.Connection,
    visit_id: int,
    observations: Sequence[Observation],
    site_files: Sequence[SiteFile] = (),
    readings: Sequence[UrlReading] = (),
) -> None:
    """Store one batch, all of it or nothing, in the caller's transaction if there is one.

    Of `readings` the evidence and pictures are stored; a page may show no image, and an image
    may be observed later. Known evidence, images and fingerprints are reused, not stored twice;
    an observation or site file that equals the one before it is counted there. Two crawlers may
    write the same images at once. Raises psycopg's CheckViolation for an observation with
    neither picture nor refusal.
    """
    if not observations and not site_files and not readings:
        return
    read: list[Observation | UrlReading] = [*observations, *readings]
    evidence = [e for o in read for e in o.evidence]
    evidence += [f.evidence for f in site_files if f.evidence]
    pictures = [o.picture for o in read if o.picture]
    with conn.transaction():
        conn.execute(SQL["stage_batch"])
        _copy(conn, "copy_evidence", _evidence_rows(evidence))
        _copy(
            conn, "copy_observation", map(_observation_row, range(len(observations)), observations)
        )
        _copy(conn, "copy_site_rule", map(_site_rule_row, range(len(site_files)), site_files))
        conn.execute(SQL["insert_evidence"])
        add_pictures(conn, pictures)
        conn.execute(SQL["insert_observation"], {"visit_id": visit_id})
        conn.execute(SQL["insert_site_rule"], {"visit_id": visit_id})


def add_pictures(conn: psycopg.Connection, pictures: Iterable[Picture]) -> None:
    """Store images and fingerprints that are not there yet, inside the caller's transaction."""
    distinct = {picture.sha256: picture for picture in pictures}.values()
    conn.execute(SQL["stage_batch"])
    _copy(conn, "copy_image", map(_image_row, distinct))
    _copy(conn, "copy_fingerprint", (row for p in distinct for row in _fingerprint_rows(p)))
    conn.execute(SQL["insert_image"])
    conn.execute(SQL["insert_fingerprint"])


def known_images(conn: psycopg.Connection, host: str) -> dict[str, KnownImage]:
    """Return the known images of earlier visits to this host, by fetched URL."""
    rows = conn.execute(SQL["known_images"], {"host": host})
    return {unpack(row[0]): _known_image(row) for row in rows}


def known_site_files(conn: psycopg.Connection, host: str) -> list[KnownSiteFile]:
    """Return the site files that visits to this host asked for, besides robots.txt."""
    rows = conn.execute(SQL["known_site_files"], {"host": host})
    return [KnownSiteFile(file_host, kind, unpack(url)) for file_host, kind, url in rows]


def _copy(conn: psycopg.Connection, name: str, rows: Iterable[Sequence[object]]) -> None:
    with conn.cursor() as cursor, cursor.copy(SQL[name]) as copy:
        for row in rows:
            copy.write_row(row)


def _packed(text: str | None) -> str | None:
    return None if text is None else pack(text)


def _evidence_rows(evidence: Iterable[Evidence]) -> Iterable[Sequence[object]]:
    distinct = {evidence_digest(e): e for e in evidence}
    for digest, e in distinct.items():
        lines = Jsonb([[pack(name), pack(value)] for name, value in e.lines]) if e.lines else None
        yield digest, e.carrier, e.about, pack(e.url), lines, pack(e.text) or None


def _image_row(p: Picture) -> Sequence[object]:
    sha256, md5 = bytes.fromhex(p.sha256), bytes.fromhex(p.md5)
    return sha256, md5, p.width, p.height, p.format, p.size, p.unfit


def _fingerprint_rows(p: Picture) -> Iterable[Sequence[object]]:
    of = versions()
    for algorithm, views in p.fingerprints.items():
        for view, bits in views.items():
            yield bytes.fromhex(p.sha256), algorithm, of[algorithm], view, bytes.fromhex(bits)


def _observation_row(position: int, o: Observation) -> Sequence[object]:
    return (
        position,
        o.observed_at,
        pack(o.image_url),
        _packed(o.page_url),
        _packed(o.fetched_url),
        o.relation,
        o.status,
        o.refusal,
        bytes.fromhex(o.picture.sha256) if o.picture else None,
        [evidence_digest(e) for e in o.evidence],
    )


def _site_rule_row(position: int, f: SiteFile) -> Sequence[object]:
    digest = evidence_digest(f.evidence) if f.evidence else None
    return position, f.observed_at, f.host, f.kind, pack(f.url), f.status, f.refusal, digest


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

"""Records visits, and finds the known images of a host.

All functions need a connection of `registry.db.connect.connect` (autocommit, no
transaction begun).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

from registry.db.rows import evidence_from_row
from registry.db.sql import load
from registry.db.values import evidence_digest, pack, unpack
from registry.fingerprints import versions
from registry.model import Evidence, Observation, Picture, SiteFile

SQL = load("visits")
# Any number of 31 bits; it only has to be the same in every version of this program.
VISIT_LOCKS = 0x76697369
# A visit is `running` until it ends in one of these, or is found `killed`.
State = Literal["finished", "interrupted", "failed"]


@dataclass(frozen=True, slots=True)
class KnownImage:
    """The latest successful reading of one URL, for a conditional request.

    `evidence` holds the response's evidence about the image (its headers, the metadata of
    its file): on a 304 it is recorded again, together with `picture`.
    """

    picture: Picture
    evidence: tuple[Evidence, ...]
    etag: str | None
    last_modified: str | None


def start_visit(
    conn: psycopg.Connection,
    *,
    spider: str,
    start_url: str,
    host: str,
    user_agent: str,
    started_at: datetime,
) -> int:
    """Record that a visit has begun and return its id.

    It counts as running while the session of `conn` exists: the session holds a lock of
    the server, which frees it however the session ends.
    """
    values = {
        "spider": spider,
        "start_url": pack(start_url),
        "host": host,
        "user_agent": user_agent,
        "started_at": started_at,
    }
    with conn.transaction():
        row = conn.execute(SQL["start_visit"], values).fetchone()
        assert row is not None  # INSERT ... RETURNING
        # In the same transaction, so that no other session sees the visit without its lock.
        conn.execute(SQL["hold_visit"], {"key": _lock_key(row[0])})
    return int(row[0])


def resume_visit(conn: psycopg.Connection, visit_id: int) -> None:
    """Lock a running visit in another session, after the first one was lost."""
    conn.execute(SQL["hold_visit"], {"key": _lock_key(visit_id)})
    conn.execute(SQL["resume_visit"], {"visit_id": visit_id})


def mark_killed(conn: psycopg.Connection) -> list[int]:
    """Mark running visits without a session as `killed`, and return their ids.

    The session of `conn` must not hold a visit itself, which would be marked, too.
    """
    marked = []
    for (visit_id,) in conn.execute(SQL["running_visits"]).fetchall():
        with conn.transaction():
            row = conn.execute(SQL["is_abandoned"], {"key": _lock_key(visit_id)}).fetchone()
            if row and row[0]:
                conn.execute(SQL["mark_killed"], {"visit_id": visit_id})
                marked.append(visit_id)
    return marked


def _lock_key(visit_id: int) -> int:
    """Return the key of a visit's lock, which no other lock of this program has."""
    return VISIT_LOCKS << 32 | visit_id & 0xFFFF_FFFF


def last_visit(
    conn: psycopg.Connection, *, spider: str, start_url: str, host: str
) -> datetime | None:
    """Return when the last such visit was finished, None if there was none."""
    values = {"spider": spider, "start_url": pack(start_url), "host": host}
    row = conn.execute(SQL["last_visit"], values).fetchone()
    return row[0] if row else None


def finish_visit(
    conn: psycopg.Connection,
    visit_id: int,
    *,
    state: State,
    finished_at: datetime,
    counts: Mapping[str, int],
) -> None:
    """Record how and when a visit ended, with its counts."""
    values = {
        "visit_id": visit_id,
        "state": state,
        "finished_at": finished_at,
        "counts": Jsonb(dict(counts)),
    }
    conn.execute(SQL["finish_visit"], values)


def write(
    conn: psycopg.Connection,
    visit_id: int,
    observations: Sequence[Observation],
    site_files: Sequence[SiteFile] = (),
) -> None:
    """Store one batch in one transaction.

    Known evidence, images and fingerprints are reused, not stored twice; observations and
    site files are always appended. Two crawlers may write the same images at once. Raises
    psycopg's CheckViolation for an observation with neither picture nor refusal.
    """
    if conn.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
        raise ValueError("write() makes a transaction of its own; call it outside of any")
    evidence = [e for o in observations for e in o.evidence]
    evidence += [f.evidence for f in site_files if f.evidence]
    with conn.transaction():
        conn.execute(SQL["stage_batch"])
        _copy(conn, "copy_evidence", _evidence_rows(evidence))
        _copy(
            conn, "copy_observation", map(_observation_row, range(len(observations)), observations)
        )
        _copy(conn, "copy_site_rule", map(_site_rule_row, range(len(site_files)), site_files))
        conn.execute(SQL["insert_evidence"])
        add_pictures(conn, [o.picture for o in observations if o.picture])
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
    _, sha256, md5, width, height, form, size, unfit, fingerprints, evidence = row
    bits_of: dict[str, dict[str, str]] = {}
    ours = versions().items()
    for algorithm, version, view, bits in fingerprints or ():
        if (algorithm, version) in ours:
            bits_of.setdefault(algorithm, {})[view] = bits
    recorded = tuple(evidence_from_row(*values) for values in evidence or ())
    return KnownImage(
        picture=Picture(sha256, md5, width, height, form, size, bits_of, unfit),
        evidence=recorded,
        etag=_header(recorded, "etag"),
        last_modified=_header(recorded, "last-modified"),
    )


def _header(evidence: Iterable[Evidence], name: str) -> str | None:
    """Return the last value of a header field among the evidence of one image."""
    lines = (line for e in evidence if e.carrier == "headers" for line in e.lines)
    values = [value for key, value in lines if key.lower() == name]
    return values[-1] if values else None

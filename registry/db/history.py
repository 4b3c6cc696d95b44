"""Reads all records about one target, oldest first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.rows import class_row

from registry.db.claims import StoredClaim, list_claims
from registry.db.rows import EvidenceRow, ObservationRow, SiteRuleRow
from registry.db.sql import load
from registry.model import Signal
from registry.urls.key import host_of, url_key
from registry.urls.networks import is_ip

SQL = load("history")
FETCH_ROWS = 5_000
# URLs whose host is a plain name; other hosts can be spelled in several ways.
PLAIN = "^https?://[A-Za-z0-9_.:-]+([/?#]|$)"
Row = TypeVar("Row")
# An id with its phash64 and phash256; the latter is None if there is none.
Code = tuple[int, bytes, bytes | None]


def image_urls(conn: psycopg.Connection, key: str) -> list[str]:
    """Return the image URLs that were observed and have this key, as they were written."""
    return _of_key(conn, SQL["image_urls"], key)


def page_urls(conn: psycopg.Connection, key: str) -> list[str]:
    """Return the page URLs that were observed and have this key, as they were written."""
    return _of_key(conn, SQL["page_urls"], key)


def claim_urls(conn: psycopg.Connection, key: str) -> list[str]:
    """Return the URLs of claims, of images and pages, that have this key."""
    return _of_key(conn, SQL["claim_urls"], key)


def _of_key(conn: psycopg.Connection, sql: LiteralString, key: str) -> list[str]:
    host = host_of(key) or ""
    name = host.partition(":")[0]
    # An IP address has many spellings, so all URLs are read and compared.
    values = {"host": "" if host.startswith("[") or is_ip(name) else name, "plain": PLAIN}
    with conn.transaction(), conn.cursor("history") as cursor:
        cursor.itersize = FETCH_ROWS
        urls = [url for (url,) in cursor.execute(sql, values) if url and url_key(url) == key]
    return sorted(urls)


def urls_of_images(conn: psycopg.Connection, images: Collection[int]) -> list[str]:
    """Return the URLs at which these pictures were seen."""
    rows = conn.execute(SQL["urls_of_images"], {"images": list(images)})
    return sorted(url for (url,) in rows)


def of_images(conn: psycopg.Connection, urls: Sequence[str]) -> list[ObservationRow]:
    """Return all observations of image URLs by URL and page, oldest first."""
    return _rows(conn, SQL["observations_of_images"], {"urls": list(urls)}, ObservationRow)


def of_pages(conn: psycopg.Connection, urls: Sequence[str]) -> list[ObservationRow]:
    """Return all observations on these pages by image URL and page, oldest first."""
    return _rows(conn, SQL["observations_of_pages"], {"urls": list(urls)}, ObservationRow)


def site_rules(conn: psycopg.Connection, hosts: Iterable[str]) -> list[SiteRuleRow]:
    """Return all answers for the rules files of hosts, by file, oldest first."""
    rows = recorded_site_rules(conn, hosts)
    respelled = [replace(row, host=host_of(f"//{row.host}/") or row.host) for row in rows]
    return sorted(respelled, key=lambda row: (row.host, row.kind, row.url))


def recorded_site_rules(conn: psycopg.Connection, hosts: Iterable[str]) -> list[SiteRuleRow]:
    """Return the same with the hosts as they are stored: earlier versions spelled some otherwise.

    One file may be under two spellings; those of each are oldest first.
    """
    wanted = set(hosts)
    present = {host: host_of(f"//{host}/") for (host,) in conn.execute(SQL["old_spellings"])}
    recorded = wanted | {host for host, spelled in present.items() if spelled in wanted}
    return _rows(conn, SQL["site_rules_of"], {"hosts": sorted(recorded)}, SiteRuleRow)


def claims(
    conn: psycopg.Connection,
    *,
    ids: Collection[int] = (),
    urls: Collection[str] = (),
    hosts: Collection[str] = (),
    digests: Collection[bytes] = (),
) -> list[StoredClaim]:
    """Return the claims that name any of these, withdrawn ones too, oldest first."""
    values = {"ids": list(ids), "urls": list(urls), "hosts": list(hosts), "digests": list(digests)}
    numbers = [number for (number,) in conn.execute(SQL["claims_of"], values)]
    stored = list_claims(conn, ids=numbers, limit=len(numbers))
    return sorted(stored, key=lambda claim: (claim.imported_at, claim.id))


def read_evidence(
    conn: psycopg.Connection,
    ids: Collection[int],
    read: Callable[[EvidenceRow], tuple[Signal, ...]],
) -> tuple[dict[int, tuple[Signal, ...]], dict[int, str]]:
    """Return the signals by evidence id, and the object of each piece of evidence."""
    signals: dict[int, tuple[Signal, ...]] = {}
    about: dict[int, str] = {}
    with conn.transaction(), conn.cursor("history", row_factory=class_row(EvidenceRow)) as cursor:
        cursor.itersize = FETCH_ROWS
        for row in cursor.execute(SQL["evidence_of"], {"ids": list(ids)}):
            about[row.id], signals[row.id] = row.about, read(row)
    return signals, about


def digests(conn: psycopg.Connection, images: Collection[int]) -> dict[int, bytes]:
    """Return the sha256 of pictures by id."""
    return dict(conn.execute(SQL["digests_of"], {"ids": list(images)}).fetchall())


def images_by_digest(conn: psycopg.Connection, digests: Collection[bytes]) -> list[int]:
    """Return the pictures with these digests (sha256 or md5)."""
    rows = conn.execute(SQL["images_by_digest"], {"digests": list(digests)})
    return [number for (number,) in rows]


def image_codes(conn: psycopg.Connection) -> Iterator[list[Code]]:
    """Yield the fingerprints of all pictures, at most FETCH_ROWS at a time."""
    return _codes(conn, SQL["image_codes"])


def claim_codes(conn: psycopg.Connection) -> Iterator[list[Code]]:
    """Yield the fingerprints of all claims, at most FETCH_ROWS at a time."""
    return _codes(conn, SQL["claim_codes"])


def _codes(conn: psycopg.Connection, sql: LiteralString) -> Iterator[list[Code]]:
    with conn.transaction(), conn.cursor("history") as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(FETCH_ROWS):
            yield rows


def _rows(
    conn: psycopg.Connection, sql: LiteralString, values: dict[str, Any], row: type[Row]
) -> list[Row]:
    with conn.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(sql, values).fetchall()

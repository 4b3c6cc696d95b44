"""Known pages: what a visit needs to know of the pages that earlier ones asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import psycopg

from registry.db.known_rows import KnownGuide, KnownPage
from registry.db.sql import load
from registry.db.values import pack, unpack

SQL = load("known_pages")


def known_pages(conn: psycopg.Connection, host: str) -> list[KnownPage]:
    """Return the known pages of a host, those first that were asked for longest ago."""
    rows = conn.execute(SQL["known_pages"], {"host": host})
    return [_known_page(*row) for row in rows]


def keep(conn: psycopg.Connection, visit_id: int, pages: Iterable[KnownPage]) -> None:
    """Store pages of the visit's host in place of what was known of them.

    Inside the transaction of the visit's owner, the only one that writes pages of its host.
    """
    rows = [_values(visit_id, page) for page in pages]
    if rows:
        with conn.cursor() as cursor:
            cursor.executemany(SQL["keep_page"], rows)


def known_guides(conn: psycopg.Connection, host: str) -> list[KnownGuide]:
    """Return the sitemaps and feeds of a host."""
    rows = conn.execute(SQL["known_guides"], {"host": host})
    return [KnownGuide(unpack(url), *rest) for url, *rest in rows]


def keep_guides(conn: psycopg.Connection, visit_id: int, guides: Iterable[KnownGuide]) -> None:
    """Store guides of the visit's host in place of what was known of them, as `keep` does.

    Those that are gone are forgotten.
    """
    rows = [asdict(guide) | {"url": pack(guide.url), "visit_id": visit_id} for guide in guides]
    for row in rows:
        row |= {name: row[name] and pack(row[name]) for name in ("etag", "last_modified")}
    if not rows:
        return
    with conn.cursor() as cursor:
        cursor.executemany(SQL["keep_guide"], [row for row in rows if not row["is_gone"]])
        cursor.executemany(SQL["forget_guide"], [row for row in rows if row["is_gone"]])


def forget(conn: psycopg.Connection, visit_id: int) -> None:
    """Forget the pages of a host that a complete visit to all pages found gone, or not at all."""
    conn.execute(SQL["forget_pages"], {"visit_id": visit_id})


def _known_page(key: bytes, url: str, *rest: object) -> KnownPage:
    depth, is_next, page_url, *others = rest
    found = None if page_url is None else unpack(str(page_url))
    return KnownPage(key, unpack(url), depth, is_next, found, *others)  # type: ignore[arg-type]


def _values(visit_id: int, page: KnownPage) -> dict[str, object]:
    values = {name: getattr(page, name) for name in KnownPage.__dataclass_fields__}
    texts = ("url", "page_url", "etag", "last_modified")
    packed = {name: None if values[name] is None else pack(values[name]) for name in texts}
    return values | packed | {"visit_id": visit_id}

"""Where evidence is in WARC files: a name of a file, an offset and a size."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from psycopg import Connection

from registry.db.sql import load

SQL = load("warc_records")


def unrecorded(conn: Connection, digests: Collection[bytes]) -> dict[bytes, int]:
    """Return the ids of the evidence with these digests that is in no WARC file, by digest."""
    rows = conn.execute(SQL["unrecorded_evidence"], {"digests": list(digests)})
    return {bytes(digest): evidence_id for digest, evidence_id in rows}


def add_records(conn: Connection, records: Mapping[int, tuple[str, int, int]]) -> None:
    """Store where evidence is, by its id: file, offset and bytes; the first place found stays."""
    files, places, sizes = zip(*records.values(), strict=True) if records else ((), (), ())
    columns = {"files": files, "places": places, "sizes": sizes}
    values = {name: list(column) for name, column in columns.items()}
    if records:
        conn.execute(SQL["insert_evidence_records"], {"ids": list(records), **values})

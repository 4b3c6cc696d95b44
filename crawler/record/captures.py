"""Writes captures to WARC files, and stores where their evidence is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psycopg import Connection

from registry.db import warc_records
from registry.db.values import evidence_digest

if TYPE_CHECKING:
    from crawler.warc.captures import Capture
    from crawler.warc.writer import WarcWriter


def keep_captures(conn: Connection, archive: WarcWriter, captures: Sequence[Capture]) -> None:
    """Write the captures with marked evidence that is in no WARC file yet.

    In the caller's transaction, in which their evidence was stored. What is stored here is on the
    disk. Raises UnwritableOutput.
    """
    if not captures:
        return
    digests = [[evidence_digest(marked) for marked in capture.marked] for capture in captures]
    missing = warc_records.unrecorded(conn, {digest for each in digests for digest in each})
    new: list[tuple[Capture, list[int]]] = []
    for capture, each in zip(captures, digests, strict=True):
        # Evidence of two captures is in the record of the first.
        ids = [missing.pop(digest) for digest in each if digest in missing]
        if ids:
            new.append((capture, ids))
    places = archive.write([capture for capture, _ in new])
    found = zip(new, places, strict=True)
    warc_records.add_records(conn, {number: place for (_, ids), place in found for number in ids})

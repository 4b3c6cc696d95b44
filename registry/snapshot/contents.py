"""Validates all texts in a snapshot: sets of signals, rules of sites, past marks, digests.

Checks and lookups read only the texts that they need.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from registry.errors import UnreadableSnapshot
from registry.snapshot.format import RECORDS, damaged, past_from_json, signals_from_json
from registry.snapshot.store import open_records

if TYPE_CHECKING:
    import pyarrow as pa

    from registry.snapshot.store import Snapshot


def refuse_unreadable(snapshot: Snapshot) -> None:
    """Read every text of a snapshot; raise UnreadableSnapshot for an invalid one."""
    for table, column, read in (
        ("signals", "signals", signals_from_json),
        ("sites", "signals", signals_from_json),
        ("entries", "past", past_from_json),
    ):
        texts: pa.ChunkedArray = getattr(snapshot, table)[column]
        path = str(snapshot.path / f"{table}.arrow")
        for chunk in texts.chunks:
            _read_all(chunk, read, path)
    if RECORDS in snapshot.manifest.files:
        open_records(snapshot.path, snapshot.manifest)


def _read_all(texts: pa.Array, read: Callable[[str], object], path: str) -> None:
    for text in texts.drop_null().unique():
        try:
            read(text.as_py())
        except UnreadableSnapshot as error:
            raise damaged(path, error.message) from error

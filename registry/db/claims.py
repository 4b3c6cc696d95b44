"""Imports claims in bulk, lists and withdraws them; a known claim is not added again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from registry.db.held_signals import held_signals
from registry.db.records import add_pictures
from registry.db.sql import load
from registry.db.values import claim_digest, pack, unpack
from registry.errors import UnreadableInput, UsageError
from registry.model import Claim, Picture

SQL = load("claims")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """Numbers of claims: read, added, already known, and withdrawn ones that were restored."""

    read: int = 0
    added: int = 0
    already: int = 0
    restored: int = 0

    def __add__(self, other: ImportCounts) -> ImportCounts:
        """Return the sums."""
        return ImportCounts(
            self.read + other.read,
            self.added + other.added,
            self.already + other.already,
            self.restored + other.restored,
        )


OnBatch = Callable[[ImportCounts], None]


def _ignore(counts: ImportCounts) -> None:
    """Do nothing with the counts of a batch."""


def import_claims(
    conn: psycopg.Connection,
    claims: Iterable[Claim],
    batch: int = 10_000,
    on_batch: OnBatch = _ignore,
) -> ImportCounts:
    """Store claims, `batch` of them per transaction, and return the counts.

    `on_batch` gets the counts of each batch once it is stored. Importing the same claims
    again adds nothing, so an interrupted import is completed by running it again. One
    batch is in memory. If `claims` raises UnreadableInput, the claims before it are stored
    and the error is raised again.
    """
    counts = ImportCounts()
    for part in _batches(claims, batch):
        with held_signals() as hold:
            with conn.transaction():
                stored = _insert(conn, part)
                hold()
            on_batch(stored)
        counts += stored
    return counts


def import_pictures(
    conn: psycopg.Connection,
    pictures: Iterable[tuple[Picture, Claim]],
    batch: int = 500,
    on_batch: OnBatch = _ignore,
) -> ImportCounts:
    """Store pictures with the claims that name their digests, as `import_claims` does."""
    counts = ImportCounts()
    for part in _batches(pictures, batch):
        with held_signals() as hold:
            with conn.transaction():
                add_pictures(conn, [picture for picture, _ in part])
                stored = _insert(conn, [claim for _, claim in part])
                hold()
            on_batch(stored)
        counts += stored
    return counts


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    part: list[Item] = []
    try:
        for item in items:
            part.append(item)
            if len(part) == size:
                yield part
                part = []
    except UnreadableInput:
        if part:
            yield part
        raise
    if part:
        yield part


def _insert(conn: psycopg.Connection, claims: Sequence[Claim]) -> ImportCounts:
    conn.execute(SQL["stage_claims"])
    with conn.cursor() as cursor, cursor.copy(SQL["copy_claims"]) as copy:
        for claim in claims:
            copy.write_row(_row(claim))
    added = conn.execute(SQL["insert_claims"]).rowcount
    restored = conn.execute(SQL["restore_claims"]).rowcount
    if any(claim.file_name for claim in claims):
        conn.execute(SQL["name_files"])
    return ImportCounts(len(claims), added, len(claims) - added - restored, restored)


def _row(claim: Claim) -> Sequence[object]:
    return (
        claim_digest(claim),
        pack(claim.source),
        _packed(claim.claimant),
        _packed(claim.url),
        _packed(claim.page_url),
        claim.site,
        _packed(claim.path_pattern),
        _bytes(claim.sha256),
        _bytes(claim.md5),
        _bytes(claim.phash64),
        _bytes(claim.phash256),
        claim.width,
        claim.height,
        claim.meaning,
        claim.use,
        _packed(claim.signal),
        _packed(claim.evidence),
        claim.observed_at,
        _packed(claim.licence_url),
        _packed(claim.file_name),
    )


def _packed(text: str | None) -> str | None:
    return None if text is None else pack(text)


def _bytes(digits: str | None) -> bytes | None:
    return None if digits is None else bytes.fromhex(digits)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One withdrawal of a claim; `restored_at` is None while it is withdrawn."""

    withdrawn_at: datetime
    reason: str | None
    restored_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredClaim:
    """A claim in the database: its id, its fields and its withdrawals, oldest first."""

    id: int
    claim: Claim
    imported_at: datetime
    withdrawals: tuple[Withdrawal, ...] = ()

    @property
    def is_withdrawn(self) -> bool:
        """Return whether the claim is withdrawn now."""
        return any(withdrawal.restored_at is None for withdrawal in self.withdrawals)


def list_claims(
    conn: psycopg.Connection,
    *,
    source: str | None = None,
    withdrawn: bool = False,
    after: int = 0,
    limit: int,
    ids: Sequence[int] | None = None,
) -> list[StoredClaim]:
    """Return at most `limit` claims with ids above `after`, by id.

    `source` and `ids`, if given, select claims; with `withdrawn`, only withdrawn ones.
    """
    named = None if source is None else pack(source)
    values: dict[str, Any] = {"source": named, "withdrawn": withdrawn, "after": after}
    values |= {"limit": limit, "ids": None if ids is None else list(ids)}
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(SQL["list_claims"], values).fetchall()
        histories = _withdrawals(cursor, [row["id"] for row in rows])
    return [_stored(row, histories.get(row["id"], [])) for row in rows]


def _withdrawals(
    cursor: psycopg.Cursor[dict[str, Any]], ids: Sequence[int]
) -> dict[int, list[Withdrawal]]:
    withdrawals: dict[int, list[Withdrawal]] = {}
    for row in cursor.execute(SQL["list_withdrawals"], {"ids": ids}):
        claim = row.pop("claim_id")
        withdrawals.setdefault(claim, []).append(
            Withdrawal(**row | {"reason": _unpacked(row["reason"])})
        )
    return withdrawals


def _stored(row: dict[str, Any], history: Sequence[Withdrawal]) -> StoredClaim:
    identity, imported_at = row.pop("id"), row.pop("imported_at")
    values: dict[str, Any] = {
        name: value.hex() if isinstance(value, bytes) else _unpacked(value)
        for name, value in row.items()
    }
    return StoredClaim(identity, Claim(**values), imported_at, tuple(history))


def count_current(conn: psycopg.Connection, source: str) -> int:
    """Return how many claims of a source are not withdrawn."""
    row = conn.execute(SQL["count_current_of_source"], {"source": pack(source)}).fetchone()
    assert row is not None
    return int(row[0])


def withdraw_source(conn: psycopg.Connection, source: str, reason: str | None) -> int:
    """Withdraw all claims of a source; return how many were not withdrawn before."""
    values = {"source": pack(source), "reason": _packed(reason)}
    return conn.execute(SQL["withdraw_source"], values).rowcount


def withdraw_ids(conn: psycopg.Connection, ids: Sequence[int], reason: str | None) -> int:
    """Withdraw claims by id; return how many were not withdrawn before.

    Raises UsageError, having withdrawn none, if one of them does not exist.
    """
    with conn.transaction():
        known = {row[0] for row in conn.execute(SQL["known_ids"], {"ids": list(ids)})}
        missing = [number for number in ids if number not in known]
        if missing:
            raise UsageError(f"no claim has the id {missing[0]}", "registry claims list")
        values = {"ids": list(ids), "reason": _packed(reason)}
        return conn.execute(SQL["withdraw_ids"], values).rowcount


def _unpacked(value: Any) -> Any:
    return unpack(value) if isinstance(value, str) else value

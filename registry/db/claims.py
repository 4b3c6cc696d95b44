"""Imports claims in bulk, lists and withdraws them; a known claim is not added again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from registry.db.claim_batches import (
    Batches,
    CopyRows,
    ImportCounts,
    OnBatch,
    OpenSession,
    lock_claims,
    store,
)
from registry.db.claim_copy import copy_rows
from registry.db.held_signals import held_signals
from registry.db.records import add_pictures
from registry.db.sql import load
from registry.db.values import pack, unpack
from registry.errors import UnreadableInput, UsageError
from registry.model import Claim, Picture

if TYPE_CHECKING:
    from registry.claims.ordinary import ClaimColumns

SQL = load("claims")
Item = TypeVar("Item")


# Claims per transaction. The first batches are small, so that something is soon stored; a large one
# touches each page of a grown index once for many claims.
SIZES = (20_000, 100_000, 400_000, 1_000_000)
# Most single claims that are sent at once.
MOST_SINGLE = 2_000


def _ignore(counts: ImportCounts) -> None:
    """Do nothing with the counts of a batch."""


def import_claims(
    conn: psycopg.Connection,
    claims: Iterable[Claim | ClaimColumns],
    batch: int | None = None,
    on_batch: OnBatch = _ignore,
    *,
    defaults: Claim | None = None,
    on_wait: Callable[[], None] = lambda: None,
    another: OpenSession | None = None,
) -> ImportCounts:
    """Store claims, up to a million or `batch` of them per transaction, and return the counts.

    `on_batch` gets the counts of each batch once it is stored. Importing the same claims
    again adds nothing, so an interrupted import is completed by running it again. If `claims`
    raises UnreadableInput, the claims before it are stored and the error is raised again.

    `defaults` has the values that claims in columns lack. `on_wait` is called while the
    database is waited for. `another` opens a second session: then the database inserts a batch
    while the next is read. In memory are a few thousand single claims, and a few of the columns.
    """
    sizes = repeat(batch) if batch else chain(SIZES, repeat(SIZES[-1]))
    most = min(batch or MOST_SINGLE, MOST_SINGLE)
    with Batches(conn, another, sizes, on_batch, on_wait) as batches:
        try:
            for rows in _copied(claims, defaults, most):
                batches.add(rows)
        except UnreadableInput:
            batches.finish()
            raise
        batches.finish()
    return batches.counts


def _copied(
    claims: Iterable[Claim | ClaimColumns], defaults: Claim | None, most: int
) -> Iterator[CopyRows]:
    """Yield claims as rows; single ones together, at most `most` of them."""
    alone: list[Claim] = []
    try:
        for claim in claims:
            if isinstance(claim, Claim):
                alone.append(claim)
                if len(alone) < most:
                    continue
            yield _rows(alone)
            alone = []
            if not isinstance(claim, Claim):
                yield _columns(claim, defaults)
    except UnreadableInput:
        yield _rows(alone)
        raise
    yield _rows(alone)


def _rows(claims: Sequence[Claim]) -> CopyRows:
    return CopyRows(len(claims), copy_rows(claims), any(claim.file_name for claim in claims))


def _columns(claims: ClaimColumns, defaults: Claim | None) -> CopyRows:
    from registry.db.claim_columns import copy_columns

    assert defaults is not None
    return CopyRows(claims.count, copy_columns(claims, defaults))


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
                # Before the pictures: a crawler that finds one of them must not wait for a list.
                lock_claims(conn)
                add_pictures(conn, [picture for picture, _ in part])
                stored = store(conn, [_rows([claim for _, claim in part])])
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


def _packed(text: str | None) -> str | None:
    return None if text is None else pack(text)


def _unpacked(value: Any) -> Any:
    return unpack(value) if isinstance(value, str) else value

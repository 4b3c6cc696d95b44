"""Importing claims in bulk; what is there already is not added again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import psycopg

from registry.db.sql import load
from registry.db.values import claim_digest, pack
from registry.db.visits import add_pictures
from registry.errors import UnreadableInput
from registry.model import Claim, Picture

SQL = load("claims")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """How many claims were read, how many of them are new, how many were there already."""

    read: int = 0
    added: int = 0
    already: int = 0

    def __add__(self, other: ImportCounts) -> ImportCounts:
        """Return the sums."""
        return ImportCounts(
            self.read + other.read, self.added + other.added, self.already + other.already
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
    """Store claims, `batch` of them to a transaction, and return the counts.

    `on_batch` gets the counts of each batch once it is stored, so that they
    are known whatever happens later. Importing the same claims again adds
    nothing, so an import that was interrupted is completed by running it once
    more. Memory holds one batch. Where `claims` raises UnreadableInput, those
    before it are stored and the error is raised again.
    """
    counts = ImportCounts()
    for part in _batches(claims, batch):
        with conn.transaction():
            stored = _insert(conn, part)
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
        with conn.transaction():
            add_pictures(conn, [picture for picture, _ in part])
            stored = _insert(conn, [claim for _, claim in part])
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
    return ImportCounts(len(claims), added, len(claims) - added)


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
    )


def _packed(text: str | None) -> str | None:
    return None if text is None else pack(text)


def _bytes(digits: str | None) -> bytes | None:
    return None if digits is None else bytes.fromhex(digits)

"""Stores claims in batches, each in a transaction and a thread of its own.

A batch is copied into a temporary table and inserted by one statement. With two sessions, one
receives rows while the server inserts those of the other. Batches are inserted one after the
other, also those of two imports: under a lock, each sees what the one before has added.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import psycopg
from psycopg import errors

from registry.db.claim_copy import HEADER, TRAILER
from registry.db.connect import SESSION
from registry.db.held_signals import held_signals
from registry.db.sql import load
from registry.errors import DatabaseUnavailable

SQL = load("claims")
CLAIMS_LOCK = 0x636C61696D736C6B
# Bytes of rows after which a batch ends.
MOST_BYTES = 512 << 20
# Parts that wait to be sent; one of more bytes than LARGE_PART waits alone.
WAITING_PARTS = 4
LARGE_PART = 16 << 20
# Seconds: until a message says that another import is waited for; for which an interrupted import
# lets an insert end; for which it then waits for the insert to be cancelled.
SILENT_SECONDS, GRACE_SECONDS, CANCEL_SECONDS = 5.0, 2.0, 5.0
EVERY_SECONDS = 0.1
SENT_SECONDS = 0.01

log = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True)
class CopyRows:
    """Claims as rows of a binary COPY: how many, their bytes, and whether any has a file name."""

    count: int
    data: bytes | memoryview
    has_names: bool = False


OnBatch = Callable[[ImportCounts], None]
OpenSession = Callable[[], psycopg.Connection]


def lock_claims(conn: psycopg.Connection) -> None:
    """Wait until no other import inserts, and let none insert until the transaction ends."""
    key, limit = {"key": CLAIMS_LOCK}, "SELECT set_config('lock_timeout', %s, true)"
    conn.execute(limit, (f"{SILENT_SECONDS}s",))
    try:
        with conn.transaction():
            conn.execute(SQL["lock_claims"], key)
    except errors.LockNotAvailable:
        log.warning("waiting for another import")
        conn.execute(limit, ("0",))
        conn.execute(SQL["lock_claims"], key)
    conn.execute(limit, (SESSION["lock_timeout"],))


def store(conn: psycopg.Connection, parts: Iterable[CopyRows]) -> ImportCounts:
    """Store claims in the caller's transaction; those that are known are not added again."""
    conn.execute(SQL["stage_claims"])
    count, has_names = 0, False
    with conn.cursor() as cursor, cursor.copy(SQL["copy_claims"]) as copy:
        copy.write(HEADER)
        for part in parts:
            copy.write(part.data)
            count += part.count
            has_names |= part.has_names
        copy.write(TRAILER)
    lock_claims(conn)
    added = _insert(conn)
    restored = 0
    if conn.execute(SQL["any_withdrawn"]).fetchone() == (True,):
        restored = conn.execute(SQL["restore_claims"]).rowcount
    if has_names:
        conn.execute(SQL["name_files"])
    return ImportCounts(count, added, count - added - restored, restored)


def _insert(conn: psycopg.Connection) -> int:
    """Insert the staged claims that are new, and return their number."""
    try:
        with conn.transaction():
            conn.execute(SQL["plan_insert"])
            added = conn.execute(SQL["insert_new_claims"]).rowcount
            conn.execute(SQL["plan_others"])
    except errors.UniqueViolation:
        # An older version of this program, which does not know the lock, imports at the same time.
        added = conn.execute(SQL["insert_claims"]).rowcount
    return added


class _GivenUp(Exception):
    """The rows of this batch are not to be stored."""


class _Batch:
    """One batch: rows are added, then `end` or `give_up` is called."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self.conn = conn
        self.count = 0
        self.size = 0
        self._parts: queue.Queue[CopyRows | None] = queue.Queue(WAITING_PARTS)
        self._has_end = False
        self._given_up = False
        self._ended = threading.Event()
        self._outcome: ImportCounts | BaseException = _GivenUp()
        threading.Thread(target=self._run, daemon=True, name="import").start()

    def add(self, rows: CopyRows) -> None:
        """Add rows; wait while many have not been sent. Raises the error of the transaction."""
        self.count += rows.count
        self.size += len(rows.data)
        while len(rows.data) > LARGE_PART and not self._parts.empty():
            if self._ends_within(SENT_SECONDS):
                break
        self._put(rows)

    def end(self) -> None:
        """Let the batch be inserted."""
        self._put(None)
        self._has_end = True

    def give_up(self) -> None:
        """Roll back; an insert that has begun may end first, if that takes only moments."""
        if self._has_end and self._ends_within(GRACE_SECONDS):
            return
        self._given_up = True
        if not self._has_end and self._ends_within(GRACE_SECONDS):
            return
        try:
            self.conn.cancel_safe(timeout=CANCEL_SECONDS)
        except psycopg.Error as error:
            log.warning("the import could not be cancelled: %s", error)
        self._ends_within(CANCEL_SECONDS)

    def _ends_within(self, seconds: float) -> bool:
        """Wait for the end of the transaction; return whether it has ended.

        A signal that came while Python holds a lock would leave it held, and a thread that is
        joined would count as ended (3.11).
        """
        with held_signals() as hold:
            hold()
            return self._ended.wait(seconds)

    def waits(self) -> Iterator[None]:
        """Yield until the transaction has ended."""
        while not self._ends_within(EVERY_SECONDS):
            yield

    @property
    def stored(self) -> ImportCounts | None:
        """Return the counts if the batch is committed."""
        return self._outcome if isinstance(self._outcome, ImportCounts) else None

    def result(self) -> ImportCounts:
        """Return the counts of an ended transaction, or raise its error."""
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome

    def _put(self, part: CopyRows | None) -> None:
        while True:
            try:
                with held_signals() as hold:
                    hold()
                    return self._parts.put(part, timeout=EVERY_SECONDS)
            except queue.Full:
                if self._ended.is_set():
                    self.result()
                    raise

    def _run(self) -> None:
        try:
            with self.conn.transaction():
                counts = store(self.conn, self._received())
            self._outcome = counts
        except BaseException as error:  # noqa: BLE001 (raised again by `result`)
            self._outcome = error
        finally:
            self._ended.set()

    def _received(self) -> Iterator[CopyRows]:
        while True:
            try:
                part = self._parts.get(timeout=EVERY_SECONDS)
            except queue.Empty:
                part = CopyRows(0, b"")
            if self._given_up:
                raise _GivenUp
            if part is None:
                return
            yield part


class Batches:
    """The batches of one import, on one session or on two in turn.

    `sizes` has the number of claims of each batch, `on_batch` gets its counts once it is
    committed, `on_wait` is called while it is waited for. `counts` are their sums. Use it as a
    context: however it ends, what is committed is counted, and nothing is committed later.
    """

    def __init__(
        self,
        conn: psycopg.Connection,
        another: OpenSession | None,
        sizes: Iterator[int],
        on_batch: OnBatch,
        on_wait: Callable[[], None],
    ) -> None:
        self.counts = ImportCounts()
        self._free = [conn]
        self._another = another
        self._sizes = sizes
        self._on_batch = on_batch
        self._on_wait = on_wait
        self._open: _Batch | None = None
        self._inserting: _Batch | None = None
        self._size = 0

    def __enter__(self) -> Batches:
        """Return this object."""
        return self

    def __exit__(self, *_: object) -> None:
        """Roll back what is not committed within moments; count what is."""
        with held_signals() as hold:
            hold()
            for batch in (self._inserting, self._open):
                if batch is not None:
                    batch.give_up()
                    self._count(batch)

    def add(self, rows: CopyRows) -> None:
        """Add claims to the open batch, which is inserted once it is large enough."""
        if not rows.count:
            return
        if self._open is None:
            self._size = next(self._sizes)
            self._open = _Batch(self._session())
        self._open.add(rows)
        if self._open.count >= self._size or self._open.size >= MOST_BYTES:
            self._insert()

    def finish(self) -> None:
        """Insert what was added, and wait until it is committed."""
        self._insert()
        self._collect()

    def _session(self) -> psycopg.Connection:
        """Return a session without a batch."""
        if not self._free and self._another:
            try:
                self._free.append(self._another())
            except DatabaseUnavailable as error:
                # The server may allow one session only; the import is slower then.
                log.warning("no second session: %s", error.message)
            self._another = None
        if not self._free:
            self._collect()
        return self._free.pop()

    def _insert(self) -> None:
        """Let the open batch be inserted, after the one before it."""
        if self._open is not None:
            self._collect()
            self._open.end()
            self._open, self._inserting = None, self._open

    def _collect(self) -> None:
        """Wait for the batch that is being inserted; raise its error."""
        if self._inserting is not None:
            for _ in self._inserting.waits():
                self._on_wait()
            self._inserting.result()
            with held_signals() as hold:
                hold()
                self._count(self._inserting)

    def _count(self, batch: _Batch) -> None:
        """Count a batch if it is committed."""
        if batch.stored is not None:
            self._inserting = None
            self._free.append(batch.conn)
            self.counts += batch.stored
            self._on_batch(batch.stored)

"""Writes a visit to the database, with retries."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from psycopg import Connection

from crawler.record.captures import keep_captures
from crawler.record.judging import Judged, judge, settle_finished
from crawler.record.readings import record_readings
from crawler.record.refused import raise_refused
from crawler.record.schedules import Found, PlanRow, longest_unasked, settle
from crawler.record.values import Batch, Known
from registry.db import held, known_pages, records, visits
from registry.db.connect import connect
from registry.db.events import changes_found
from registry.db.known_rows import Extent
from registry.db.session import Session
from registry.db.visits import Begun, Claim, Span, State
from registry.errors import DatabaseUnavailable
from registry.model import Observation
from registry.urls.hosts import bare

if TYPE_CHECKING:
    from crawler.warc.writer import WarcWriter

Result = TypeVar("Result")
# Seconds to wait before each retry, long enough for a restart of the server.
PATIENCE = (0.5, 1.0, 2.0, 4.0)
# A visit that so many processes did not survive fails. The last two made no other visit; one
# alone may have ended by chance.
MOST_CRASHES = 4


@dataclass(slots=True)
class Recorder:
    """One visit in the database, held by a session until it ends.

    May be called from any thread, one call at a time; the session may be that of several
    visits. Each call is one transaction. If the
    database is unavailable, it is retried after each of the seconds in `patience`, then
    DatabaseUnavailable is raised. Raises VisitLost if another process took the visit.

    `begun` says what the visit asks for, and holds its journal until here. `last_at` is the time
    when the visit to pages before it finished, None for the first. `known` are the known images,
    pages and site files of the host. `archive` writes the responses with marks to WARC files.
    """

    visit_id: int
    plan: PlanRow
    begun: Begun
    known: Known
    session: Session
    token: int = 1
    last_at: datetime | None = None
    patience: Sequence[float] = PATIENCE
    archive: WarcWriter | None = None
    _part: int = field(init=False)
    _began: float = field(default_factory=monotonic)
    # The connection that holds the visit; another one replaces it after it is lost.
    _held_by: Connection | None = None

    def __post_init__(self) -> None:
        """Continue after the last part of the journal."""
        self._part = len(self.begun.journal)

    @property
    def is_resumed(self) -> bool:
        """Return whether another process began the visit."""
        return self.token > 1

    def drop_journal(self) -> None:
        """Drop the visit's journal, so that it begins anew."""

        def drop(conn: Connection) -> None:
            self._confirm(conn)
            visits.drop_journals(conn, self.visit_id)

        self._with_retries(drop)
        self.begun = replace(self.begun, journal=())

    def write(self, batch: Batch) -> None:
        """Append a batch in one transaction, with the events that its readings show.

        Raises UnwritableOutput if its captures cannot be written.
        """
        part, self._part = self._part, self._part + 1

        def append(conn: Connection) -> None:
            self._confirm(conn)
            # After a lost connection, the batch may have been committed.
            if visits.add_journal(conn, self.visit_id, part, batch.results):
                stored = records.write(
                    conn, self.visit_id, batch.observations, batch.site_files, batch.readings
                )
                is_first = self.last_at is None
                record_readings(conn, self.visit_id, batch.readings, stored, is_first=is_first)
                known_pages.keep(conn, self.visit_id, batch.pages)
                known_pages.keep_guides(conn, self.visit_id, batch.guides)
                if self.archive is not None:
                    keep_captures(conn, self.archive, batch.captures)

        self._with_retries(append)

    def finish(
        self, state: State, counts: Mapping[str, int], rest: Sequence[Observation] = ()
    ) -> Mapping[str, str]:
        """Record the last observations, the end of the visit, and when the next one is due.

        Return what the monitors say of it, by their names: it is `suspect` if they say anything.
        """
        part, self._part = self._part, self._part + 1

        def end(conn: Connection) -> Mapping[str, str]:
            # After a lost connection, the end may have been committed.
            if visits.has_ended(conn, self.visit_id, self.token):
                return visits.suspicions_of(conn, self.visit_id)
            self._confirm(conn)
            if visits.add_journal(conn, self.visit_id, part, b""):
                records.write(conn, self.visit_id, rest)
            span = visits.finish_visit(conn, self.visit_id, state=state, counts=counts)
            return self._judged(conn, state, span)

        return self._with_retries(end)

    def give_back(self) -> None:
        """Record that another process goes on with the visit."""

        def give(conn: Connection) -> None:
            if not visits.has_ended(conn, self.visit_id, self.token):
                self._confirm(conn)
                visits.give_back(conn, self.visit_id, self.token)

        self._with_retries(give)

    def sign(self) -> None:
        """Show that the visit goes on: one without a sign for a minute is found killed."""
        self._with_retries(self._confirm)

    def let_go(self) -> None:
        """Hold the visit no more; if it has not ended, it is found killed."""
        held, self._held_by = self._held_by, None
        with suppress(DatabaseUnavailable):
            if held is not None and not held.closed:
                with self.session.connection() as conn:
                    if conn is held:
                        visits.let_go(conn, self.visit_id, self.token)

    def _judged(self, conn: Connection, state: State, span: Span) -> Mapping[str, str]:
        judged = Judged({})
        if state == "finished":
            judged = judge(conn, self.visit_id)
        else:
            held.drop(conn, self.visit_id)
        if judged.suspicions:
            state = "suspect"
        if state == "finished":
            settle_finished(conn, self.visit_id, span.finished_at)
        held.set_totals(conn, self.visit_id)
        found = self._found(conn, state, span)
        settle(conn, self.plan, self.begun.extent, state, span, found, judged.tries)
        return judged.suspicions

    def _found(self, conn: Connection, state: State, span: Span) -> Found | None:
        """Return what a finished visit says about the site's rate of change; not the first."""
        if state != "finished" or self.last_at is None:
            return None
        number, carriers = changes_found(conn, self.visit_id)
        return Found(span.started_at - self.last_at, number > 0, carriers)

    def _confirm(self, conn: Connection) -> None:
        visits.confirm(
            conn, self.visit_id, self.token, self.begun.seconds + monotonic() - self._began
        )

    def _hold(self, conn: Connection) -> None:
        """Hold the visit, unless a lost session of ours holds it until the server notices."""
        if conn is not self._held_by and visits.hold_visit(conn, self.visit_id, self.token):
            self._held_by = conn

    def _with_retries(self, task: Callable[[Connection], Result]) -> Result:
        for pause in (*self.patience, None):
            try:
                with self.session.connection() as conn:
                    self._hold(conn)
                    with conn.transaction():
                        return task(conn)
            except DatabaseUnavailable:
                if pause is None:
                    raise
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def last_visit(*, spider: str, start_url: str, host: str) -> datetime | None:
    """Return the time when the last such visit finished, None if there was none."""
    with connect() as conn:
        return visits.last_visit(conn, spider=spider, start_url=start_url, host=host)


def start(session: Session, plan: PlanRow, extent: Extent, user_agent: str) -> Recorder:
    """Continue the newest unfinished visit of this plan and extent, or begin a new one.

    Marks visits as `killed` whose process is gone. Raises HostRefused if the host is never
    visited, HostBusy if it has a visit in progress, and the errors of `connect`, without retries.
    """
    with session.connection() as conn:
        raise_refused(conn, [bare(plan["host"])])
        visits.mark_killed(conn)
        claimed = visits.claim(conn, **plan, extent=extent)
        if claimed is None:
            raise visits.busy(conn, plan["host"])
        return begin(session, plan, claimed, user_agent)


def fail(session: Session, plan: PlanRow, claimed: Claim) -> None:
    """End a claimed visit that cannot be made as `failed`; the next one is due later.

    Does nothing if another process has the visit. Raises the errors of `connect`.
    """
    with session.connection() as conn, conn.transaction():
        if visits.seize(conn, claimed):
            _fail(conn, plan, claimed)


def release(session: Session, claimed: Claim) -> None:
    """Record that another process goes on with a claimed visit. Raises the errors of `connect`."""
    with session.connection() as conn:
        visits.give_back(conn, claimed.visit_id, claimed.token)


def crash(session: Session, aboard: Sequence[tuple[PlanRow, Claim]]) -> list[int]:
    """Mark the visits of a process that crashed as killed; those that crash too often fail.

    Return the ids of those that failed. Raises the errors of `connect`.
    """
    with session.connection() as conn, conn.transaction():
        crashes = visits.mark_crashed(conn, [claimed for _, claimed in aboard])
        failed = [visit_id for visit_id, number in crashes.items() if number >= MOST_CRASHES]
        for plan, claimed in aboard:
            if claimed.visit_id in failed:
                _fail(conn, plan, claimed)
    return failed


def _fail(conn: Connection, plan: PlanRow, claimed: Claim) -> None:
    span = visits.finish_visit(conn, claimed.visit_id, state="failed", counts={})
    held.drop(conn, claimed.visit_id)
    settle(conn, plan, visits.extent_of(conn, claimed.visit_id), "failed", span)


def begin(session: Session, plan: PlanRow, claimed: Claim, user_agent: str) -> Recorder:
    """Begin or continue a claimed visit; return its recorder.

    Raises VisitLost if it is not this claim's any more, and the errors of `connect`, without
    retries.
    """
    with session.connection() as conn:
        begun = visits.begin(conn, claimed, user_agent)
        return Recorder(
            claimed.visit_id,
            plan,
            begun,
            _known(conn, plan),
            session,
            claimed.token,
            visits.last_visit(conn, **plan),
            _held_by=conn,
        )


def _known(conn: Connection, plan: PlanRow) -> Known:
    host = plan["host"]
    return Known(
        records.known_images(conn, host),
        known_pages.known_pages(conn, host),
        known_pages.known_guides(conn, host),
        records.known_site_files(conn, host),
        longest_unasked(conn, plan),
    )

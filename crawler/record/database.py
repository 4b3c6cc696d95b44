"""Writes a visit to the database, with retries."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from psycopg import Connection

from registry.db import records, visits
from registry.db.connect import connect
from registry.db.records import KnownImage
from registry.db.session import Session
from registry.db.visits import State
from registry.errors import DatabaseUnavailable
from registry.model import Observation, SiteFile

# Seconds to wait before each retry, long enough for a restart of the server.
PATIENCE = (0.5, 1.0, 2.0, 4.0)


@dataclass(slots=True)
class Recorder:
    """One visit in the database, held by one session until it is finished.

    May be called from any thread, one call at a time. Each call is one transaction. If the
    database is unavailable, it is retried after each of the seconds in `patience`, then
    DatabaseUnavailable is raised. Raises VisitLost if another process took the visit.

    `journal` holds the packed results of the visit until here, `seconds` the time that they
    took; both are empty for a new visit.
    """

    visit_id: int
    known: Mapping[str, KnownImage]
    session: Session
    token: int = 1
    journal: Sequence[bytes] = ()
    seconds: float = 0.0
    patience: Sequence[float] = PATIENCE
    _part: int = field(init=False)
    _began: float = field(default_factory=monotonic)
    # The connection that holds the visit; another one replaces it after it is lost.
    _held_by: Connection | None = None

    def __post_init__(self) -> None:
        """Continue after the last part of the journal."""
        self._part = len(self.journal)

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
        self.journal = ()

    def write(
        self, observations: Sequence[Observation], site_files: Sequence[SiteFile], results: bytes
    ) -> None:
        """Append a batch: the packed results and all their records, in one transaction."""
        part, self._part = self._part, self._part + 1

        def append(conn: Connection) -> None:
            self._confirm(conn)
            # After a lost connection, the batch may have been committed.
            if visits.add_journal(conn, self.visit_id, part, results):
                records.write(conn, self.visit_id, observations, site_files)

        self._with_retries(append)

    def finish(
        self,
        state: State,
        finished_at: datetime,
        counts: Mapping[str, int],
        rest: Sequence[Observation] = (),
    ) -> None:
        """Record the last observations and the end of the visit, its state and its counts."""
        part, self._part = self._part, self._part + 1

        def end(conn: Connection) -> None:
            self._confirm(conn)
            if visits.add_journal(conn, self.visit_id, part, b""):
                records.write(conn, self.visit_id, rest)
            visits.finish_visit(
                conn, self.visit_id, state=state, finished_at=finished_at, counts=counts
            )

        self._with_retries(end)
        self.session.close()

    def _confirm(self, conn: Connection) -> None:
        visits.confirm(conn, self.visit_id, self.token, self.seconds + monotonic() - self._began)

    def _hold(self, conn: Connection) -> None:
        """Hold the visit, unless a lost session of ours holds it until the server notices."""
        if conn is not self._held_by and visits.hold_visit(conn, self.visit_id):
            self._held_by = conn

    def _with_retries(self, task: Callable[[Connection], None]) -> None:
        for pause in (*self.patience, None):
            try:
                with self.session.connection() as conn:
                    self._hold(conn)
                    with conn.transaction():
                        return task(conn)
            except visits.VisitLost:
                self.session.close()
                raise
            except DatabaseUnavailable:
                if pause is None:
                    raise
                time.sleep(pause)
        return None


def last_visit(*, spider: str, start_url: str, host: str) -> datetime | None:
    """Return the time when the last such visit finished, None if there was none."""
    with connect() as conn:
        return visits.last_visit(conn, spider=spider, start_url=start_url, host=host)


def begin(
    *, spider: str, start_url: str, host: str, user_agent: str, started_at: datetime
) -> Recorder:
    """Take the killed visit of this plan, or record the start of a new one; return its recorder.

    Marks visits as `killed` whose process is gone. Raises the errors of `connect`, without
    retries.
    """
    session = Session()
    with session.connection() as conn:
        visits.mark_killed(conn)
        taken = visits.take_unfinished(conn, spider=spider, start_url=start_url, host=host)
        if taken is None:
            visit_id = visits.start_visit(
                conn,
                spider=spider,
                start_url=start_url,
                host=host,
                user_agent=user_agent,
                started_at=started_at,
            )
            taken = visits.Taken(visit_id, 1, 0.0, ())
        known = records.known_images(conn, host)
        return Recorder(
            taken.visit_id,
            known,
            session,
            taken.token,
            taken.journal,
            taken.seconds,
            _held_by=conn,
        )

"""Writes a visit to the database, with retries."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from registry.db import visits
from registry.db.connect import connect
from registry.db.session import Session
from registry.db.visits import KnownImage, State
from registry.errors import DatabaseUnavailable
from registry.model import Observation, SiteFile

# Seconds to wait before each retry, long enough for a restart of the server.
PATIENCE = (0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Recorder:
    """One visit in the database, locked by one session until it is finished.

    May be called from any thread, one call at a time. Each call is one
    transaction. If the database is unavailable, it is retried after each of the
    seconds in `patience`, then DatabaseUnavailable is raised.
    """

    visit_id: int
    known: Mapping[str, KnownImage]
    session: Session
    patience: Sequence[float] = PATIENCE

    def write(self, observations: Sequence[Observation], site_files: Sequence[SiteFile]) -> None:
        """Append a batch of observations and site files."""
        self._with_retries(lambda conn: visits.write(conn, self.visit_id, observations, site_files))

    def finish(self, state: State, finished_at: datetime, counts: Mapping[str, int]) -> None:
        """Record the end of the visit, its state and its counts."""
        self._with_retries(
            lambda conn: visits.finish_visit(
                conn, self.visit_id, state=state, finished_at=finished_at, counts=counts
            )
        )
        self.session.close()

    def _with_retries(self, task: Callable[[Connection], None]) -> None:
        for pause in (*self.patience, None):
            try:
                with self.session.connection() as conn:
                    return task(conn)
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
    """Record the start of a visit and mark killed visits as `killed`; return its recorder.

    Raises the errors of `connect`, without retries.
    """
    session = Session()
    with session.connection() as conn:
        visits.mark_killed(conn)
        visit_id = visits.start_visit(
            conn,
            spider=spider,
            start_url=start_url,
            host=host,
            user_agent=user_agent,
            started_at=started_at,
        )
        session.renew = lambda conn: visits.resume_visit(conn, visit_id)
        return Recorder(visit_id, visits.known_images(conn, host), session)

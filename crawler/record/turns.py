"""The turns of requests: hosts keep their pace over all processes, in the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from registry.db import hosts
from registry.db.hosts import Turn
from registry.db.session import Session
from registry.errors import DatabaseUnavailable

# Seconds until a turn is asked for again, if the database is away: the visit ends when its
# records cannot be written for longer.
AWAY_SECONDS = 1.0
_logger = logging.getLogger(__name__)


class Turns(Protocol):
    """Who says when a host may be requested. `holder` is a number of the visit."""

    async def take(self, host: str, *, holder: int, delay: float, timeout: float) -> Turn:
        """Take the turn of a request, as `registry.db.hosts.take_turn` does."""

    def end(self, host: str, *, holder: int, seconds: float, status: int | None) -> None:
        """End the request, as `registry.db.hosts.end_turn` does; does not wait for it."""

    def crawl_delay(self, host: str, seconds: float) -> None:
        """Keep the `Crawl-delay` of a host, 0 if it has none; does not wait for it."""


class DatabaseTurns:
    """Takes turns for the visits of this process, on a session and a thread of their own."""

    def __init__(self) -> None:
        """Prepare; the session begins with the first turn."""
        self._session = Session()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="turns")

    async def take(self, host: str, *, holder: int, delay: float, timeout: float) -> Turn:
        """Take the turn of a request, as `registry.db.hosts.take_turn` does."""

        def take() -> Turn:
            with self._session.connection() as conn:
                return hosts.take_turn(conn, host, holder=holder, delay=delay, timeout=timeout)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, take)
        except DatabaseUnavailable:
            return Turn(AWAY_SECONDS, taken=False)

    def end(self, host: str, *, holder: int, seconds: float, status: int | None) -> None:
        """End the request, as `registry.db.hosts.end_turn` does; does not wait for it."""
        values = {"holder": holder, "seconds": seconds, "status": status}
        self._thread.submit(self._write, hosts.end_turn, host, **values)

    def crawl_delay(self, host: str, seconds: float) -> None:
        """Keep the `Crawl-delay` of a host, 0 if it has none; does not wait for it."""
        self._thread.submit(self._write, hosts.set_crawl_delay, host, seconds=seconds)

    def close(self) -> None:
        """Wait for what was not waited for, and end the session."""
        self._thread.shutdown()
        self._session.close()

    def _write(self, write: Callable[..., None], host: str, **values: object) -> None:
        try:
            with self._session.connection() as conn:
                write(conn, host, **values)
        except DatabaseUnavailable as error:
            # This visit keeps the pace itself; a turn that did not end ends with the session.
            _logger.info("%s: its pace was not written (%s)", host, error)

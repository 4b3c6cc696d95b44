"""A connection that stays open over many uses, and is replaced when it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import RLock

import psycopg

from registry.db.connect import connect, database_name, translated
from registry.errors import DatabaseUnavailable


class Session:
    """A database session, whose locks last from one use to the next.

    May be used from any thread; threads that use it at the same time wait for each other.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._open = ExitStack()
        self._conn: psycopg.Connection | None = None
        self._name = ""

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """Yield an autocommit connection. Raises the errors of `registry.db.connect`."""
        with self._lock:
            conn = self._conn or self._connect()
            try:
                with translated(self._name):
                    yield conn
            except DatabaseUnavailable:
                self.close()
                raise

    def close(self) -> None:
        """End the session; the next use begins another."""
        with self._lock:
            self._conn = None
            with suppress(DatabaseUnavailable):
                self._open.close()

    def _connect(self) -> psycopg.Connection:
        with ExitStack() as opening:
            conn = opening.enter_context(connect())
            self._open = opening.pop_all()
        self._conn, self._name = conn, database_name()
        return conn

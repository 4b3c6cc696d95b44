"""The loop of a worker: claims the visits that are due, and follows the children that make them.

The database is asked in threads, so that its absence stops neither the children nor the loop.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import Callable
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from crawler.record import database as recorder
from crawler.record.schedules import DueVisit, claim_due
from crawler.worker.children import ChildLimits, Children, command
from crawler.worker.messages import Began, Done, Report, Stopped
from crawler.worker.totals import Totals
from registry.db import status, visits
from registry.db.connect import connect
from registry.db.session import Session
from registry.errors import DatabaseUnavailable, RegistryError, UnwritableOutput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator
    from pathlib import Path

    from psycopg import Connection

    from crawler.report.summary import Ended

# Seconds between two looks at what is due; a visit that ends is followed at once.
TICK = 5.0
# Seconds between two looks at the children.
WATCH = 1.0
# Longest time between two tries of a database that is away.
MOST_BACKOFF = 30.0
# Seconds until old visits are forgotten again.
FORGET = 86_400.0
# Seconds that visits may take to end their requests in progress, after a signal.
DRAIN = 45.0


class Worker:
    """Makes due visits, `concurrency` at a time, until a signal; or with `once` until none is due.

    `say` is called with lines for the log, `report` with the result of each visit. `made` and
    `failed` count the visits, `is_stopping` is whether a signal has stopped it, `totals` is
    what it has counted. `warc` is the folder of WARC files, None for none.
    """

    def __init__(
        self,
        concurrency: int,
        *,
        once: bool,
        say: Callable[[str], None],
        report: Callable[[Ended], None],
        limits: ChildLimits | None = None,
        warc: Path | None = None,
    ) -> None:
        """Prepare; `run` begins."""
        # Containers may have equal host names and process ids.
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"
        self._concurrency = concurrency
        self._once = once
        self._say = say
        self._report = report
        self._session = Session()
        arguments = command(warc) if warc else ()
        limits = limits or ChildLimits()
        self.totals = Totals()
        self._children = Children(self._reported, self._ended, limits, arguments, self.totals.add)
        self._wake = asyncio.Event()
        self.is_stopping = False
        self.made = self.failed = 0
        self._failures = 0
        self._writes: set[asyncio.Task[None]] = set()
        # The connection with which old visits are forgotten just now.
        self._forgetting: Connection | None = None

    async def run(self) -> None:
        """Make visits. Raises DatabaseUnavailable if there is no database at the start.

        Later an absent database is waited for. Raises MigrationsBehind if it has changed,
        UnwritableOutput if a WARC file cannot be written, and the errors of `say` and `report`.
        """
        with self._signals():
            watching = [asyncio.ensure_future(self._watch())]
            try:
                claimed = await self._claim()
                if not self._once:
                    watching.append(asyncio.ensure_future(self._forget_daily()))
                while not self.is_stopping and not (self._once and not claimed and self._is_idle):
                    await self._pause()
                    self._children.raise_error()
                    claimed = await self._claimed()
                if self._once and not self.is_stopping:
                    await self._forget()
            finally:
                await self._children.stop(DRAIN)
                for task in watching:
                    task.cancel()
                if self._forgetting is not None:
                    self._forgetting.cancel()
                if self._writes:
                    await asyncio.wait(self._writes)
                await asyncio.to_thread(self._leave)
            self._children.raise_error()

    @property
    def aboard(self) -> int:
        """Return the number of visits in progress."""
        return sum(len(child.aboard) for child in self._children.all)

    @property
    def children(self) -> int:
        """Return the number of processes that make visits."""
        return len(self._children.all)

    @property
    def _is_idle(self) -> bool:
        return self.aboard == 0 and not self._writes

    async def _pause(self) -> None:
        """Wait until a visit ends, or it is time to look again."""
        seconds = min(2.0 ** (self._failures - 1), MOST_BACKOFF) if self._failures else TICK
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return
        self._wake.clear()

    async def _claimed(self) -> int:
        """Claim visits, like `_claim`; if the database is away, try later."""
        try:
            claimed = await self._claim()
        except DatabaseUnavailable as error:
            if self._failures == 0:
                self._say(f"{error}; the worker waits for it")
            self._failures += 1
            return 1
        if self._failures:
            self._say("the database is back")
        self._failures = 0
        return claimed

    async def _claim(self) -> int:
        """Claim as many visits as there is room for, and return their number."""
        if self.is_stopping:
            return 0
        own = [claim.visit_id for child in self._children.all for claim in child.aboard]
        due = await asyncio.to_thread(self._due, self._concurrency - self.aboard, own)
        for visit in due:
            await self._children.make(visit)
        return len(due)

    def _due(self, room: int, own: list[int]) -> list[DueVisit]:
        with self._session.connection() as conn:
            status.sign(conn, self.name, concurrency=self._concurrency, visits=len(own))
            if room <= 0:
                return []
            # Its own visits hold on to the database by themselves, when it is back.
            visits.mark_killed(conn, spared=own)
            return claim_due(conn, self.name, room)

    def _leave(self) -> None:
        with suppress(RegistryError), self._session.connection() as conn:
            status.forget_worker(conn, self.name)
        self._session.close()

    def _reported(self, due: DueVisit, report: Report) -> None:
        match report:
            case Began(text=text):
                self._say(text)
            case Done(ended=ended):
                self._wake.set()
                self.made += 1
                self.failed += ended.state == "failed"
                self.totals.end(ended.state, ended.extent, ended.seconds)
                self._report(ended)
            case Stopped(error=error, is_failed=is_failed, ends_worker=hint):
                self._wake.set()
                if hint is not None:
                    raise UnwritableOutput(error, hint)
                self._say(f"visit {due.claim.visit_id} of {due.host} stopped: {error}")
                self.failed += is_failed
                self.totals.end("failed" if is_failed else "lost", due.extent)

    def _ended(self, aboard: list[DueVisit], fault: str | None) -> None:
        """Count the crash of a child for the visits that it made."""
        self._wake.set()
        is_crash = bool(aboard) and not self.is_stopping
        self.totals.crashes += is_crash or fault is not None
        if is_crash:
            hosts = ", ".join(due.host for due in aboard)
            reason = f"was killed: {fault}" if fault else "ended unexpectedly"
            self._say(f"a process {reason}; its visits go on in another: {hosts}")
            self._write(self._crashed(aboard))

    def _write(self, write: Awaitable[None]) -> None:
        task = asyncio.ensure_future(write)
        self._writes.add(task)
        task.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writes.discard(task)
        self._wake.set()
        if error := task.exception():
            # The visits are found by their silence.
            self._say(str(error))

    async def _crashed(self, aboard: list[DueVisit]) -> None:
        crashed = [(due.plan, due.claim) for due in aboard]
        extents = {due.claim.visit_id: due.extent for due in aboard}
        for visit_id in await asyncio.to_thread(recorder.crash, self._session, crashed):
            self.failed += 1
            self.totals.end("failed", extents[visit_id])
            self._say(f"visit {visit_id} failed: it ends its process")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH)
            self._children.check()

    async def _forget_daily(self) -> None:
        while True:
            await self._forget()
            await asyncio.sleep(FORGET)

    async def _forget(self) -> None:
        """Forget old visits; if the database is away, or it takes too long, another time."""
        with suppress(RegistryError):
            if number := await asyncio.to_thread(self._forgotten):
                self._say(f"forgot {number} old visits that found nothing new")

    def _forgotten(self) -> int:
        with connect() as conn:
            self._forgetting = conn
            try:
                return visits.forget_old(conn)
            finally:
                self._forgetting = None

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Stop at the first signal, at once at the second."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        if self.is_stopping:
            self._children.kill()
            return
        self.is_stopping = True
        self._wake.set()
        if self.aboard:
            self._say(f"giving back {self.aboard} visits (again to stop at once)")

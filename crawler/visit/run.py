"""Makes one visit in the main thread, from its plan to its result; repeatable in one process."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING

from crawler.options import Options
from crawler.plan import Plan
from crawler.record import database as recorder
from crawler.record.turns import DatabaseTurns
from crawler.report.summary import Ended
from crawler.visit.crawl import Crawl, ReportCounts, prepared
from crawler.visit.reactor import running_loop
from crawler.visit.readers import Readers
from registry.db.known_rows import Extent
from registry.db.session import Session
from registry.errors import UsageError

if TYPE_CHECKING:
    from crawler.warc.writer import WarcWriter

Say = Callable[[str], None]


def visit(
    plan: Plan,
    options: Options,
    *,
    report: ReportCounts = lambda tally: None,
    say: Say = lambda message: None,
    archive: WarcWriter | None = None,
) -> Ended:
    """Make one visit and return its result; may be called again in the same process.

    Call it in the main thread of a process, which may be a worker. `report` is called with
    the counts while the visit runs, `say` with single lines of text. An exception of
    `report` ends the visit, and is raised again. `archive` writes responses with marks to WARC
    files; the caller closes it. The first SIGINT,
    SIGTERM or SIGHUP ends the visit after the requests in progress, and `Ended.signal` is its
    number; the second ends the process at once.

    Raises UsageError for options that this start URL does not allow and inside a running
    event loop (a notebook), HostRefused if the host is never visited, HostBusy if it has a visit
    in progress, and DatabaseUnavailable before the first request if the database is down, or
    later if it fails, and UnwritableOutput if `archive` cannot write; observations written
    before are kept.
    """
    _refuse_running_loop()
    preparation = prepared(plan, options)
    loop = running_loop()
    session = Session()
    try:
        extent: Extent = "fresh" if options.fresh else "full"
        record = recorder.start(session, preparation.row, extent, preparation.user_agent)
        record.archive = archive
        resumed = f" (visit {record.visit_id}, resumed)" if record.is_resumed else ""
        say(f"visiting {plan.start_url} as {preparation.user_agent}{resumed}")
        readers, turns = Readers(), DatabaseTurns()
        try:
            return _Run(Crawl(preparation, record, readers, turns, report), loop, say).made()
        finally:
            readers.close()
            turns.close()
    finally:
        # Lets go of a visit that failed: the next visit records it as killed.
        session.close()


def _refuse_running_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise UsageError(
        "a visit needs an event loop of its own, and one is running here",
        "make the visit in a process: multiprocessing.get_context('spawn').Pool(1)",
    )


def is_due(plan: Plan, older_than: timedelta, now: datetime) -> bool:
    """Return whether the last finished visit of a plan is older than this, or there is none."""
    last = recorder.last_visit(spider=plan.spider.name, start_url=plan.start_url, host=plan.host)
    return last is None or now - last > older_than


@dataclass(slots=True)
class _Run:
    """A visit with an event loop of its own, which signals end."""

    crawl: Crawl
    loop: asyncio.AbstractEventLoop
    say: Say
    signal: int | None = None

    def made(self) -> Ended:
        with self._signals():
            return replace(self.loop.run_until_complete(self.crawl.made()), signal=self.signal)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """End the visit at a signal, if this is the main thread; others receive none."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupt(number: int, _frame: FrameType | None) -> None:
            self._interrupt(number)

        before = {
            number: signal.signal(number, interrupt)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupt(self, number: int) -> None:
        """End the visit at the first signal, the process at the second."""
        if self.signal is not None:
            self.say("interrupted")
            # No cleanup may run: it could wait for requests in progress. An open
            # transaction is rolled back; workers exit without their parent.
            os._exit(128 + number)
        self.signal = number
        self.say("stopping after the requests in progress (interrupt again to stop at once)")
        self.loop.call_soon_threadsafe(self.crawl.ending.interrupt)

"""A process that makes visits for a worker, several on one event loop.

Orders arrive on standard input, reports leave on standard output. When standard input ends,
the worker is gone or needs the process no more: it gives back its visits and exits.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.options import Options
from crawler.plan import plan
from crawler.record import database as recorder
from crawler.record.schedules import DueVisit
from crawler.record.turns import DatabaseTurns
from crawler.report.visible_log import log_to_stderr
from crawler.settings import CONTACT_VARIABLE
from crawler.visit.crawl import Crawl, prepared
from crawler.visit.reactor import running_loop
from crawler.visit.readers import Readers
from crawler.worker.messages import (
    MOST_BYTES,
    Alive,
    Began,
    Done,
    GiveBack,
    Make,
    Report,
    Stopped,
    line,
    order,
)
from registry.db.events import events_of_visit
from registry.db.session import Session
from registry.db.visits import Claim, VisitLost
from registry.errors import DatabaseUnavailable, RegistryError, UnwritableOutput

if TYPE_CHECKING:
    from crawler.warc.writer import WarcWriter

# Seconds between two signs of life.
ALIVE_SECONDS = 5.0
# Seconds to wait before each retry of a write: a server may be away for a minute.
PATIENCE = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
# Processes that read the images and the pages of all visits.
IMAGE_READERS, PAGE_READERS = 2, 2

log = logging.getLogger(__name__)


def main(warc: str | None = None) -> None:
    """Make visits until standard input ends. `warc` is the folder of WARC files, if any."""
    reports = os.dup(1)
    # Whatever else writes to standard output must not spoil the reports.
    os.dup2(2, 1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # The worker decides. Not SIG_IGN, which the readers would inherit.
        signal.signal(number, lambda *_: None)
    log_to_stderr(verbose=False)
    running_loop().run_until_complete(_Child(reports, _archive(warc)).serve())
    # Threads of Twisted and of a database that does not answer must not delay the end.
    sys.stderr.flush()
    os._exit(0)


def _archive(warc: str | None) -> WarcWriter | None:
    if warc is None:
        return None
    from crawler.warc.writer import WarcWriter

    return WarcWriter(Path(warc))


class _Child:
    """The visits of this process."""

    def __init__(self, reports: int, archive: WarcWriter | None) -> None:
        self._reports = reports
        self._archive = archive
        self._session = Session()
        self._readers = Readers(IMAGE_READERS, PAGE_READERS)
        self._turns = DatabaseTurns()
        self._crawls: dict[Claim, Crawl] = {}
        self._visits: set[asyncio.Task[None]] = set()
        self._gives_back = False

    async def serve(self) -> None:
        """Follow the orders until there are no more; then give back the visits."""
        alive = asyncio.ensure_future(self._show_life())
        orders = asyncio.StreamReader(MOST_BYTES)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
        )
        while text := await orders.readline():
            match order(text):
                case Make(due):
                    visit = asyncio.ensure_future(self._visit(due))
                    self._visits.add(visit)
                    visit.add_done_callback(self._visits.discard)
                case GiveBack():
                    self._give_back()
        self._give_back()
        if self._visits:
            await asyncio.wait(self._visits)
        alive.cancel()
        self._readers.close()
        self._turns.close()
        self._session.close()
        if self._archive is not None:
            self._archive.close()

    async def _show_life(self) -> None:
        while True:
            self._show_counts()
            await asyncio.sleep(ALIVE_SECONDS)

    def _show_counts(self) -> None:
        """Show life, and what the visits have counted since the last time."""
        counts: Counter[str] = Counter()
        for crawl in self._crawls.values():
            counts.update(crawl.counted())
        self._send(Alive(dict(counts)))

    def _give_back(self) -> None:
        self._gives_back = True
        for crawl in self._crawls.values():
            crawl.ending.give_back()

    async def _visit(self, due: DueVisit) -> None:
        """Make a visit and report its end; no error leaves."""
        try:
            await self._made(due)
        except UnwritableOutput as error:
            hint = error.hint or ""
            self._send(Stopped(due.claim, str(error), is_failed=False, ends_worker=hint))
        except RegistryError as error:
            is_lost = isinstance(error, DatabaseUnavailable | VisitLost)
            self._send(Stopped(due.claim, str(error), not is_lost))
        except Exception as error:
            log.exception("visit %s", due.claim.visit_id)
            self._send(Stopped(due.claim, repr(error), is_failed=True))
        finally:
            self._crawls.pop(due.claim, None)

    async def _made(self, due: DueVisit) -> None:
        """Make a visit. One that cannot be made has failed before others can claim it."""
        try:
            await self._crawled(due)
        except (DatabaseUnavailable, VisitLost):
            raise
        except UnwritableOutput:
            # Not the site's fault: a worker with room on its disk goes on with the visit.
            await asyncio.to_thread(recorder.release, self._session, due.claim)
            raise
        except Exception:  # whatever it is, the visit has failed before it is told
            await asyncio.to_thread(recorder.fail, self._session, due.plan, due.claim)
            raise

    async def _crawled(self, due: DueVisit) -> None:
        options = Options.of(due.options, contact=os.environ.get(CONTACT_VARIABLE))
        preparation = prepared(plan(due.start_url, due.spider), options)
        agent = preparation.user_agent
        record = await asyncio.to_thread(
            recorder.begin, self._session, preparation.row, due.claim, agent
        )
        record.patience = PATIENCE
        record.archive = self._archive
        try:
            crawl = Crawl(preparation, record, self._readers, self._turns)
            if self._gives_back:
                crawl.ending.give_back()
            self._crawls[due.claim] = crawl
            resumed = ", resumed" if record.is_resumed else ""
            text = f"visiting {due.start_url} as {agent} (visit {record.visit_id}{resumed})"
            self._send(Began(due.claim, text))
            ended = await crawl.made()
            if ended.state != "given_back":
                found = await asyncio.to_thread(self._events, record.visit_id)
                self._send(Alive({f"events.{kind}": number for kind, number in found.items()}))
        finally:
            self._show_counts()
            await asyncio.to_thread(record.let_go)
        self._send(Done(due.claim, ended))

    def _events(self, visit_id: int) -> Mapping[str, int]:
        """Return the numbers of events of a visit that ended, by kind; none without a database."""
        with suppress(DatabaseUnavailable), self._session.connection() as conn:
            return events_of_visit(conn, visit_id)
        return {}

    def _send(self, report: Report) -> None:
        rest = line(report)
        try:
            while rest:
                rest = rest[os.write(self._reports, rest) :]
        except OSError:
            # The worker is gone; standard input ends, too.
            return

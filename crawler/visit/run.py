"""Makes one visit, from its plan to its result; repeatable in one process."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

from scrapy.crawler import AsyncCrawlerRunner, Crawler

from crawler.options import Options
from crawler.plan import Plan, contact_for, refuse_unimportable
from crawler.record import database as recorder
from crawler.report.summary import Ended
from crawler.report.tally import VisitTally
from crawler.settings import scrapy_settings, user_agent
from crawler.site_spider import SiteSpider
from crawler.visit.reactor import running_loop, with_names
from crawler.visit.readers import Readers
from registry.errors import UsageError
from registry.urls.key import hostname_of

ReportCounts = Callable[[VisitTally], None]
Say = Callable[[str], None]


def visit(
    plan: Plan,
    options: Options,
    *,
    report: ReportCounts = lambda tally: None,
    say: Say = lambda message: None,
) -> Ended:
    """Make one visit and return its result; may be called again in the same process.

    Call it in the main thread of a process, which may be a worker. `report` is called with
    the counts while the visit runs, `say` with single lines of text. An exception of
    `report` ends the visit, and is raised again. The first SIGINT,
    SIGTERM or SIGHUP ends the visit after the requests in progress, and `Ended.signal` is its
    number; the second ends the process at once.

    Raises UsageError for options that this start URL does not allow and inside a running
    event loop (a notebook), and DatabaseUnavailable
    before the first request if the database is down, or later if it fails; observations
    written before are kept.
    """
    _refuse_running_loop()
    refuse_unimportable(plan.spider)
    contact = contact_for(plan, options)
    agent = user_agent(contact)
    settings = scrapy_settings(
        contact=contact,
        delay=options.delay,
        timeout=options.timeout,
        hosts=[hostname_of(plan.start_url)],
        private=options.private,
        verbose=options.verbose,
    )
    record = recorder.begin(
        spider=plan.spider.name,
        start_url=plan.start_url,
        host=plan.host,
        user_agent=agent,
        started_at=datetime.now(UTC),
    )
    resumed = f" (visit {record.visit_id}, resumed)" if record.is_resumed else ""
    say(f"visiting {plan.start_url} as {agent}{resumed}")
    return _Visit(plan, options, record, report, say).made(settings)


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
class _Visit:
    plan: Plan
    options: Options
    record: recorder.Recorder
    report: ReportCounts
    say: Say
    signal: int | None = None
    crawler: Crawler | None = None
    report_error: BaseException | None = None
    readers: Readers = field(default_factory=Readers)

    def made(self, settings: dict[str, Any]) -> Ended:
        loop = running_loop()
        try:
            with self._signals(loop):
                return loop.run_until_complete(self._made(settings))
        finally:
            self.readers.close()
            # Releases the lock of a visit that failed: the next visit records it as killed.
            self.record.session.close()

    async def _made(self, settings: dict[str, Any]) -> Ended:
        runner = AsyncCrawlerRunner(settings)
        crawler = self.crawler = runner.create_crawler(self.plan.spider)
        started = datetime.now(UTC)
        with with_names(crawler):
            await runner.crawl(
                crawler,
                start_url=self.plan.start_url,
                limits=self.options.limits,
                recorder=self.record,
                readers=self.readers,
                report=self._reported,
            )
        # The results of busy workers are not needed any more.
        self.readers.give_up()
        spider = crawler.spider
        assert isinstance(spider, SiteSpider)
        await spider.finish()
        if error := self.report_error or spider.ending.error:
            raise error
        return self._ended(spider, (datetime.now(UTC) - started).total_seconds())

    def _ended(self, spider: SiteSpider, seconds: float) -> Ended:
        return Ended(
            visit=self.record.visit_id,
            spider=spider.name,
            start_url=self.plan.start_url,
            host=self.plan.host,
            state=spider.state,
            counts=spider.counts(),
            seconds=round(seconds, 3),
            start_refusal=spider.visit.start_refusal,
            stopped=dict(spider.stopped),
            signal=self.signal,
        )

    def _reported(self, tally: VisitTally) -> None:
        """Call `report`; at its first exception end the visit."""
        if self.report_error is not None:
            return
        try:
            self.report(tally)
        except BaseException as error:  # noqa: BLE001 (the caller's own, raised when the visit ended)
            self.report_error = error
            self._stop_spider()

    @contextmanager
    def _signals(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """End the visit at a signal, if this is the main thread; others receive none."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupt(number: int, _frame: FrameType | None) -> None:
            self._interrupt(number, loop)

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

    def _interrupt(self, number: int, loop: asyncio.AbstractEventLoop) -> None:
        """End the visit at the first signal, the process at the second."""
        if self.signal is not None:
            self.say("interrupted")
            # No cleanup may run: it could wait for requests in progress. An open
            # transaction is rolled back; workers exit without their parent.
            os._exit(128 + number)
        self.signal = number
        self.say("stopping after the requests in progress (interrupt again to stop at once)")
        loop.call_soon_threadsafe(self._stop_spider)

    def _stop_spider(self) -> None:
        spider = self.crawler.spider if self.crawler is not None else None
        if isinstance(spider, SiteSpider):
            spider.ending.interrupt()

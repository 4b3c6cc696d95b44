"""Running visits in this process: from what was asked for to what came of it."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader

from crawler.record import database as recorder
from crawler.report.progress import Progress
from crawler.report.summary import Ended
from crawler.report.visible_log import make_visible
from crawler.settings import (
    LEAST_DELAY,
    SPIDER_MODULES,
    checked_contact,
    scrapy_settings,
    user_agent,
)
from crawler.site_spider import SiteSpider
from crawler.visit.frontier import Limits
from crawler.visit.readers import Readers
from registry.errors import UsageError
from registry.terminal import say
from registry.urls.absolute import absolute
from registry.urls.key import host_of, hostname_of
from registry.urls.networks import is_loopback, is_private

# These say in the log what is recorded as a refusal anyway.
QUIET = ("scrapy.core.downloader", "scrapy.downloadermiddlewares", "scrapy.extensions")


@dataclass(frozen=True, slots=True)
class Options:
    """How to crawl: limits per visit, seconds between requests, seconds per download.

    `private`: the hosts named are in a private network although their names look public.
    """

    limits: Limits
    delay: float
    timeout: float
    contact: str | None = None
    verbose: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """One visit to make: which spider, from where."""

    spider: type[SiteSpider]
    start_url: str

    @property
    def host(self) -> str:
        """Return the host the visit is recorded under."""
        return host_of(self.start_url) or ""


@dataclass(slots=True)
class Run:
    """Visits, one after the other. `signal` is the one that interrupted, if one did."""

    options: Options
    progress: Progress
    ended: list[Ended] = field(default_factory=list)
    signal: int | None = None
    _crawler: Crawler | None = None

    def visit(self, plans: Sequence[Plan]) -> None:
        """Make the visits. Raises DatabaseUnavailable, before anything is asked for if it
        is down already; then what was written before stays written."""
        local = all(is_loopback(hostname_of(plan.start_url)) for plan in plans)
        hosts = [hostname_of(plan.start_url) for plan in plans]
        if not self.options.private:
            _refuse_mixture(hosts)
        contact = checked_contact(self.options.contact, local=local)
        if self.options.delay < LEAST_DELAY and not local:
            raise UsageError(
                f"--delay {self.options.delay:g} is too fast for other people's sites",
                f"{LEAST_DELAY:g} seconds is the least; only this machine may be asked faster",
            )
        settings = scrapy_settings(
            contact=contact,
            delay=self.options.delay,
            timeout=self.options.timeout,
            hosts=hosts,
            private=self.options.private,
            verbose=self.options.verbose,
        )
        first = self._begin(plans[0], user_agent(contact))
        self._run_reactor(settings, plans, first)

    def _run_reactor(
        self, settings: dict[str, Any], plans: Sequence[Plan], first: recorder.Recorder
    ) -> None:
        process = AsyncCrawlerProcess(settings)
        make_visible(logging.root)
        if not self.options.verbose:
            for name in QUIET:
                logging.getLogger(name).setLevel(logging.ERROR)
        from twisted.internet import reactor

        loop = asyncio.get_event_loop()
        task = loop.create_task(self._visit_all(process, plans, first))
        task.add_done_callback(lambda _: reactor.stop())  # type: ignore[misc]
        before = {
            number: signal.signal(number, self._interrupt)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN
        }
        try:
            process.start(stop_after_crawl=False, install_signal_handlers=False)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        task.result()

    async def _visit_all(
        self, process: AsyncCrawlerProcess, plans: Sequence[Plan], first: recorder.Recorder
    ) -> None:
        readers = Readers()
        try:
            for number, plan in enumerate(plans):
                agent = process.settings["USER_AGENT"]
                record = self._begin(plan, agent) if number else first
                await self._visit_one(process, plan, record, readers)
                if self.signal is not None:
                    return
        finally:
            readers.close()

    async def _visit_one(
        self, process: AsyncCrawlerProcess, plan: Plan, record: recorder.Recorder, readers: Readers
    ) -> None:
        started = datetime.now(UTC)
        self.progress.say(f"visiting {plan.start_url} as {process.settings['USER_AGENT']}")
        crawler = process.create_crawler(plan.spider)
        self._crawler = crawler
        await process.crawl(
            crawler,
            start_url=plan.start_url,
            limits=self.options.limits,
            recorder=record,
            readers=readers,
            report=self.progress.show,
        )
        # Workers that are still at it read for nobody.
        readers.give_up()
        spider = crawler.spider
        assert isinstance(spider, SiteSpider)
        if spider.lost is not None:
            raise spider.lost
        seconds = (datetime.now(UTC) - started).total_seconds()
        self.ended.append(
            Ended(
                visit=record.visit_id,
                spider=spider.name,
                start_url=plan.start_url,
                host=plan.host,
                state=spider.state,
                counts=spider.counts(),
                seconds=round(seconds, 3),
                start_refusal=spider.start_refusal,
                stopped=spider.stopped,
            )
        )

    def _begin(self, plan: Plan, agent: str) -> recorder.Recorder:
        return recorder.begin(
            spider=plan.spider.name,
            start_url=plan.start_url,
            host=plan.host,
            user_agent=agent,
            started_at=datetime.now(UTC),
        )

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        """Stop politely at the first signal and at once at the second."""
        if self.signal is not None:
            say("interrupted")
            # Nothing may run any more, least of all waiting for what is under
            # way. An open transaction ends unwritten; the workers see us gone.
            os._exit(128 + number)
        self.signal = number
        self.progress.say("stopping: finishing what is under way (once more to stop at once)")
        asyncio.get_event_loop().call_soon_threadsafe(self._stop_spider)

    def _stop_spider(self) -> None:
        spider = self._crawler.spider if self._crawler is not None else None
        if isinstance(spider, SiteSpider):
            spider.interrupt()


def is_due(plan: Plan, older_than: timedelta, now: datetime) -> bool:
    """Tell whether the last finished visit of a plan is older than that, or there is none."""
    last = recorder.last_visit(spider=plan.spider.name, start_url=plan.start_url, host=plan.host)
    return last is None or now - last > older_than


def spiders() -> dict[str, type[SiteSpider]]:
    """Return every spider by name."""
    loader = SpiderLoader.from_settings(Settings({"SPIDER_MODULES": SPIDER_MODULES}))
    found = {name: loader.load(name) for name in sorted(loader.list())}
    return {name: spider for name, spider in found.items() if issubclass(spider, SiteSpider)}


def plan(target: str) -> Plan:
    """Return the visit that a URL or a spider's name means. Raises UsageError."""
    known = spiders()
    if "://" in target:
        return Plan(known["gallery"], _checked(target))
    if target in known:
        if not known[target].starts_at:
            raise UsageError(f"the spider {target} needs an address", "crawler run https://...")
        return Plan(known[target], known[target].starts_at)
    hint = f"did you mean https://{target} ?" if "." in target else "see `crawler sites`"
    raise UsageError(f"there is no spider {target}", hint)


def _checked(target: str) -> str:
    if "@" in re.split(r"[/?#]", target.partition("://")[2], maxsplit=1)[0]:
        # Not repeated in the message: it may hold a password.
        raise UsageError(
            "a web address with a user name or password would be stored with them", "leave them out"
        )
    address = absolute(target, target)
    if address is None:
        raise UsageError(f"{target} is not a web address", "http:// or https://, then a host")
    return address


def _refuse_mixture(hostnames: Sequence[str]) -> None:
    """Raise UsageError where hosts of a private network and public ones are to be visited.

    Names are resolved for the whole run: a public site of a run that is at home
    in a private network could lead us into it.
    """
    if len(set(map(is_private, hostnames))) > 1:
        raise UsageError(
            "one run cannot visit both a private network and the public web",
            "make two runs of it",
        )

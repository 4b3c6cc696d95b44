"""Makes one visit on the running event loop, which may be that of several visits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from scrapy.crawler import AsyncCrawlerRunner, Crawler

from crawler.options import Options
from crawler.plan import Plan, contact_for, refuse_unimportable
from crawler.record.database import Recorder
from crawler.record.schedules import PlanRow
from crawler.record.turns import Turns
from crawler.report.summary import Ended
from crawler.report.tally import VisitTally
from crawler.report.traffic import READ, traffic
from crawler.settings import scrapy_settings, user_agent
from crawler.site_spider import SiteSpider
from crawler.visit.ending import VisitEnding
from crawler.visit.reactor import with_names
from crawler.visit.readers import Readers
from registry.urls.key import hostname_of

ReportCounts = Callable[[VisitTally], None]


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a visit needs to know before it is recorded."""

    plan: Plan
    options: Options
    settings: dict[str, Any]
    user_agent: str

    @property
    def row(self) -> PlanRow:
        """Return the plan as the database names it."""
        plan = self.plan
        return {"spider": plan.spider.name, "start_url": plan.start_url, "host": plan.host}


def prepared(plan: Plan, options: Options) -> Preparation:
    """Return the settings of a visit. Raises UsageError for options that are not allowed."""
    refuse_unimportable(plan.spider)
    contact = contact_for(plan, options)
    settings = scrapy_settings(
        contact=contact,
        delay=options.delay,
        timeout=options.timeout,
        hosts=[hostname_of(plan.start_url)],
        private=options.private,
        verbose=options.verbose,
    )
    return Preparation(plan, options, settings, user_agent(contact))


@dataclass(slots=True)
class Crawl:
    """One visit. `report` is called with its counts; its first exception ends the visit."""

    preparation: Preparation
    record: Recorder
    readers: Readers
    turns: Turns
    report: ReportCounts = lambda tally: None
    ending: VisitEnding = field(init=False)
    _runner: AsyncCrawlerRunner = field(init=False)
    _crawler: Crawler = field(init=False)
    _counted: Counter[str] = field(init=False, default_factory=Counter)
    _report_error: BaseException | None = None

    def __post_init__(self) -> None:
        """Prepare Scrapy's crawler."""
        self._runner = AsyncCrawlerRunner(self.preparation.settings)
        self._crawler = self._runner.create_crawler(self.preparation.plan.spider)
        self.ending = VisitEnding(self._crawler)

    async def made(self) -> Ended:
        """Make the visit and return its result. Raises the errors of the recorder and `report`.

        `ending` ends it early, also before it has begun.
        """
        started = monotonic()
        plan = self.preparation.plan
        with with_names(self._crawler):
            await self._runner.crawl(
                self._crawler,
                start_url=plan.start_url,
                limits=self.preparation.options.limits,
                recorder=self.record,
                readers=self.readers,
                turns=self.turns,
                ending=self.ending,
                report=self._reported,
            )
        spider = self._crawler.spider
        assert isinstance(spider, SiteSpider)
        await spider.finish()
        if error := self._report_error or self.ending.error:
            raise error
        return Ended(
            visit=self.record.visit_id,
            spider=spider.name,
            start_url=plan.start_url,
            host=plan.host,
            state="given_back" if self.ending.gives_back else spider.state,
            counts=spider.counts(),
            seconds=round(monotonic() - started, 3),
            extent=self.record.begun.extent,
            start_refusal=spider.visit.start_refusal,
            stopped=dict(spider.stopped),
            suspicions=dict(spider.suspicions),
        )

    def counted(self) -> Counter[str]:
        """Return what this process has counted of the visit since the last call, for metrics."""
        counts = traffic(self._crawler.stats.get_stats()) if self._crawler.stats else Counter[str]()
        if isinstance(spider := self._crawler.spider, SiteSpider):
            now, before = spider.visit.counts(), spider.counted_before
            counts.update({name: now[name] - before[name] for name in READ})
        new, self._counted = counts - self._counted, counts
        return new

    def _reported(self, tally: VisitTally) -> None:
        if self._report_error is not None:
            return
        try:
            self.report(tally)
        except BaseException as error:  # noqa: BLE001 (the caller's own, raised when the visit ended)
            self._report_error = error
            self.ending.interrupt()

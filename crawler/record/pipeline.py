"""Writes observations and site files to the database in batches, in order, in a thread."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from crawler.record.events import site_file_read
from registry.errors import RegistryError
from registry.model import Observation, SiteFile

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawler.site_spider import SiteSpider

BATCH = 200
SECONDS = 5.0


class DatabasePipeline:
    """Writes a batch at BATCH observations, and at least every SECONDS.

    One thread writes, one batch after the other, so the order is kept. Spiders wait
    if the next batch is full before the last one is written. A database error ends
    the visit: `spider.ending.error` is the error.
    """

    def __init__(self, crawler: Crawler) -> None:
        """Connect to the signal for site files, which a middleware sends."""
        self._crawler = crawler
        self._observations: list[Observation] = []
        self._site_files: list[SiteFile] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._lock = asyncio.Lock()
        self._ticker: asyncio.Task[None] | None = None
        crawler.signals.connect(self._site_file_read, signal=site_file_read)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> DatabasePipeline:
        """Make the pipeline."""
        return cls(crawler)

    @property
    def _spider(self) -> SiteSpider:
        return self._crawler.spider  # type: ignore[return-value]

    def open_spider(self) -> None:
        """Start writing every SECONDS."""
        self._ticker = asyncio.ensure_future(self._tick())

    async def process_item(self, item: Observation) -> Observation:
        """Add an observation to the batch; write the batch if it is full."""
        self._spider.visit.tally.observation(item)
        self._observations.append(item)
        if len(self._observations) >= BATCH:
            await self._flush()
        return item

    async def close_spider(self) -> None:
        """Write the remaining observations, and the end of the visit."""
        if self._ticker is not None:
            self._ticker.cancel()
        spider = self._spider
        for observation in spider.rest():
            await self.process_item(observation)
        await self._flush()
        if spider.ending.error is None:
            await self._run(
                spider.recorder.finish, spider.state, datetime.now(UTC), spider.counts()
            )
        self._thread.shutdown()

    def _site_file_read(self, site_file: SiteFile) -> None:
        if site_file.evidence is not None:
            self._spider.count([site_file.evidence])
        self._site_files.append(site_file)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            await self._flush()

    async def _flush(self) -> None:
        async with self._lock:
            observations, self._observations = self._observations, []
            site_files, self._site_files = self._site_files, []
            if (observations or site_files) and self._spider.ending.error is None:
                await self._run(self._spider.recorder.write, observations, site_files)

    async def _run(self, write: object, *arguments: object) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, write, *arguments)  # type: ignore[arg-type]
        except RegistryError as error:
            self._spider.ending.fail(error)

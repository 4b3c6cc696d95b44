"""The records of a visit, written to the database in batches, in order, in a thread.

A batch holds results and all their records: both are written in one transaction, so a visit
that is resumed from its journal neither loses nor repeats a record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from crawler.record.values import Batch
from crawler.settings import LEAST_DELAY
from crawler.visit.results import Result, pack, readings_of
from crawler.warc.captures import Capture
from registry.db.known_rows import KnownGuide, KnownPage
from registry.errors import RegistryError
from registry.model import Observation, SiteFile

if TYPE_CHECKING:
    from crawler.record.database import Recorder
    from registry.db.visits import State

Written = TypeVar("Written")
Arguments = TypeVarTuple("Arguments")
# Most records before a visit waits for the database.
BATCH = 200
# Seconds from the end of one write to the next: at the pace of one host each result is
# written at once, and a killed visit repeats only the requests that were in progress.
SECONDS = LEAST_DELAY
# Without results, a sign of life is written after so many seconds.
SIGN_SECONDS = 10.0


class Batches:
    """Writes the records that there are, SECONDS after the batch before.

    One thread writes, one batch after the other. `fail` is called with the first database
    error; nothing is written after it.
    """

    def __init__(self, recorder: Recorder, fail: Callable[[RegistryError], None]) -> None:
        """Prepare; `begin` starts writing."""
        self._recorder = recorder
        self._fail = fail
        self._failed = False
        self._observations: list[Observation] = []
        self._site_files: list[SiteFile] = []
        self._results: list[Result] = []
        self._known: list[KnownPage | KnownGuide] = []
        self._captures: list[Capture] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._lock = asyncio.Lock()
        self._some = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start writing."""
        self._writer = asyncio.ensure_future(self._write_on())

    def add(
        self,
        result: Result,
        records: Iterable[Observation | SiteFile],
        known: Iterable[KnownPage | KnownGuide] = (),
        captures: Iterable[Capture] = (),
    ) -> None:
        """Add a result, its records and captures, and what is known of pages and guides now."""
        self._some.set()
        self._results.append(result)
        self._known += known
        self._captures += captures
        for record in records:
            if isinstance(record, SiteFile):
                self._site_files.append(record)
            else:
                self._observations.append(record)

    async def room(self) -> None:
        """Wait until the database has taken what is too much to keep in memory."""
        if len(self._observations) + len(self._results) >= BATCH:
            await self._flush()

    async def finish(
        self, state: State, counts: dict[str, int], rest: Sequence[Observation]
    ) -> Mapping[str, str]:
        """Write the remaining records, the last observations, and the end of the visit.

        Return what the monitors say of it, by their names.
        """
        await self._stop()
        return await self._run(self._recorder.finish, state, counts, rest) or {}

    async def give_back(self) -> None:
        """Write the remaining records, and that another process goes on with the visit."""
        await self._stop()
        await self._run(self._recorder.give_back)

    async def _stop(self) -> None:
        async with self._lock:  # a write in progress ends, and its error is taken
            if self._writer is not None:
                self._writer.cancel()
        await self._flush()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    async def _write_on(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._some.wait(), SIGN_SECONDS)
            except TimeoutError:
                async with self._lock:
                    await self._run(self._recorder.sign)
                continue
            await self._flush()
            await asyncio.sleep(SECONDS)

    async def _flush(self) -> None:
        async with self._lock:
            self._some.clear()
            results, self._results = self._results, []
            observations, self._observations = self._observations, []
            site_files, self._site_files = self._site_files, []
            known, self._known = self._known, []
            captures, self._captures = self._captures, []
            if results:
                readings = [reading for result in results for reading in readings_of(result)]
                pages = [page for page in known if isinstance(page, KnownPage)]
                guides = [guide for guide in known if isinstance(guide, KnownGuide)]
                rest = readings, pages, guides, captures
                batch = Batch(pack(results), observations, site_files, *rest)
                await self._run(self._recorder.write, batch)

    async def _run(
        self, write: Callable[[*Arguments], Written], *arguments: *Arguments
    ) -> Written | None:
        if self._failed:
            return None
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, write, *arguments)
        except RegistryError as error:
            self._failed = True
            self._fail(error)
        return None

"""Children of a worker that speak its protocol without Scrapy: small programs, quickly started."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from crawler.record.schedules import DueVisit
from crawler.worker.children import ChildLimits, Children
from crawler.worker.messages import Began, Done, Report, Stopped
from registry.db.visits import Claim

TWO = ChildLimits(visits=2)
# What all fake children have: they begin each visit, and give back their visits when standard
# input ends. A visit whose host begins with `quick` is done at once.
PROTOCOL = """
import json, os, sys, time

visits = []
CRASHES = {}

def send(kind, **fields):
    print(json.dumps({"type": kind, **fields}), flush=True)

def done(visit, host, state):
    ended = {"visit": visit, "spider": "gallery", "start_url": "", "host": host, "state": state,
             "counts": {}, "seconds": 0.5}
    send("done", claim=[visit, 1, CRASHES.get(visit, 0)], ended=ended)

def begun(text):
    order = json.loads(text)
    if order["type"] != "make":
        return None
    visit, host = order["due"]["claim"][0], order["due"]["host"]
    CRASHES[visit] = order["due"]["claim"][2]
    send("began", claim=order["due"]["claim"], text=host)
    if host.startswith("quick"):
        done(visit, host, "finished")
    else:
        visits.append((visit, host))
    return visit
"""
OBEDIENT = """
for text in sys.stdin:
    begun(text)
for visit, host in visits:
    done(visit, host, "given_back")
"""


def fake_child(program: str = OBEDIENT) -> list[str]:
    """Return the command of a child that runs `program` after the protocol."""
    return [sys.executable, "-I", "-S", "-c", PROTOCOL + program]


class Clock:
    """The time of the worker, which a test moves forward."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Watched:
    """Children that run a program, and what is reported of them."""

    def __init__(self, program: str, limits: ChildLimits) -> None:
        arguments = fake_child(program)
        self.error: Exception | None = None
        self.reports: list[Report] = []
        self.ended: list[tuple[list[int], str | None]] = []
        self.children = Children(self._reported, self._ended, limits, arguments)

    def _reported(self, due: DueVisit, report: Report) -> None:
        if self.error is not None:
            raise self.error
        assert isinstance(report, Began | Done | Stopped)
        assert report.claim == due.claim
        self.reports.append(report)

    def _ended(self, aboard: list[DueVisit], fault: str | None) -> None:
        self.ended.append(([due.claim.visit_id for due in aboard], fault))

    @property
    def aboard(self) -> list[list[int]]:
        """Return the visits of each child."""
        return [[claim.visit_id for claim in child.aboard] for child in self.children.all]

    @property
    def begun(self) -> list[int]:
        return [report.claim.visit_id for report in self.reports if isinstance(report, Began)]

    @property
    def done(self) -> dict[int, str]:
        return {r.claim.visit_id: r.ended.state for r in self.reports if isinstance(r, Done)}

    async def make(self, *visits: DueVisit) -> None:
        """Let children make visits, and wait until all have begun."""
        for due in visits:
            await self.children.make(due)
        await self.until(lambda: all(due.claim.visit_id in self.begun for due in visits))

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Check the children until something is so."""
        async with asyncio.timeout(20):
            while not is_so():
                self.children.check()
                await asyncio.sleep(0.01)


@asynccontextmanager
async def watched(program: str = OBEDIENT, limits: ChildLimits = TWO) -> AsyncIterator[Watched]:
    """Yield children that run `program`; all have ended afterwards."""
    seen = Watched(program, limits)
    try:
        yield seen
    finally:
        processes = [child.process for child in seen.children.all]
        seen.children.kill()
        await seen.children.stop(0)
        assert seen.children.all == []
        assert all(process.returncode is not None for process in processes)


def due(
    number: int, *, url: str = "", host: str = "", crashes: int = 0, **options: object
) -> DueVisit:
    host = host or f"s{number}.example"
    return DueVisit(Claim(number, 1, crashes), "gallery", url or f"https://{host}/", host, options)


def run(check: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(check())

"""Children of a worker: which visits share one, and when one is ended. The children are fakes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fake_children import OBEDIENT, fake_child

from crawler.record.schedules import DueVisit
from crawler.report.summary import Ended
from crawler.worker import children
from crawler.worker.children import ChildLimits, Children
from crawler.worker.messages import MOST_BYTES, Began, Done, Report, Stopped
from registry.db.visits import Claim

TWO = ChildLimits(visits=2)
# Longer than a child may be silent or idle.
LATER = 61.0


class Clock:
    """The time of the worker, which a test moves forward."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(children, "monotonic", clock)
    return clock


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
        assert report.visit_id == due.claim.visit_id
        self.reports.append(report)

    def _ended(self, aboard: list[DueVisit], fault: str | None) -> None:
        self.ended.append(([due.claim.visit_id for due in aboard], fault))

    @property
    def aboard(self) -> list[list[int]]:
        """Return the visits of each child."""
        return [list(child.aboard) for child in self.children.all]

    @property
    def begun(self) -> list[int]:
        return [report.visit_id for report in self.reports if isinstance(report, Began)]

    @property
    def done(self) -> dict[int, str]:
        return {r.visit_id: r.ended.state for r in self.reports if isinstance(r, Done)}

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


def test_a_child_without_room_leads_to_a_second() -> None:
    async def check() -> None:
        async with watched() as seen:
            await seen.make(due(1), due(2), due(3))
            assert seen.aboard == [[1, 2], [3]]
            await seen.make(due(4), due(5))
            assert seen.aboard == [[1, 2], [3, 4], [5]]

    run(check)


def test_a_visit_that_ends_makes_room() -> None:
    async def check() -> None:
        async with watched() as seen:
            for number in (1, 2, 3):
                await seen.make(due(number, host="quick.example"))
                await seen.until(lambda number=number: number in seen.done)  # type: ignore[misc]
            await seen.make(due(4), due(5))
            assert seen.aboard == [[4, 5]]
            assert seen.done == {1: "finished", 2: "finished", 3: "finished"}
            assert isinstance(seen.reports[1], Done)
            assert seen.reports[1].ended == Ended(
                1, "gallery", "", "quick.example", "finished", {}, 0.5
            )

    run(check)


def test_private_and_public_visits_are_apart() -> None:
    async def check() -> None:
        async with watched(limits=ChildLimits()) as seen:
            await seen.make(
                due(1),
                due(2, url="http://10.0.0.1/"),
                due(3, private=True),
                due(4, private=False),
                due(5, url="http://[::1]:8000/"),
            )
            assert seen.aboard == [[1, 4], [2, 3, 5]]

    run(check)


def test_a_visit_that_has_ended_two_processes_runs_alone() -> None:
    async def check() -> None:
        async with watched() as seen:
            await seen.make(due(1, crashes=2), due(2))
            assert seen.aboard == [[1], [2]]
        async with watched(limits=ChildLimits()) as seen:
            for visit in (due(1, crashes=1), due(2, crashes=2, host="quick.example")):
                await seen.children.make(visit)
            assert seen.aboard == [[1], [2]]
            await seen.make(due(3, crashes=3), due(4))
            # The process of the second visit ends, and makes no other.
            await seen.until(lambda: bool(seen.ended))
            assert seen.aboard == [[1, 4], [3]]
            assert seen.ended == [([], None)]

    run(check)


HANGS = """
for text in sys.stdin:
    if begun(text) == 2:
        time.sleep(60)
"""


def test_a_silent_child_is_killed(clock: Clock) -> None:
    async def check() -> None:
        async with watched(HANGS) as seen:
            await seen.make(due(1), due(2))
            clock.seconds += 60
            seen.children.check()
            assert seen.aboard == [[1, 2]]
            clock.seconds += 1
            await seen.until(lambda: bool(seen.ended))
            assert seen.ended == [([1, 2], "it was silent for 61 s")]
            assert seen.children.all == []
            await seen.make(due(3))
            assert seen.aboard == [[3]]

    run(check)


ALIVE = """
for text in sys.stdin:
    begun(text)
    while True:
        send("alive")
        time.sleep(0.02)
"""


def test_a_child_that_shows_life_is_not_silent(clock: Clock) -> None:
    async def check() -> None:
        async with watched(ALIVE) as seen:
            await seen.make(due(1))
            for _ in range(3):
                clock.seconds += 59
                await seen.until(lambda: seen.children.all[0].seen == clock.seconds)
            assert seen.ended == []
            assert seen.reports == [Began(1, "s1.example")]  # life is not passed on

    run(check)


GROWS = """
for text in sys.stdin:
    if begun(text) == 2:
        much = b"x" * (200 << 20)
        time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system has no /proc")
def test_a_child_that_takes_too_much_memory_is_killed() -> None:
    async def check() -> None:
        async with watched(GROWS, ChildLimits(memory=100 << 20)) as seen:
            await seen.make(due(1))
            seen.children.check()
            await seen.make(due(2))
            await seen.until(lambda: bool(seen.ended))
            (visits, fault), *more = seen.ended
            assert (visits, more) == ([1, 2], [])
            assert fault is not None
            assert fault.startswith("it took ")
            assert int(fault.split()[2]) >= 100

    run(check)


EXITS = """
for text in sys.stdin:
    if begun(text) == 2:
        os._exit(3)
"""


def test_a_child_that_exits_hands_over_its_visits() -> None:
    async def check() -> None:
        async with watched(EXITS) as seen:
            await seen.make(due(1), due(2))
            await seen.until(lambda: bool(seen.ended))
            assert seen.ended == [([1, 2], None)]
            await seen.make(due(3))
            assert seen.aboard == [[3]]

    run(check)


def test_a_child_that_does_not_start_hands_over_its_visits() -> None:
    async def check() -> None:
        async with watched("sys.exit('no module')") as seen:
            await seen.children.make(due(1))
            await seen.until(lambda: bool(seen.ended))
            assert seen.ended == [([1], None)]

    run(check)


SPOILS = """
for text in sys.stdin:
    if begun(text) == 2:
        SPOILT
        time.sleep(60)
"""


@pytest.mark.parametrize(
    "spoilt",
    [
        "print('a warning', flush=True)",
        'print(\'{"type": "none"}\', flush=True)',
        "os.write(1, b'\\xff\\n')",
        f"os.write(1, b'x' * {MOST_BYTES + 1000})",
    ],
)
def test_a_child_whose_reports_cannot_be_read_is_killed(spoilt: str) -> None:
    async def check() -> None:
        async with watched(SPOILS.replace("SPOILT", spoilt)) as seen:
            await seen.make(due(1), due(2))
            await seen.until(lambda: bool(seen.ended))
            assert seen.ended == [([1, 2], "its reports cannot be read")]

    run(check)


HALF = """
for text in sys.stdin:
    begun(text)
    os.write(1, b'{"type": "ali')
    time.sleep(60)
"""


def test_the_reason_is_the_first_one(clock: Clock) -> None:
    """Half a line of a killed child is no fault of its own."""

    async def check() -> None:
        async with watched(HALF) as seen:
            await seen.make(due(1))
            clock.seconds += LATER
            await seen.until(lambda: bool(seen.ended))
            assert seen.ended == [([1], "it was silent for 61 s")]

    run(check)


def test_a_killed_child_gets_no_more_visits(clock: Clock) -> None:
    async def check() -> None:
        async with watched(HANGS, ChildLimits()) as seen:
            await seen.make(due(1), due(2))
            clock.seconds += LATER
            seen.children.check()
            await seen.make(due(3))
            await seen.until(lambda: bool(seen.ended))
            assert seen.ended == [([1, 2], "it was silent for 61 s")]
            assert seen.aboard == [[3]]

    run(check)


def test_a_child_is_replaced_after_its_visits() -> None:
    async def check() -> None:
        async with watched(limits=ChildLimits(most_visits=2)) as seen:
            await seen.make(due(1, host="quick.example"), due(2), due(3))
            assert seen.aboard == [[2], [3]]
            first = seen.children.all[0].process
            await seen.make(due(4, host="quick.example"))
            for number in (5, 6):
                await seen.children.make(due(number, host="quick.example"))
            await seen.until(lambda: bool(seen.ended))
            # Those that have a visit stay until it ends.
            assert seen.aboard == [[2], [3]]
            assert first.returncode is None
            assert sorted(seen.done) == [1, 4, 5, 6]

    run(check)


def test_an_idle_child_is_retired(clock: Clock) -> None:
    async def check() -> None:
        async with watched(limits=ChildLimits(idle=30, silent=1000)) as seen:
            await seen.make(due(1, private=True))
            for number in (2, 3):
                await seen.make(due(number, host="quick.example"))
                await seen.until(lambda number=number: number in seen.done)  # type: ignore[misc]
                clock.seconds += 30
                seen.children.check()
                assert seen.aboard == [[1], []]
            clock.seconds += 1
            seen.children.check()
            await seen.make(due(4))
            await seen.until(lambda: bool(seen.ended))
            # One with a visit is not idle.
            assert seen.aboard == [[1], [4]]
            assert seen.ended == [([], None)]

    run(check)


STAYS = """
for text in sys.stdin:
    begun(text)
while True:
    send("alive")
    time.sleep(0.02)
"""


def test_a_retired_child_that_stays_is_killed(clock: Clock) -> None:
    async def check() -> None:
        async with watched(STAYS, ChildLimits(most_visits=1)) as seen:
            await seen.make(due(1, host="quick.example"))
            await seen.until(lambda: seen.children.all[0].is_retired)
            clock.seconds += 40
            await seen.until(lambda: seen.children.all[0].seen == clock.seconds)
            clock.seconds += 40
            await seen.until(lambda: bool(seen.ended))
            assert seen.ended == [([], "it did not end")]

    run(check)


def test_stop_gives_back_all_visits() -> None:
    async def check() -> None:
        async with watched() as seen:
            await seen.make(due(1), due(2), due(3), due(4, host="quick.example"))
            await seen.children.stop(30)
            assert seen.done == {1: "given_back", 2: "given_back", 3: "given_back", 4: "finished"}
            assert seen.ended == [([], None), ([], None)]
            assert seen.children.all == []

    run(check)


def test_stop_kills_what_does_not_end_in_time() -> None:
    async def check() -> None:
        async with watched(HANGS) as seen:
            await seen.make(due(1), due(2), due(3))
            async with asyncio.timeout(20):
                await seen.children.stop(0.3)
            assert sorted(seen.ended) == [([1, 2], None), ([3], None)]
            assert seen.children.all == []

    run(check)


def test_stop_without_children_ends() -> None:
    async def check() -> None:
        async with watched() as seen:
            await seen.children.stop(30)

    run(check)


STRANGE = """
for text in sys.stdin:
    visit = begun(text)
    send("began", visit_id=99, text="")
    done(99, "x.example", "finished")
    send("stopped", visit_id=99, stop="faulty", error="")
    send("stopped", visit_id=visit, stop="lost", error="gone")
    send("stopped", visit_id=visit, stop="lost", error="gone again")
"""


def test_reports_about_unknown_visits_are_ignored() -> None:
    async def check() -> None:
        async with watched(STRANGE) as seen:
            await seen.make(due(1))
            await seen.make(due(2))
            await seen.until(lambda: seen.aboard == [[]])
            assert seen.reports == [
                Began(1, "s1.example"),
                Stopped(1, "lost", "gone"),
                Began(2, "s2.example"),
                Stopped(2, "lost", "gone"),
            ]
            assert seen.ended == []

    run(check)


def test_an_error_of_the_listener_is_kept() -> None:
    """Its output may be closed; all children are still followed, and give back."""

    async def check() -> None:
        async with watched() as seen:
            await seen.make(due(1))
            seen.error = BrokenPipeError()
            await seen.children.make(due(2, host="quick.example"))
            await seen.until(lambda: seen.aboard == [[1]])
            with pytest.raises(BrokenPipeError):
                seen.children.raise_error()
            seen.error = None
            await seen.children.stop(30)
            assert seen.done == {1: "given_back"}
            assert seen.ended == [([], None)]

    run(check)


def test_a_child_is_no_target_of_the_terminal() -> None:
    """Ctrl-C reaches the worker only, which decides."""

    async def check() -> None:
        async with watched() as seen:
            await seen.make(due(1))
            child = seen.children.all[0].process.pid
            assert os.getpgid(child) == child != os.getpgid(0)

    run(check)

"""Children of a worker: which visits share one, and what is reported. The children are fakes."""

from __future__ import annotations

import os

import pytest
from fake_children import Clock, due, run, watched

from crawler.report.summary import Ended
from crawler.worker import children
from crawler.worker.children import ChildLimits
from crawler.worker.messages import Done, GiveBack


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(children, "monotonic", clock)
    return clock


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


ENDS = """
for text in sys.stdin:
    if begun(text) is None:
        done(*visits.pop(), "finished")
"""


def test_a_child_is_idle_from_the_end_of_its_last_visit(clock: Clock) -> None:
    async def check() -> None:
        async with watched(ENDS, ChildLimits(idle=30, silent=1000)) as seen:
            await seen.make(due(1))
            (child,) = seen.children.all
            clock.seconds += 100
            child.order(GiveBack())
            await seen.until(lambda: seen.done == {1: "finished"})
            clock.seconds += 30
            seen.children.check()
            await seen.make(due(2))
            assert seen.children.all == [child]

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

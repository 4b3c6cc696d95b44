"""Children of a worker that hang, grow, exit or stay: when they are ended, and why."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fake_children import Clock, due, run, watched

from crawler.worker import children
from crawler.worker.children import ChildLimits
from crawler.worker.messages import MOST_BYTES, Began, Stopped
from registry.db.visits import Claim

# Longer than a child may be silent.
LATER = 61.0


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(children, "monotonic", clock)
    return clock


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
            assert seen.reports == [Began(Claim(1, 1), "s1.example")]  # life is not passed on

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
    send("began", claim=[99, 1, 0], text="")
    # Of another claim of the same visit.
    send("stopped", claim=[visit, 2, 0], error="", is_failed=True)
    done(99, "x.example", "finished")
    send("stopped", claim=[99, 1, 0], error="", is_failed=True)
    send("stopped", claim=[visit, 1, 0], error="gone", is_failed=False)
    send("stopped", claim=[visit, 1, 0], error="gone again", is_failed=False)
"""


def test_reports_about_unknown_visits_are_ignored() -> None:
    async def check() -> None:
        async with watched(STRANGE) as seen:
            await seen.make(due(1))
            await seen.make(due(2))
            await seen.until(lambda: seen.aboard == [[]])
            assert seen.reports == [
                Began(Claim(1, 1), "s1.example"),
                Stopped(Claim(1, 1), "gone", is_failed=False),
                Began(Claim(2, 1), "s2.example"),
                Stopped(Claim(2, 1), "gone", is_failed=False),
            ]
            assert seen.ended == []

    run(check)

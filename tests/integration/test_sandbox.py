"""The process pool: calls that crash, hang or bloat cost themselves only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import wait
from multiprocessing import Pipe
from pathlib import Path

import pytest

import registry.sandbox.pool
from registry.sandbox import CallLimits, CallResult, Pool, Work
from registry.sandbox.work import OUT_OF_MEMORY_CODE

SOON = CallLimits(seconds=1.0, memory=200 << 20)
LATE = CallLimits(seconds=60.0, memory=200 << 20)


def obey(order: str) -> str:
    """Do as told, as a hostile file does."""
    if order == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if order == "hang":
        while True:
            pass
    if order == "sleep":
        time.sleep(60)
    if order == "bloat":
        return str(len(bytearray(1 << 30)))
    if order == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if order.startswith("/"):
        # Dies once.
        first = not Path(order).exists()
        Path(order).touch()
        return obey("die" if first else "a")
    if order == "fault":
        raise ValueError("a fault of ours")
    if order == "core":
        import resource

        return str(resource.getrlimit(resource.RLIMIT_CORE))
    return order.upper()


OBEY = Work(obey, SOON)


@pytest.fixture(autouse=True)
def real_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    # Some tests import this module where the tests' other modules are not found.
    import nursery

    monkeypatch.setattr(registry.sandbox.pool, "_started", nursery.really_started)


def said(pool: Pool, orders: list[str]) -> list[str | None]:
    return [answer.failure or answer.value for answer in pool.map(OBEY, orders)]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_bad_call_costs_itself_only(workers: int) -> None:
    orders = ["a", "crash", "b", "hang", "bloat", "c", "sleep", "crash", "d"]
    with Pool(workers) as pool:
        assert said(pool, orders) == [
            *("A", "crashed", "B", "timeout", "out-of-memory", "C", "timeout", "crashed", "D")
        ]
        assert said(pool, ["e", "core"]) == ["E", "(0, 0)"]


def test_many_that_hang_take_their_time_shared_by_the_workers() -> None:
    work = Work(obey, CallLimits(0.2, 200 << 20))
    started = time.monotonic()
    with Pool(4) as pool:
        answers = list(pool.map(work, ["sleep"] * 24))
    assert [answer.failure for answer in answers] == ["timeout"] * 24
    # One after the other these would take their 4.8 s and 24 starts of a worker.
    assert time.monotonic() - started < 20


def test_few_items_are_under_way_at_a_time() -> None:
    taken = 0

    def items():
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield "a"

    with Pool(2) as pool:
        assert next(pool.map(OBEY, items())) == CallResult("A")
        assert taken <= 64


def test_a_fault_of_ours_is_raised_with_its_traceback() -> None:
    with Pool(1) as pool:
        with pytest.raises(RuntimeError, match="ValueError: a fault of ours"):
            pool.call(OBEY, "fault")
        assert pool.call(OBEY, "a") == CallResult("A")


def test_threads_share_a_pool() -> None:
    with Pool(2) as pool:
        futures = [pool.submit(OBEY, str(number)) for number in range(40)]
        wait(futures)
        assert [f.result().value for f in futures] == [str(number) for number in range(40)]


def test_large_items_and_answers_pass() -> None:
    text = "x" * (8 << 20)
    with Pool(1) as pool:
        assert pool.call(OBEY, text).value == text.upper()


def test_a_call_whose_worker_was_killed_is_made_once_more(tmp_path: Path) -> None:
    once = [str(tmp_path / name) for name in "xy"]
    with Pool(1) as pool:
        assert said(pool, [once[0], once[1], "b", "die", "c"]) == [
            *("A", "A", "B", "out-of-memory", "C")
        ]


def test_a_worker_killed_while_idle_is_replaced() -> None:
    with Pool(1) as pool:
        assert pool.call(OBEY, "a") == CallResult("A")
        (worker,) = pool._all
        worker.kill()
        assert pool.call(OBEY, "b") == CallResult("B")


def test_closing_gives_up_what_is_under_way() -> None:
    pool = Pool(1)
    waiting = pool.submit(Work(obey, LATE), "sleep")
    while not pool._all:
        time.sleep(0.01)
    (worker,) = pool._all
    pool.close()
    assert waiting.result() == CallResult(failure="crashed")
    assert not worker.is_alive()


def test_workers_ignore_ctrl_c() -> None:
    with Pool(1) as pool:
        assert pool.call(OBEY, "a") == CallResult("A")
        (worker,) = pool._all
        os.kill(worker._process.pid, signal.SIGINT)
        assert pool.call(OBEY, "b") == CallResult("B")
        assert pool._all == {worker}


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_memory_is_watched_where_the_system_has_no_limit() -> None:
    code = (
        "import threading, time\nfrom registry.sandbox import worker\n"
        "threading.Thread(target=worker.watch_memory, args=[50 << 20], daemon=True).start()\n"
        "import resource\nmost = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "time.sleep(0.3)\nheld = bytearray(b'x') * (most * 1024 + (100 << 20))\ntime.sleep(20)"
    )
    assert run_python(code).returncode == OUT_OF_MEMORY_CODE


@pytest.mark.parametrize("order", ["a", "hang"])
def test_workers_do_not_outlive_a_killed_parent(order: str) -> None:
    code = (
        f"import os, signal, sys, time\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_sandbox import LATE, Pool, Work, obey\n"
        f"pool = Pool(1)\nfuture = pool.submit(Work(obey, LATE), {order!r})\n"
        "time.sleep(1)\n"
        "print(*(w._process.pid for w in pool._all), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = run_python(code)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    (worker,) = map(int, ended.stdout.split())
    deadline = time.monotonic() + 20
    while _runs(worker):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(process: int) -> bool:
    try:
        # A zombie that nobody reaps has no command line left.
        command = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
        ).stdout.strip()
    except FileNotFoundError:
        return Path(f"/proc/{process}/cmdline").exists() and bool(
            Path(f"/proc/{process}/cmdline").read_bytes()
        )
    return command != "" and not command.startswith("Z")


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    with Pool(2) as pool:
        said(pool, ["a"] * 8)
    assert threading.active_count() == before


def test_a_worker_whose_parent_was_killed_ends_without_a_word() -> None:
    ours, theirs = Pipe()
    ours.close()
    # The pipe by which it knows of the parent's end stays open: its message comes first.
    lifeline, held = os.pipe()
    code = f"from registry.sandbox.worker import main; main({theirs.fileno()})"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        stdin=lifeline,
        pass_fds=[theirs.fileno()],
        capture_output=True,
        timeout=60,
        check=False,
    )
    for end in (lifeline, held):
        os.close(end)
    theirs.close()
    assert (ended.stdout, ended.stderr) == (b"", b"")

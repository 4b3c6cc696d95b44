"""The parent's side: workers, their work, and its results.

Each worker is a fresh interpreter at the other end of a socket, driven by one
thread of this process. `multiprocessing` is not used: it imports the caller's main
module in every worker, and its pool breaks completely when one worker is killed.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.spawn import get_executable
from typing import Any, Generic, Literal, TypeVar

from registry.errors import ServiceUnavailable
from registry.sandbox.work import OUT_OF_MEMORY_CODE, READY, TAKEN, Work

A = TypeVar("A")
R = TypeVar("R")
Failure = Literal["timeout", "out-of-memory", "crashed"]

# Most items in one message to a worker: cheap for fast calls, and slow ones are still shared.
BATCH = 8
START_SECONDS = 120.0
# If so many workers end before they take an item, the item counts as the cause.
TRIES = 3


@dataclass(frozen=True, slots=True)
class CallResult(Generic[R]):
    """The result of one call: its value, or the failure that ended it."""

    value: R | None = None
    failure: Failure | None = None


class Pool:
    """At most `workers` processes, started when needed and replaced when they fail.

    Safe to use from several threads. An exception of the function is raised here as
    RuntimeError with the worker's traceback.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="sandbox")
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._closed = False

    def __enter__(self) -> Pool:
        """Return the pool itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the pool."""
        self.close()

    def map(self, work: Work[A, R], items: Iterable[A]) -> Iterator[CallResult[R]]:
        """Yield the result of every item, in order, with few items in work at a time.

        If all items time out, this takes at most `seconds` x items / workers, and `seconds`
        for a last batch.
        """
        under_way: deque[Future[list[CallResult[R]]]] = deque()
        for batch in self._batches(items):
            under_way.append(self._threads.submit(self._answers, work, batch))
            if len(under_way) >= 2 * self._workers:
                yield from under_way.popleft().result()
        while under_way:
            yield from under_way.popleft().result()

    def call(self, work: Work[A, R], item: A) -> CallResult[R]:
        """Return the result of one item; wait for it."""
        return self.submit(work, item).result()

    def submit(self, work: Work[A, R], item: A) -> Future[CallResult[R]]:
        """Return a future with the result of one item; `asyncio.wrap_future` makes it awaitable."""
        return self._threads.submit(lambda: self._answers(work, [item])[0])

    def close(self) -> None:
        """End all workers at once; items in work are abandoned."""
        with self._lock:
            self._closed = True
            workers = list(self._all)
        for worker in workers:
            worker.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in workers:
            worker.end()

    def _batches(self, items: Iterable[A]) -> Iterator[list[A]]:
        size = BATCH
        if isinstance(items, Sequence):
            # Several batches for each worker: none is left with all the slow ones.
            size = max(1, min(BATCH, len(items) // (4 * self._workers)))
        rest = iter(items)
        while batch := list(islice(rest, size)):
            yield batch

    def _answers(self, work: Work[A, R], items: Sequence[A]) -> list[CallResult[R]]:
        """CallResult items in one worker after the other: each failure takes a new one."""
        answers: list[CallResult[R]] = []
        tries, again = 0, -1
        while len(answers) < len(items):
            answered = len(answers)
            worker = self._take()
            if worker is None:
                answers += [CallResult(failure="crashed")] * (len(items) - len(answers))
                break
            alive = False
            try:
                alive = worker.answer(work, items[len(answers) :], answers)
            except ServiceUnavailable:
                if not self._closed:
                    raise
            finally:
                self._give_back(worker, alive=alive)
            if worker.was_killed and again != len(answers) - 1:
                # Another process may have used up the memory: the item gets a second worker.
                again = len(answers) - 1
                answers.pop()
                continue
            tries = 0 if len(answers) > answered else tries + 1
            if tries == TRIES:
                answers.append(CallResult(failure="crashed"))
                tries = 0
        return answers

    def _take(self) -> _Worker | None:
        """Return an idle worker or a new one; None once the pool is closed."""
        with self._lock:
            if self._closed:
                return None
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive():
                    return worker
                self._all.discard(worker)
                worker.end()
            worker = _Worker()
            self._all.add(worker)
        return worker

    def _give_back(self, worker: _Worker, *, alive: bool) -> None:
        with self._lock:
            if alive and not self._closed:
                self._idle.append(worker)
                return
            self._all.discard(worker)
        worker.end()


class _Worker:
    """One process, and the socket to it."""

    def __init__(self) -> None:
        """Start the process, and return at once."""
        self._channel, theirs = Pipe()
        with theirs:
            self._process = _started(theirs)
        self._is_ready = False
        # Whether it was killed while it worked, by no limit of its own.
        self.was_killed = False

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def answer(
        self, work: Work[Any, Any], items: Sequence[Any], answers: list[CallResult[Any]]
    ) -> bool:
        """Append the results up to the first failure; return whether the worker can continue."""
        self._wait_until_ready()
        try:
            self._channel.send((work, items))
            taken = self._channel.recv_bytes() == TAKEN
        except (EOFError, OSError):
            taken = False
        if not taken:
            # It was killed while idle: not the item's fault.
            return False
        for _ in items:
            try:
                kind, value = self._channel.recv()
            except (EOFError, OSError):
                answers.append(CallResult(failure=self._cause_of_end()))
                return False
            if kind == "fault":
                raise RuntimeError(f"a fault in a worker process\n\n{value}")
            if kind == "out-of-memory":
                answers.append(CallResult(failure="out-of-memory"))
                return False
            answers.append(CallResult(value))
        return True

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        """End the process now, and free its resources."""
        self._process.kill()
        self._process.wait()
        self._channel.close()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _wait_until_ready(self) -> None:
        """Raise ServiceUnavailable if the process does not start."""
        if self._is_ready:
            return
        try:
            self._is_ready = (
                self._channel.poll(START_SECONDS) and self._channel.recv_bytes() == READY
            )
        except (EOFError, OSError):
            self._is_ready = False
        if not self._is_ready:
            raise ServiceUnavailable(
                "a worker process cannot be started",
                "free memory, or raise the limits of processes and memory",
            )

    def _cause_of_end(self) -> Failure:
        """Return why the process ended; a foreign SIGKILL counts as the kernel's, for memory."""
        code = self._process.wait()
        self.was_killed = code == -signal.SIGKILL
        if code == -signal.SIGALRM:
            return "timeout"
        return "out-of-memory" if code in (-signal.SIGKILL, OUT_OF_MEMORY_CODE) else "crashed"


def _started(channel: Connection) -> subprocess.Popen[bytes]:
    """Start a worker with this process's module path; its stdin tells it when we end."""
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; "
        f"from registry.sandbox.worker import main; main({channel.fileno()})"
    )
    executable = get_executable()
    return subprocess.Popen(
        [executable, "-P", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        pass_fds=[channel.fileno()],
        # Ctrl-C is the parent's to handle.
        process_group=0,
    )

"""The children of a worker: started when needed, ended when they hang, grow or are idle."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.spawn import get_executable
from pathlib import Path
from time import monotonic

import msgspec

from crawler.record.schedules import DueVisit
from crawler.worker.messages import (
    MOST_BYTES,
    Alive,
    Done,
    GiveBack,
    Make,
    Order,
    Report,
    Stopped,
    line,
    report,
)
from registry.db.visits import Claim
from registry.urls.key import hostname_of
from registry.urls.networks import is_private


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """When a child is ended, and how many visits it makes.

    `visits` at once, `most_visits` until it is replaced; `silent` and `idle` in seconds;
    `memory` in bytes of its main process.
    """

    visits: int = 8
    most_visits: int = 50
    silent: float = 60.0
    idle: float = 60.0
    memory: int = 2 << 30


# A visit that has ended this many processes has one of its own.
ALONE = 2


def command(warc: Path | None = None) -> list[str]:
    """Return the command of a child, with this process's module path, and its `--warc`."""
    folder = None if warc is None else str(warc)
    code = f"import sys; sys.path[:] = {sys.path!r}; from crawler.worker.child import main"
    code += f"; main({folder!r})"
    return [get_executable(), "-P", "-c", code]


def is_private_visit(due: DueVisit) -> bool:
    """Return whether a visit may request private addresses."""
    return bool(due.options.get("private")) or is_private(hostname_of(due.start_url))


@dataclass(slots=True, eq=False)
class Child:
    """One process and the visits that it makes; `is_private`: they may request private hosts."""

    process: asyncio.subprocess.Process
    limits: ChildLimits
    is_private: bool
    is_alone: bool
    aboard: dict[Claim, DueVisit] = field(default_factory=dict)
    taken: int = 0
    seen: float = field(default_factory=monotonic)
    used: float = field(default_factory=monotonic)
    is_retired: bool = False

    def has_room(self, due: DueVisit) -> bool:
        """Return whether this process may make one more visit, this one."""
        if self.is_retired or self.is_alone or due.claim.crashes >= ALONE:
            return False
        is_full = len(self.aboard) >= self.limits.visits or self.taken >= self.limits.most_visits
        return not is_full and self.is_private == is_private_visit(due)

    def make(self, due: DueVisit) -> None:
        """Let the process make a visit."""
        self.aboard[due.claim] = due
        self.taken += 1
        self.used = monotonic()
        self.order(Make(due))

    def order(self, message: Order) -> None:
        """Send an order."""
        assert self.process.stdin is not None
        with suppress(OSError, RuntimeError):
            self.process.stdin.write(line(message))

    def retire(self) -> None:
        """Let the process give back its visits and exit; it gets no more."""
        self.is_retired = True
        self.used = monotonic()
        assert self.process.stdin is not None
        with suppress(OSError, RuntimeError):
            self.process.stdin.close()

    def kill(self) -> None:
        """End the process at once; it gets no more visits."""
        self.is_retired = True
        with suppress(ProcessLookupError):
            self.process.kill()

    def fault(self) -> str | None:
        """Return why the process has to be killed, or None."""
        silent = monotonic() - self.seen
        if silent > self.limits.silent:
            return f"it was silent for {silent:.0f} s"
        if self.is_retired and not self.aboard and monotonic() - self.used > self.limits.silent:
            return "it did not end"
        used = _memory(self.process.pid)
        return f"it took {used >> 20} MiB" if used > self.limits.memory else None

    def is_done(self) -> bool:
        """Return whether the process has no visit and should get no more."""
        if self.aboard or self.is_retired:
            return False
        is_worn = self.is_alone or self.taken >= self.limits.most_visits
        return is_worn or monotonic() - self.used > self.limits.idle


class Children:
    """All children of a worker.

    `reported` is called with each report about a visit, `ended` with the visits that a child
    had not finished when it ended, and why it was killed (None if it ended by itself); `counted`
    with what a child has counted since it was called last.
    """

    def __init__(
        self,
        reported: Callable[[DueVisit, Report], None],
        ended: Callable[[list[DueVisit], str | None], None],
        limits: ChildLimits,
        arguments: Sequence[str] = (),
        counted: Callable[[Mapping[str, int]], None] = lambda counts: None,
    ) -> None:
        """Prepare; a child starts with the first visit. `arguments` replace its command."""
        self._counted = counted
        self._reported = reported
        self._ended = ended
        self._limits = limits
        self._arguments = arguments or command()
        self._faults: dict[Child, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: Exception | None = None
        self.all: list[Child] = []

    async def make(self, due: DueVisit) -> None:
        """Let a child make a visit; start one if no other has room."""
        child = next((child for child in self.all if child.has_room(due)), None)
        if child is None:
            child = await self._started(due)
        child.make(due)

    def check(self) -> None:
        """Kill the children that are silent or too large, and retire those that are done."""
        for child in self.all:
            if child.is_done():
                child.retire()
            elif child not in self._faults and (fault := child.fault()):
                self._faults[child] = fault
                child.kill()

    def raise_error(self) -> None:
        """Raise the first error of `reported`, if there was one; the children are followed on."""
        if self._error is not None:
            raise self._error

    async def stop(self, seconds: float) -> None:
        """Let all children give back their visits; kill those that take longer than this."""
        for child in self.all:
            child.order(GiveBack())
            child.retire()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        self.kill()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def kill(self) -> None:
        """End all children at once."""
        for child in self.all:
            child.kill()

    async def _started(self, due: DueVisit) -> Child:
        process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C is the worker's to handle.
            process_group=0,
            limit=MOST_BYTES,
        )
        is_alone = due.claim.crashes >= ALONE
        child = Child(process, self._limits, is_private_visit(due), is_alone)
        self.all.append(child)
        task = asyncio.ensure_future(self._follow(child))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return child

    async def _follow(self, child: Child) -> None:
        """Pass on the reports of a child until it ends."""
        assert child.process.stdout is not None
        try:
            while text := await child.process.stdout.readline():
                child.seen = monotonic()
                self._take(child, report(text))
        except (msgspec.DecodeError, ValueError):
            self._faults.setdefault(child, "its reports cannot be read")
            child.kill()
        await child.process.wait()
        self.all.remove(child)
        self._ended(list(child.aboard.values()), self._faults.pop(child, None))

    def _take(self, child: Child, message: Report) -> None:
        if isinstance(message, Alive):
            self._counted(message.counts)
            return
        due = child.aboard.get(message.claim)
        if due is None:
            return
        if isinstance(message, Done | Stopped):
            del child.aboard[message.claim]
            child.used = monotonic()
        try:
            self._reported(due, message)
        except Exception as error:  # noqa: BLE001 (the caller's own, raised by `raise_error`)
            self._error = self._error or error


def _memory(process: int) -> int:
    """Return the bytes of a process in memory; 0 where the system does not tell."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")

"""Delays Ctrl-C, SIGTERM and SIGHUP while a batch is stored and counted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def held_signals() -> Iterator[Callable[[], None]]:
    """Yield a function: after its call, these signals are delayed to the end of the block.

    In other threads than the main one it does nothing: Python handles signals in the main thread.
    """
    received: list[int] = []
    handlers: dict[int, object] = {}

    def hold() -> None:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                handlers[number] = signal.signal(number, lambda got, _: received.append(got))

    try:
        yield hold
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        for number in received:
            signal.raise_signal(number)

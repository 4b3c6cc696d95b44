"""Results of work that goes on at the same time, in the order of what was asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    send: Callable[[Item], Future[Result]], items: Iterable[Item], most: Callable[[], int]
) -> Iterator[Result]:
    """Yield the results for some items in their order, with a limited number in work.

    Those that are not begun when the reader stops are cancelled.
    """
    waiting = deque[Future[Result]]()
    try:
        for item in items:
            waiting.append(send(item))
            while len(waiting) >= most():
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()

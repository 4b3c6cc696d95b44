"""Several requests at a time, whose results come in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from registry.ordered import in_order

Item = TypeVar("Item")
Result = TypeVar("Result")
# Results that wait in memory are so many at most.
AT_A_TIME = 16


def ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield the result of each item, while those of the next ones are being got."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield from in_order(lambda item: pool.submit(work, item), items, lambda: AT_A_TIME)

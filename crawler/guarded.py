"""What a visit reads in other processes: bytes of strangers, within limits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TypeVar

from registry.guard import Answer, Pool, Work
from registry.pictures.reading import Fetched, FileRead, guarded, read_fetched, read_marks

A = TypeVar("A")
R = TypeVar("R")

WORKERS = 2


async def called(pool: Pool, work: Work[A, R], item: A) -> Answer[R]:
    """Return the answer of a worker, without keeping the event loop."""
    return await asyncio.wrap_future(pool.submit(work, item))


async def read_image(pool: Pool, data: bytes, url: str = "") -> FileRead:
    """Return the picture of a file's bytes, or the reason why there is none, and its marks.

    Reasons: those of UnreadablePicture, and those of a worker's end (`timeout`,
    `out-of-memory`, `crashed`), after which the marks are read by themselves.
    """
    fetched = Fetched(data, url)
    answer = await called(pool, guarded(read_fetched), fetched)
    if answer.value is not None:
        return answer.value
    marks = await called(pool, guarded(read_marks), fetched)
    return replace(marks.value or FileRead(), refusal=answer.failure)

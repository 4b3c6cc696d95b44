"""What a visit reads in other processes: bytes of strangers, within limits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TypeVar

from crawler import page_reading
from crawler.page_reading import TOO_COMPLEX, Page, PageContent, PageText
from registry.guard import Answer, Pool, Work
from registry.pictures.reading import Fetched, FileRead, guarded, read_fetched, read_marks

A = TypeVar("A")
R = TypeVar("R")

WORKERS = 2


async def called(pool: Pool, work: Work[A, R], item: A) -> Answer[R]:
    """Return the answer of a worker, without keeping the event loop."""
    return await asyncio.wrap_future(pool.submit(work, item))


async def read_page(pool: Pool, page: Page) -> tuple[PageText, str | None]:
    """Return what a page says, or else its outline and the refusal `page-too-complex`."""
    limits, load = page_reading.LIMITS, page_reading.load
    answer = await called(pool, Work(page_reading.read_text, limits, load), page)
    if answer.value is not None:
        return answer.value, None
    outlined = await called(pool, Work(page_reading.outline, limits, load), page)
    return outlined.value or PageText("", PageContent()), TOO_COMPLEX


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

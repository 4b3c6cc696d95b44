"""What a visit reads in other processes: bytes of strangers, within limits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TypeVar

from crawler.pages.reading import TOO_COMPLEX, Page, PageContent, PageText, load, outline, read_text
from registry.guard import CallLimits, CallResult, Pool, Work
from registry.pictures.reading import Fetched, FileRead, guarded, read_fetched, read_marks

# For one page; one with the most tags takes about 3 seconds.
PAGE_LIMITS = CallLimits(seconds=30.0, memory=1 << 30)
A = TypeVar("A")
R = TypeVar("R")


class Readers:
    """Reads pages and images in worker processes, without keeping the event loop.

    All pages of a visit are one host's. They have a worker of their own, so that slow
    ones keep no image of another host waiting.
    """

    def __init__(self, workers: int = 2) -> None:
        """Start nothing yet; `workers` read images."""
        self._images = Pool(workers)
        self._pages = Pool(1)

    async def page(self, page: Page) -> tuple[PageText, str | None]:
        """Return what a page says, or else its outline and the refusal `page-too-complex`."""
        answer = await _called(self._pages, Work(read_text, PAGE_LIMITS, load), page)
        if answer.value is not None:
            return answer.value, None
        outlined = await _called(self._pages, Work(outline, PAGE_LIMITS, load), page)
        return outlined.value or PageText("", PageContent()), TOO_COMPLEX

    async def image(self, data: bytes, url: str = "") -> FileRead:
        """Return the picture of a file's bytes, or the reason why there is none, and its marks.

        Reasons: those of UnreadablePicture, and those of a worker's end (`timeout`,
        `out-of-memory`, `crashed`), after which the marks are read by themselves.
        """
        fetched = Fetched(data, url)
        answer = await _called(self._images, guarded(read_fetched), fetched)
        if answer.value is not None:
            return answer.value
        marks = await _called(self._images, guarded(read_marks), fetched)
        return replace(marks.value or FileRead(), refusal=answer.failure)

    def give_up(self) -> None:
        """End the workers that are at work: nobody waits for them any more."""
        self._images.give_up()
        self._pages.give_up()

    def close(self) -> None:
        """End all workers."""
        self._images.close()
        self._pages.close()


async def _called(pool: Pool, work: Work[A, R], item: A) -> CallResult[R]:
    return await asyncio.wrap_future(pool.submit(work, item))

"""What a visit reads in other processes: bytes of strangers, within limits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TypeVar

from crawler.pages import reading as page_reading
from crawler.pages.reading import TOO_COMPLEX, Page, PageContent, PageText
from registry.guard import Answer, Pool, Work
from registry.pictures.reading import Fetched, FileRead, guarded, read_fetched, read_marks

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
        limits, load = page_reading.LIMITS, page_reading.load
        work = Work(page_reading.read_text, limits, load)
        answer = await _called(self._pages, work, page)
        if answer.value is not None:
            return answer.value, None
        outline = Work(page_reading.outline, limits, load)
        outlined = await _called(self._pages, outline, page)
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


async def _called(pool: Pool, work: Work[A, R], item: A) -> Answer[R]:
    return await asyncio.wrap_future(pool.submit(work, item))

"""Reads pages and images in worker processes, within limits of time and memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TypeVar

from crawler.guides.entries import Guide
from crawler.guides.kinds import GuideFile, read_guide
from crawler.pages.reading import (
    PARSE_ERROR,
    TOO_COMPLEX,
    Page,
    PageContent,
    PageText,
    load,
    outline,
    read_text,
)
from registry.pictures.reading import Fetched, FileRead, read_fetched, read_marks, sandboxed
from registry.sandbox import CallLimits, CallResult, Pool, Work

# For one page; one with the most tags takes about 3 seconds.
PAGE_LIMITS = CallLimits(seconds=30.0, memory=1 << 30)
A = TypeVar("A")
R = TypeVar("R")


class Readers:
    """Reads pages and images in worker processes, without blocking the event loop.

    Pages have their own workers, so that slow ones do not delay images of other hosts.
    """

    def __init__(self, images: int = 2, pages: int = 1) -> None:
        """Prepare processes for images and for pages; they start with the first of each."""
        self._images = Pool(images)
        self._pages = Pool(pages)

    async def page(self, page: Page) -> tuple[PageText, str | None]:
        """Return the excerpt and content of a page; or its outline and the refusal.

        Refusals: `parse-error` if the parser failed, else `page-too-complex`.
        """
        answer = await _called(self._pages, Work(read_text, PAGE_LIMITS, load), page)
        if answer.value is not None:
            return answer.value, PARSE_ERROR if answer.value.error else None
        outlined = await _called(self._pages, Work(outline, PAGE_LIMITS, load), page.response)
        return outlined.value or PageText("", PageContent()), TOO_COMPLEX

    async def guide(self, data: bytes, url: str) -> Guide | None:
        """Return what a sitemap or feed holds; None if reading it failed."""
        file = GuideFile(data, url)
        return (await _called(self._pages, Work(read_guide, PAGE_LIMITS, load), file)).value

    async def image(self, data: bytes, url: str = "") -> FileRead:
        """Return the picture of an image file, or the refusal, and its marks.

        Refusals: those of UnreadablePicture, and those of a failed worker (`timeout`,
        `out-of-memory`, `crashed`), after which only the marks are read.
        """
        fetched = Fetched(data, url)
        answer = await _called(self._images, sandboxed(read_fetched), fetched)
        if answer.value is not None:
            return answer.value
        marks = await _called(self._images, sandboxed(read_marks), fetched)
        return replace(marks.value or FileRead(), refusal=answer.failure)

    def close(self) -> None:
        """Stop all workers."""
        self._images.close()
        self._pages.close()


async def _called(pool: Pool, work: Work[A, R], item: A) -> CallResult[R]:
    return await asyncio.wrap_future(pool.submit(work, item))

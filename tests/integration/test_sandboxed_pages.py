"""Pages in worker processes: what takes too much of them is outlined."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from crawler.pages.reading import Page, PageContent, PageResponse, PageText, parse_page
from crawler.visit import readers
from crawler.visit.readers import Readers
from registry.sandbox import CallLimits

HTML = '<meta name="robots" content="noai"><img src="/a.jpg"><a href="/b">'


def crash(response: PageResponse) -> PageContent:
    os.kill(os.getpid(), signal.SIGSEGV)
    return PageContent()


def hang(response: PageResponse) -> PageContent:
    while True:
        pass


def bloat(response: PageResponse) -> PageContent:
    return PageContent((), (), len(bytearray(1 << 30)))  # type: ignore[arg-type]


def read(*pages: Page) -> list[tuple[PageText, str | None]]:
    async def gathered() -> list[tuple[PageText, str | None]]:
        readers = Readers()
        try:
            return await asyncio.gather(*map(readers.page, pages))
        finally:
            readers.close()

    return asyncio.run(gathered())


def test_a_page_that_cannot_be_read_is_outlined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "PAGE_LIMITS", CallLimits(1.0, 300 << 20))
    url = "https://art.example/"
    functions = (parse_page, crash, hang, bloat, parse_page)
    good, *bad, again = read(*(Page(PageResponse(HTML, url), function) for function in functions))
    assert good == again
    assert good[1] is None
    assert len(good[0].content.links) == 1
    for text, refusal in bad:
        assert refusal == "page-too-complex"
        assert text.excerpt == good[0].excerpt
        assert [image.url for image in text.content.images] == ["https://art.example/a.jpg"]

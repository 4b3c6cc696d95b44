"""Files on web servers. A folder is what its index page links to, directly below it."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import IO, Any
from urllib.parse import unquote, urljoin, urlsplit

from registry.datasets.remote.faults import retried
from registry.datasets.remote.places import Info

# Seconds for a connection, and between two pieces of an answer.
_CONNECT, _READ = 15, 60
_MOST_REDIRECTS = 10
# Bytes of an index page.
_MOST_INDEX = 64 << 20
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
# Characters that a name in a listing keeps encoded: decoded they would be part of a URL.
_RESERVED = frozenset("%?#/\\\0")


class Web:
    """Web servers. What is known of a file comes with its first bytes."""

    def __init__(self) -> None:
        import aiohttp
        from fsspec.implementations.http import HTTPFileSystem

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_READ)
        self._files = HTTPFileSystem(
            # Bytes are wanted as they are in the file.
            client_kwargs={"timeout": timeout, "auto_decompress": False},
            use_listings_cache=False,
        )

    def look(self, url: str, head: int) -> tuple[Info, bytes | None]:
        """Return what is known of a file, and its first bytes."""
        if urlsplit(url).path.endswith("/"):
            return Info(0, is_folder=True), None
        info, data = self._run(self._first, url, head)
        return info, data

    def fetch(self, url: str, start: int, end: int) -> bytes:
        """Return the bytes of a file between two places."""
        data: bytes = self._run(self._part, url, start, end)
        return data

    def stream(self, url: str) -> IO[bytes]:
        """Open a file that can only be read from its start on."""
        file: IO[bytes] = self._files.open(url, "rb", block_size=0, size=1, headers=_PLAIN)
        return file

    def inside(self, folder: str, prefix: str) -> Iterator[tuple[str, Info]]:
        """Yield what the index page of a folder links to: files of unknown size, and folders."""
        page, base = retried(lambda: self._run(self._page, folder.rstrip("/") + "/"))
        for name, is_folder in sorted(set(links_in(page, base))):
            if name.startswith(prefix):
                yield name, Info(-1, is_folder=is_folder)

    def forget(self) -> None:
        """Nothing is kept."""

    def _run(self, work: Any, *arguments: Any) -> Any:
        from fsspec.asyn import sync

        return sync(self._files.loop, work, *arguments)

    async def _asked(self, url: str, headers: dict[str, str]) -> Any:
        session = await self._files.set_session()
        asked = session.get(
            self._files.encode_url(url),
            headers={**_PLAIN, **headers},
            max_redirects=_MOST_REDIRECTS,
        )
        return asked

    async def _first(self, url: str, size: int) -> tuple[Info, bytes | None]:
        async with await self._asked(url, {"Range": f"bytes=0-{size - 1}"}) as answer:
            if answer.status == 416:
                return Info(0, _version(answer)), b""
            answer.raise_for_status()
            _, whole = _place(answer)
            if answer.status == 206 and whole is not None:
                return Info(whole, _version(answer)), await answer.read()
            is_page = answer.content_type == "text/html" and answer.url.path.endswith("/")
            if is_page and answer.history:
                # It is a folder: the server led from the name to its index page.
                return Info(0, is_folder=True), None
            length = answer.content_length
            data = await _at_most(answer, size)
            answer.close()
            return Info(-1 if length is None else length, _version(answer), ranges=False), data

    async def _part(self, url: str, start: int, end: int) -> bytes:
        async with await self._asked(url, {"Range": f"bytes={start}-{end - 1}"}) as answer:
            answer.raise_for_status()
            place, _ = _place(answer)
            if answer.status != 206 or place != start:
                answer.close()
                raise OSError(errno.EINVAL, "the server sends no ranges of bytes any more")
            data: bytes = await answer.read()
            return data

    async def _page(self, url: str) -> tuple[str, str]:
        async with await self._asked(url, {}) as answer:
            answer.raise_for_status()
            if answer.content_type != "text/html":
                raise OSError(errno.EINVAL, "it is no page that lists files")
            data = await _at_most(answer, _MOST_INDEX + 1)
            if len(data) > _MOST_INDEX:
                raise OSError(errno.EINVAL, "the page that lists files is too long")
            return data.decode("utf-8", "replace"), str(answer.url)


_PLAIN = {"Accept-Encoding": "identity"}


async def _at_most(answer: Any, size: int) -> bytes:
    """Return so many bytes of an answer, or all."""
    parts: list[bytes] = []
    while size and (data := await answer.content.read(size)):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def _version(answer: Any) -> str:
    return str(answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "")


def _place(answer: Any) -> tuple[int | None, int | None]:
    """Return where the bytes of an answer begin in the file, and the size of the file."""
    match = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
    if match is None:
        return None, None
    start, _, whole = match.groups()
    return int(start) if start else None, int(whole) if whole != "*" else None


def links_in(page: str, base: str) -> Iterator[tuple[str, bool]]:
    """Yield the names of files and folders directly below a page that it links to (pure)."""
    parser = _Links()
    parser.feed(page)
    here = urlsplit(base)
    folder = here.path[: here.path.rfind("/") + 1]
    for link in parser.links:
        try:
            there = urlsplit(urljoin(base, link.strip()))
        except ValueError:
            continue
        rest = there.path.removeprefix(folder)
        name = rest.removesuffix("/")
        is_below = there.netloc == here.netloc and there.path.startswith(folder)
        if is_below and not there.query and name and "/" not in name and name not in (".", ".."):
            plain = unquote(name)
            yield name if _RESERVED & {*plain} else plain, rest.endswith("/")


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep where a link leads."""
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]

"""Serves many small art sites from one process, each under a loopback address of its own.

Site N is `http://127.1.A.B:PORT/`: an index, pages with two images each, a robots.txt. The
content of a URL is always the same. Every request is noted with its time, the agent that
sent it and the number of requests of the same host that were in progress.
"""

from __future__ import annotations

import asyncio
import io
import random
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from time import monotonic
from types import TracebackType

from PIL import Image

# Seconds that each response takes, unless told.
LATENCY = 0.02


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: when it arrived, of whom, and how many the host was answering then."""

    at: float
    path: str
    agent: str
    in_progress: int


@dataclass(slots=True)
class ManySites:
    """The server, in a thread of its own. `asked` maps hosts to their requests in order.

    `latency` is the seconds that each response takes.
    """

    sites: int
    pages: int
    asked: dict[str, list[Asked]] = field(default_factory=lambda: defaultdict(list))
    port: int = 0
    latency: float = LATENCY
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _answering: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> ManySites:
        """Start serving."""
        server = asyncio.start_server(self._serve, "0.0.0.0", self.port, backlog=1000)
        started = self._loop.run_until_complete(server)
        self.port = started.sockets[0].getsockname()[1]
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    @property
    def urls(self) -> list[str]:
        """Return the start URLs."""
        return [f"http://{host}:{self.port}/" for host in self.hosts]

    @property
    def hosts(self) -> list[str]:
        """Return the hosts, without the port."""
        return [f"127.1.{n // 250}.{n % 250 + 1}" for n in range(self.sites)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        arrived = monotonic()
        first, *lines = head.split("\r\n")
        fields = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines)}
        host = fields.get("host", "").partition(":")[0]
        path = first.split(" ")[1]
        self._answering[host] += 1
        asked = Asked(arrived, path, fields.get("user-agent", ""), self._answering[host])
        self.asked[host].append(asked)
        await asyncio.sleep(self.latency)
        status, kind, body = self._response(host, path)
        self._answering[host] -= 1
        about = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(about.encode() + body)
        await writer.drain()
        return True

    def _response(self, host: str, path: str) -> tuple[str, str, bytes]:
        name = path.strip("/")
        if name == "robots.txt":
            return "200 OK", "text/plain", b"User-agent: *\nDisallow: /private\n"
        if name == "":
            links = "".join(f'<a href="/p{n}">page {n}</a>' for n in range(self.pages))
            return "200 OK", "text/html", f"<title>{host}</title>{links}".encode()
        if name[0] == "p" and name[1:].isdecimal() and int(name[1:]) < self.pages:
            number = int(name[1:])
            mark = '<meta name="robots" content="noai">' if number % 3 == 0 else ""
            shown = "".join(f'<img src="/i{number}-{n}.png" alt="{number}">' for n in range(2))
            return "200 OK", "text/html", f"<title>{name}</title>{mark}{shown}".encode()
        if name.endswith(".png"):
            return "200 OK", "image/png", picture(f"{host}/{name}")
        return "404 Not Found", "text/plain", b"not found"


@cache
def picture(name: str) -> bytes:
    """Return a PNG of 256 x 256 pixels that no other name has."""
    numbers = random.Random(name)
    small = Image.frombytes("RGB", (8, 8), numbers.randbytes(192))
    file = io.BytesIO()
    small.resize((256, 256), Image.Resampling.BICUBIC).save(file, "PNG", compress_level=1)
    return file.getvalue()

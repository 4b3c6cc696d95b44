"""Sites on loopback whose pictures are marked in known ways, and copies of them elsewhere.

Each kind of mark has a host of its own (127.0.0.11 and on), and one host has none. Other hosts
serve copies without any mark: the same file, a new encoding without metadata, and a smaller one.
"""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image, ImageDraw

PORT = 8397
MARK = "none", "page", "header", "robots", "xmp"
COPY = "original", "sized address", "re-hosted", "re-encoded", "resized"
HOSTS = {name: f"127.0.0.{number}" for number, name in enumerate((*MARK, *COPY[2:]), 11)}
ROBOTS = b"User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n"
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:DataMining="'
    b'http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"/></rdf:RDF></x:xmpmeta>'
)
FOLDER = "/wp-content/uploads/2026/03/"
SIDE, SMALL = 640, 256


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the dataset: where its picture is, how the work is marked, what copy it is."""

    url: str
    mark: str
    copy: str

    @property
    def reserved(self) -> bool:
        """Whether the artist reserved the work."""
        return self.mark != "none"


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answers."""

    body: bytes
    type: str = "image/jpeg"
    mark: str = ""


Answers = dict[tuple[str, str], Response]


def made(works: int) -> tuple[list[Row], Answers]:
    """Return the rows of `works` works of each mark, and what the hosts answer."""
    rows: list[Row] = []
    answers: Answers = {}
    for mark in MARK:
        pages = []
        for number in range(works):
            name = f"{mark}-{number:04}"
            pages.append(_page(name, mark))
            answers[HOSTS[mark], f"/{name}.html"] = Response(pages[-1], "text/html")
            for copy, host, path, response in _copies(name, mark, number):
                answers[host, path] = response
                rows.append(Row(f"http://{host}:{PORT}{path}", mark, copy))
        links = "".join(f'<a href="/{mark}-{n:04}.html">{n}</a>' for n in range(works))
        answers[HOSTS[mark], "/"] = Response(f"<html>{links}".encode(), "text/html")
    answers[HOSTS["robots"], "/robots.txt"] = Response(ROBOTS, "text/plain")
    random.Random(7).shuffle(rows)
    return rows, answers


def _page(name: str, mark: str) -> bytes:
    meta = '<meta name="robots" content="noai, noimageai">' if mark == "page" else ""
    return f'<html><head>{meta}</head><body><img src="{FOLDER}{name}.jpg"></body></html>'.encode()


def _copies(name: str, mark: str, number: int) -> Iterator[tuple[str, str, str, Response]]:
    """Yield each copy of a work: which, and on which host, path and in which file."""
    image = drawn(f"{mark} {number}")
    small = image.resize((SMALL, SMALL * image.height // image.width), Image.Resampling.LANCZOS)
    original = _saved(image, 92, PACKET if mark == "xmp" else b"")
    said = "noai, noimageai" if mark == "header" else ""
    yield COPY[0], HOSTS[mark], f"{FOLDER}{name}.jpg", Response(original, mark=said)
    # As WordPress names and encodes its smaller sizes; a web server may send the header for all.
    sized = f"{FOLDER}{name}-{small.width}x{small.height}.jpg"
    yield COPY[1], HOSTS[mark], sized, Response(_saved(small, 82), mark=said)
    yield COPY[2], HOSTS[COPY[2]], f"/a/{number}{mark[:2]}.jpg", Response(original)
    encoded = Response(_saved(image, 75))
    yield COPY[3], HOSTS[COPY[3]], f"/b/{number}{mark[:2]}.jpg", encoded
    yield COPY[4], HOSTS[COPY[4]], f"/c/{number}{mark[:2]}.jpg", Response(_saved(small, 85))


def drawn(seed: str) -> Image.Image:
    """Draw a picture of ellipses and lines, of which no two are alike."""
    rng = random.Random(seed)
    width, height = SIDE, rng.choice((480, 426, 640))
    image = Image.new("RGB", (width, height), _colour(rng))
    pen = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = rng.randrange(width), rng.randrange(height)
        box = (x, y, x + rng.randrange(9, width // 2), y + rng.randrange(9, height // 2))
        pen.ellipse(box, fill=_colour(rng))
    return image


def _colour(rng: random.Random) -> tuple[int, int, int]:
    return rng.randrange(256), rng.randrange(256), rng.randrange(256)


def _saved(image: Image.Image, quality: int, packet: bytes = b"") -> bytes:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality, **({"xmp": packet} if packet else {}))
    return data.getvalue()


@contextmanager
def served(answers: Mapping[tuple[str, str], Response]) -> Iterator[Sequence[str]]:
    """Serve the hosts until the context ends; give the addresses of those with artists' pages."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            host = self.headers.get("Host", "").split(":")[0]
            found = answers.get((host, self.path))
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(found.body) if found else 0))
            if found:
                self.send_header("Content-Type", found.type)
            if found and found.mark:
                self.send_header("X-Robots-Tag", found.mark)
            self.end_headers()
            if found:
                self.wfile.write(found.body)

        def log_message(self, *args: Any) -> None:
            """Print nothing."""

    with ExitStack() as stack:
        for host in HOSTS.values():
            server = stack.enter_context(ThreadingHTTPServer((host, PORT), Handler))
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        yield [f"http://{HOSTS[mark]}:{PORT}/" for mark in MARK]

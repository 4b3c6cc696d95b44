"""A site on loopback whose answers are sent byte for byte, whole or not."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class RawSite(socketserver.ThreadingTCPServer):
    """Sends `answers[path]`, of a list the next one, and ends the connection."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, bytes | list[bytes]] = {}
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def next_answer(self, path: str) -> bytes:
        self.asked.append(path)
        said = self.answers.get(path, NOT_FOUND)
        if isinstance(said, list):
            return said.pop(0) if len(said) > 1 else said[0]
        return said


class _Handler(socketserver.StreamRequestHandler):
    server: RawSite

    def handle(self) -> None:
        path = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            pass
        self.wfile.write(self.server.next_answer(path))


def answer(body: bytes, *fields: str, length: int | None = None, status: str = "200 OK") -> bytes:
    """Return an answer with these header fields, and with the length of its body or another."""
    size = len(body) if length is None else length
    head = [f"HTTP/1.1 {status}", *fields, f"Content-Length: {size}", "Connection: close", "", ""]
    return "\r\n".join(head).encode("latin-1") + body


@contextmanager
def raw_site() -> Iterator[RawSite]:
    """Serve until the end of the block."""
    with RawSite() as site:
        thread = threading.Thread(target=site.serve_forever, args=[0.02])
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()

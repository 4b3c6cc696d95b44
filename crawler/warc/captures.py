"""Captures: responses that gave evidence with marks, until they are in a WARC file. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from registry.evidence.headers import Lines
from registry.evidence.warc_fields import LEFT_OUT, is_body, one_line, utf8
from registry.model import Evidence


@dataclass(frozen=True, slots=True)
class Capture:
    """One response with its request, and its evidence; never the bytes of a picture.

    `evidence` is all evidence out of the response, `marked` the pieces with marks. `read_at` is
    the time of its reading. `is_whole`: `body` is all of the response's body. `address` is the IP
    address of the host, None if it is not known.
    """

    url: str
    read_at: datetime
    status: int
    lines: Lines
    sent: Lines
    evidence: tuple[Evidence, ...]
    marked: tuple[Evidence, ...]
    is_whole: bool = False
    protocol: str = "HTTP/1.1"
    method: str = "GET"
    address: str | None = None

    @property
    def body(self) -> bytes:
        """Return the excerpt of a page or the text of a site file; nothing of a picture."""
        return b"".join(utf8(e.text) for e in self.evidence if is_body(e))

    @property
    def parts(self) -> tuple[Evidence, ...]:
        """Return the texts out of a picture file."""
        return tuple(e for e in self.evidence if e.carrier != "headers" and not is_body(e))

    @property
    def response(self) -> bytes:
        """Return the response, as far as it is written."""
        # The reason phrase is not known, and may be empty (RFC 9112, section 4).
        return _message(f"{self.protocol} {self.status} ", self.lines) + self.body

    @property
    def request(self) -> bytes:
        """Return the request, without the fields that the HTTP client adds, besides `Host`."""
        parts = urlsplit(self.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = ("Host", parts.netloc.rpartition("@")[2])
        return _message(f"{self.method} {target} HTTP/1.1", (host, *self.sent))


def _message(first: str, lines: Lines) -> bytes:
    """Return a first line and field lines as the head of an HTTP message, in UTF-8."""
    kept = (f"{name}: {value}" for name, value in lines if name.lower() not in LEFT_OUT)
    return b"".join(utf8(one_line(line)) + b"\r\n" for line in (first, *kept, ""))

"""Responses: header lines and a decompressed body. Pure.

A response is read from a file written by `curl -i`, from a record of an archive, or
received from the web; all have the same form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from registry.evidence.body_kinds import media_type
from registry.evidence.carriers import is_image
from registry.evidence.file_kinds import is_compressed
from registry.evidence.headers import Lines
from registry.evidence.text import page_text, text_of
from registry.evidence.unpacking import decompressed, joined_chunks

# Most bytes of a text and of an image; the crawler's limit for images is the same.
READ_LIMIT = 16 * 1024 * 1024
PICTURE_LIMIT = 50 * 1024 * 1024
STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})\b")
_BLANK = re.compile(rb"\r?\n\r?\n")
_MAX_HEADERS = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """One response: its URL, its header field lines, and its decompressed body.

    `cut`: the body is truncated. `unread` is the reason why the body could not be decoded.
    """

    url: str
    lines: Lines = ()
    body: bytes = b""
    status: int | None = None
    notes: tuple[str, ...] = ()
    cut: bool = False
    unread: str = ""

    def field(self, name: str) -> str:
        """Return the value of a header field's last line; empty if there is none."""
        return next((v for n, v in reversed(self.lines) if n.lower() == name), "")

    @property
    def media_type(self) -> str:
        """Return the media type in lower case, without parameters; empty if there is none."""
        return media_type(v for n, v in self.lines if n.lower() == "content-type")

    def text(self, carrier: str) -> str:
        """Return the body as text; `html` is decoded by the encoding that the page names."""
        if carrier == "html":
            return page_text(self.body, self.field("content-type"))
        return text_of(self.body)


# Statuses after which `curl -i` may show another response: interim ones, redirects,
# authentication, and those of a proxy.
_INTERIM_STATUS = re.compile(
    rb"HTTP/[\d.]+ +(?:1\d\d|3\d\d|401|407|\d+ +connection established)", re.I
)


def saved_response(
    content: bytes, url: str = "", *, cut: bool = False, alone: bool = False
) -> Response:
    """Return a response in the format of `curl -i`; of several blocks (redirects) the last.

    A block without a status line is read as header lines. `alone`: there is only one
    response, so everything after its headers is its body.
    """
    status: int | None = None
    start, place = 0, 0
    end = body = len(content)
    while match := STATUS_LINE.match(content, place):
        status = int(match.group(1))
        blank = _BLANK.search(content, place, place + _MAX_HEADERS)
        start, end = place, blank.start() if blank else len(content)
        place = body = blank.end() if blank else len(content)
        if alone or not _INTERIM_STATUS.match(content, start):
            break
    head = content[start : min(end, start + _MAX_HEADERS)]
    response = Response(url, header_lines(text_of(head)), content[body:], status, cut=cut)
    return decoded_response(replace(response, cut=cut or _is_short(response)))


def _is_short(response: Response) -> bool:
    """Return whether a body is shorter than its `Content-Length`."""
    length = response.field("content-length")
    is_encoded = response.field("content-encoding") or response.field("transfer-encoding")
    expected = int(length) if length.isdecimal() and len(length) < 16 else 0
    return not is_encoded and 0 < len(response.body) < expected


def header_lines(text: str) -> Lines:
    """Return the field lines of a header block; of several blocks the last."""
    lines: list[tuple[str, str]] = []
    for line in re.split(r"\r\n|\r|\n", text):
        name, colon, value = line.partition(":")
        if line[:5].upper() == "HTTP/":
            lines = []
        elif line[:1] in {" ", "\t"} and lines:
            lines[-1] = (lines[-1][0], f"{lines[-1][1]} {line.strip()}")
        elif colon and name.strip():
            lines.append((name.strip(), value.strip()))
    return tuple(lines)


def decoded_response(response: Response) -> Response:
    """Return a response with its transfer and content encodings decoded.

    At most PICTURE_LIMIT bytes of an image are kept, and READ_LIMIT of other bodies.
    """
    body, notes, unread = response.body, list(response.notes), response.unread
    cut = response.cut
    chunks = joined_chunks(body) if "chunked" in response.field("transfer-encoding") else None
    body = body if chunks is None else chunks
    encoding = response.field("content-encoding").strip().lower()
    if encoding not in {"", "identity"} and body:
        # `curl --compressed` writes the header of a body that it has decompressed.
        decoded = decompressed(body, encoding, PICTURE_LIMIT + 1)
        if decoded is None and is_compressed(body):
            unread = f"unsupported content encoding: {encoding[:40]}"
            notes.append(f"the body was not read: {unread}")
            body = b""
        elif decoded is not None:
            body, ended = decoded
            notes += [] if ended else ["the compressed body is truncated, read up to there"]
            cut = cut or not ended
    limit = PICTURE_LIMIT if is_image(body) else READ_LIMIT
    if len(body) > limit:
        notes.append(f"longer than {limit >> 20} MiB, read up to there")
    cut = cut or len(body) > limit
    return replace(response, body=body[:limit], notes=tuple(notes), cut=cut, unread=unread)

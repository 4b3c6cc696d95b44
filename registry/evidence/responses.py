"""Responses: header lines and an unpacked body. Pure.

A response comes from a file that `curl -i` wrote, from an archive's record, or from the
web; here they are all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from registry.evidence.body_kinds import media_type
from registry.evidence.carriers import is_image
from registry.evidence.file_kinds import is_packed
from registry.evidence.headers import Lines
from registry.evidence.text import page_text, text_of
from registry.evidence.unpacking import joined_chunks, plain

# Of a text and of a picture; the crawler's limit for pictures is the same.
READ_LIMIT = 16 * 1024 * 1024
PICTURE_LIMIT = 50 * 1024 * 1024
STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})\b")
_BLANK = re.compile(rb"\r?\n\r?\n")
_MAX_HEADERS = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """One response: where it came from, its header field lines, and its body unpacked.

    `cut` tells that the body ends too early, `unread` why there is none to read.
    """

    url: str
    lines: Lines = ()
    body: bytes = b""
    status: int | None = None
    notes: tuple[str, ...] = ()
    cut: bool = False
    unread: str = ""

    def field(self, name: str) -> str:
        """Return the value of a header field's last line; empty where it has none."""
        return next((v for n, v in reversed(self.lines) if n.lower() == name), "")

    @property
    def media_type(self) -> str:
        """Return the media type in lower case, without parameters; empty where none is said."""
        return media_type(v for n, v in self.lines if n.lower() == "content-type")

    def text(self, kind: str) -> str:
        """Return the body decoded as a kind: pages by the encoding they name, else mostly UTF-8."""
        if kind == "html":
            return page_text(self.body, self.field("content-type"))
        return text_of(self.body)


# Responses after which curl shows another: interim ones, redirects, requests for a password,
# and a proxy's own.
_INTERIM_STATUS = re.compile(
    rb"HTTP/[\d.]+ +(?:1\d\d|3\d\d|401|407|\d+ +connection established)", re.I
)


def saved_response(
    content: bytes, url: str = "", *, cut: bool = False, alone: bool = False
) -> Response:
    """Read a response as `curl -i` writes it; of several blocks (redirects) the last.

    A block without a status line is taken for header lines alone. `alone`: there is one
    response only, so what follows it is its body, whatever it begins with.
    """
    status: int | None = None
    start, place = 0, 0
    end = body = len(content)
    while found := STATUS_LINE.match(content, place):
        status = int(found.group(1))
        blank = _BLANK.search(content, place, place + _MAX_HEADERS)
        start, end = place, blank.start() if blank else len(content)
        place = body = blank.end() if blank else len(content)
        if alone or not _INTERIM_STATUS.match(content, start):
            break
    head = content[start : min(end, start + _MAX_HEADERS)]
    response = Response(url, header_lines(text_of(head)), content[body:], status, cut=cut)
    return unpacked(replace(response, cut=cut or _is_short(response)))


def _is_short(response: Response) -> bool:
    """Tell whether a body is shorter than its headers say."""
    length = response.field("content-length")
    packed = response.field("content-encoding") or response.field("transfer-encoding")
    whole = int(length) if length.isdecimal() and len(length) < 16 else 0
    return not packed and 0 < len(response.body) < whole


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


def unpacked(response: Response) -> Response:
    """Undo transfer and content encodings; what is not packed stays as it is.

    Of a picture up to 50 MiB are kept, of all else 16.
    """
    body, notes, unread = response.body, list(response.notes), response.unread
    cut = response.cut
    chunks = joined_chunks(body) if "chunked" in response.field("transfer-encoding") else None
    body = body if chunks is None else chunks
    encoding = response.field("content-encoding").strip().lower()
    if encoding not in {"", "identity"} and body:
        # `curl --compressed` writes the header but has unpacked the body already.
        unwrapped = plain(body, encoding, PICTURE_LIMIT + 1)
        if unwrapped is None and is_packed(body):
            unread = f"packed in a way that is not read: {encoding[:40]}"
            notes.append(f"the body is {unread}")
            body = b""
        elif unwrapped is not None:
            body, ended = unwrapped
            notes += [] if ended else ["what is packed ends too early, read up to there"]
            cut = cut or not ended
    limit = PICTURE_LIMIT if is_image(body) else READ_LIMIT
    if len(body) > limit:
        notes.append(f"longer than {limit >> 20} MiB, read up to there")
    cut = cut or len(body) > limit
    return replace(response, body=body[:limit], notes=tuple(notes), cut=cut, unread=unread)

"""Reads a page that a browser saved as one file (MHTML, RFC 2557), with its images. Pure.

Chromium writes multipart/related with the page's URL in
`Snapshot-Content-Location`; older browsers write the page as the first HTML part. The
response's headers are not in such files, so their marks cannot be read.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.message import Message
from email.parser import BytesHeaderParser
from itertools import islice

from registry.errors import UnreadableInput
from registry.evidence.headers import Lines
from registry.evidence.responses import PICTURE_LIMIT, READ_LIMIT, Response
from registry.model import Evidence
from registry.sources.kinds import kind_of
from registry.sources.pieces import NOT_READ, Piece, pieces_of
from registry.text import without_user
from registry.urls.paths import url_host

# Most parts, levels of nested parts, bytes of a part's headers, characters of its media type.
MAX_PARTS = 2_000
MAX_DEPTH = 3
MAX_HEAD = 64 * 1024
MAX_TYPE = 1_000
_BLANK = re.compile(rb"\r?\n\r?\n")
_MULTIPART = re.compile(rb"^content-type:[ \t]*multipart/related", re.IGNORECASE | re.MULTILINE)
_MIME = re.compile(rb"^(?:mime-version|snapshot-content-location):", re.IGNORECASE | re.MULTILINE)
_HEADERS_LOST = f"{NOT_READ}: browsers do not save them"
_CUT = "the file is truncated, or longer than 50 MiB; read up to there"


@dataclass(frozen=True, slots=True)
class SavedPage:
    """The page of an MHTML file, the images saved with it, and the number of other parts."""

    page: Response
    images: list[Response] = field(default_factory=list)
    others: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    head: Message
    body: bytes


def is_mhtml(content: bytes) -> bool:
    """Return whether a file has the headers of a page saved as MHTML."""
    blank = _BLANK.search(content, 0, MAX_HEAD)
    head = content[: blank.start() if blank else MAX_HEAD]
    return bool(_MULTIPART.search(head) and _MIME.search(head))


def read_mhtml(content: bytes, name: str) -> SavedPage:
    """Return the page of an MHTML file with its images. Raises UnreadableInput without a page."""
    whole = _split(content)
    notes: list[str] = [_CUT] if _is_cut(whole, content) else []
    parts = list(islice(_parts(whole, MAX_DEPTH), MAX_PARTS + 1))
    if len(parts) > MAX_PARTS:
        notes.append(f"more than {MAX_PARTS} parts: the others were not read")
    responses = [_response(part) for part in parts[:MAX_PARTS]]
    page_url = _web_url(whole.head.get("Snapshot-Content-Location"))
    pages = [response for response in responses if kind_of(response) == "html"]
    page = next((one for one in pages if page_url and one.url == page_url), None) or next(
        iter(pages), None
    )
    if page is None:
        raise UnreadableInput(f"{name}: no page in it", "give its type with --kind")
    if not page.url:
        page = replace(page, url=page_url)
    images = [response for response in responses if kind_of(response) == "image"]
    return SavedPage(page, images, len(responses) - 1 - len(images), tuple(notes))


def pieces_in(response: Response, kind: str) -> tuple[list[Piece], list[str]]:
    """Return the pieces of a page or image of such a file, and notes; the headers are missing."""
    pieces, notes = pieces_of(replace(response, lines=_sent_as(response)), kind)
    kept = [piece for piece in pieces if piece.evidence.carrier != "headers"]
    fields = tuple(line for line in response.lines if not line[0].lower().startswith("content-"))
    headers = Evidence("headers", "page" if kind == "html" else "image", response.url, fields)
    return [Piece(headers, refusal="" if fields else _HEADERS_LOST), *kept], notes


def _sent_as(response: Response) -> Lines:
    return (("Content-Type", response.field("content-type")),)


def _split(content: bytes) -> _Part:
    """Return a message or a part as its headers and its body."""
    blank = _BLANK.search(content, 0, MAX_HEAD)
    end, start = blank.span() if blank else (min(len(content), MAX_HEAD), len(content))
    # A part without headers begins with the blank line.
    if content[:2] == b"\r\n" or content[:1] == b"\n":
        end, start = 0, 2 - (content[:1] == b"\n")
    return _Part(_head(content[:end]), content[start:])


def _head(lines: bytes) -> Message:
    head = BytesHeaderParser().parsebytes(lines)
    value = str(head.get("Content-Type", ""))
    if len(value) > MAX_TYPE:
        # The parser of its parameters takes quadratic time.
        head.replace_header("Content-Type", value[:MAX_TYPE])
    return head


def _parts(part: _Part, depth: int) -> Iterator[_Part]:
    """Yield the parts that are not empty; nested parts instead of the part around them."""
    boundary = _boundary(part)
    if boundary is None or depth == 0:
        yield part
        return
    for piece in _between(part.body, boundary):
        if piece.strip():
            yield from _parts(_split(piece), depth - 1)


def _between(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """Yield the bytes between the boundary lines, up to the closing one or the end."""
    line = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*\r?$\n?", re.MULTILINE)
    start = None
    for match in line.finditer(body):
        if start is not None:
            yield body[start : match.start()].removesuffix(b"\n").removesuffix(b"\r")
        if match[1]:
            return
        start = match.end()
    if start is not None:
        yield body[start:]


def _boundary(part: _Part) -> bytes | None:
    """Return the boundary of a multipart part; None for other parts."""
    text = part.head.get_boundary() if part.head.get_content_maintype() == "multipart" else None
    return text.encode("utf-8", "surrogateescape") if text else None


def _is_cut(whole: _Part, content: bytes) -> bool:
    end = b"--" + (_boundary(whole) or b"") + b"--"
    return len(content) > PICTURE_LIMIT or end not in content[-MAX_HEAD:]


def _response(part: _Part) -> Response:
    lines = tuple((name, " ".join(str(value).split())) for name, value in part.head.items())
    body = _decoded(part)
    limit = PICTURE_LIMIT if part.head.get_content_maintype() == "image" else READ_LIMIT
    url = _web_url(part.head.get("Content-Location"))
    return Response(url, lines, body[:limit], cut=len(body) > limit)


def _decoded(part: _Part) -> bytes:
    coding = str(part.head.get("Content-Transfer-Encoding", "")).strip().lower()
    if coding == "quoted-printable":
        return quopri.decodestring(part.body)
    if coding == "base64":
        try:
            return binascii.a2b_base64(part.body)
        except binascii.Error:
            # Truncated within a group of four characters: the groups before are decoded.
            letters = re.sub(rb"[^A-Za-z0-9+/]", b"", part.body)
            return binascii.a2b_base64(letters[: len(letters) // 4 * 4])
    return part.body


def _web_url(text: object) -> str:
    """Return an HTTP URL without user name and password; empty for any other text."""
    url = without_user("".join(str(text or "").split()))
    return url if url_host(url) and url.lower().startswith(("http://", "https://")) else ""

"""Responses as evidence: one split into header lines and body, and what each part holds.

A response comes from a file that `curl -i` wrote, from a WARC record, or from the
web; here they are all the same.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, replace

from registry.evidence_lines import FILE_KINDS, SITE_KINDS
from registry.model import About, Evidence
from registry.site_rules import robots_url, url_host, url_path

Lines = tuple[tuple[str, str], ...]

READ_LIMIT = 16 * 1024 * 1024
STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})\b")
_BLANK = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,12})[^\r\n]{0,1000}\r?\n")
_MAX_HEADERS = 1024 * 1024
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_IMAGE_STARTS = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\x00", b"MM\x00*", b"8BPS"),
    *(b"\x00\x00\x00\x0cJXL ", b"\xff\x0a"),
)
_PLACES = {
    **{place: kind for kind, place in SITE_KINDS.items()},
    "/.well-known/trust.txt": "trust-txt",
    "/.well-known/ai.txt": "ai-txt",
    "/.well-known/ai.json": "ai-txt",
    "/rsl.xml": "rsl-xml",
}
_TYPES = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/rsl+xml": "rsl-xml",
    "application/rdf+xml": "xmp",
}


@dataclass(frozen=True, slots=True)
class Response:
    """One response: where it came from, its header field lines, and its body unpacked."""

    url: str
    lines: Lines = ()
    body: bytes = b""
    status: int | None = None
    notes: tuple[str, ...] = ()

    def field(self, name: str) -> str:
        """Return the value of a header field's last line; empty where it has none."""
        return next((v for n, v in reversed(self.lines) if n.lower() == name), "")

    @property
    def media_type(self) -> str:
        """Return the media type in lower case, without parameters."""
        return self.field("content-type").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing that was looked at: evidence with its size in bytes, or why there is none.

    `refusal` is the reason, for a site's file that is not there or a picture
    without metadata; the evidence is then empty.
    """

    evidence: Evidence
    size: int = 0
    status: int | None = None
    refusal: str = ""


def saved_response(content: bytes, url: str = "") -> Response:
    """Read a response as `curl -i` writes it; of several blocks (redirects) the last.

    A block without a status line is taken for header lines alone.
    """
    status: int | None = None
    start, place = 0, 0
    end = body = len(content)
    while found := STATUS_LINE.match(content, place):
        status = int(found.group(1))
        blank = _BLANK.search(content, place, place + _MAX_HEADERS)
        start, end = place, blank.start() if blank else len(content)
        place = body = blank.end() if blank else len(content)
    head = content[start : min(end, start + _MAX_HEADERS)]
    return unpacked(Response(url, header_lines(text_of(head)), content[body:], status))


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
    """Undo transfer and content encodings, up to 16 MiB; what is not packed stays as it is."""
    body, notes = response.body, list(response.notes)
    chunks = _joined_chunks(body) if "chunked" in response.field("transfer-encoding") else None
    body = body if chunks is None else chunks
    encoding = response.field("content-encoding").strip().lower()
    if encoding not in {"", "identity"} and body:
        # `curl --compressed` writes the header but has unpacked the body already.
        plain = _plain(body, encoding)
        if plain is None and body[:1] not in b"<{[" and not is_image(body):
            notes.append(f"the body is packed in a way that is not read: {encoding[:40]}")
        body = body if plain is None else plain
    if len(body) > READ_LIMIT:
        notes.append("longer than 16 MiB, read up to there")
    return replace(response, body=body[:READ_LIMIT], notes=tuple(notes))


def _joined_chunks(body: bytes) -> bytes | None:
    """Join the chunks of a body (RFC 9112, section 7.1); None where it has none."""
    parts: list[bytes] = []
    place = 0
    while found := _CHUNK.match(body, place):
        size = int(found.group(1), 16)
        parts.append(body[found.end() : found.end() + size])
        place = found.end() + size
        place += 2 if body[place : place + 2] == b"\r\n" else 1
        if not size:
            break
    return b"".join(parts) if parts else None


def _plain(body: bytes, encoding: str) -> bytes | None:
    """Unpack a body, one byte more than the limit at most; None where that fails."""
    room = READ_LIMIT + 1
    try:
        if encoding in {"gzip", "x-gzip"}:
            return zlib.decompressobj(31).decompress(body, room)
        if encoding == "deflate":
            # Some servers send the data without the wrapper that the word means.
            window = zlib.MAX_WBITS if body[:1] == b"\x78" else -zlib.MAX_WBITS
            return zlib.decompressobj(window).decompress(body, room)
        return _from_brotli(body, room) if encoding == "br" else None
    except zlib.error:
        return None


def _from_brotli(body: bytes, room: int) -> bytes | None:
    import brotli

    unpacker = brotli.Decompressor()
    try:
        return bytes(unpacker.process(body, output_buffer_limit=room))[:room]
    except brotli.error:
        return None


def text_of(content: bytes) -> str:
    """Decode a text: by its byte order mark, as UTF-8, else as what browsers fall back to."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        # A text cut in the middle of a character is still UTF-8.
        cut = error.reason == "unexpected end of data"
        return content.decode("utf-8" if cut else "cp1252", "replace")


def is_image(content: bytes) -> bool:
    """Tell by its first bytes whether a file is an image."""
    boxed = content[4:8] == b"ftyp" or content[8:12] == b"WEBP"
    return boxed or content.startswith(_IMAGE_STARTS)


def site_kind(url: str) -> str | None:
    """Return which of a site's files stands at a URL, None for any other."""
    return _PLACES.get(url_path(url).partition("?")[0])


def kind_of(response: Response) -> str:
    """Tell what a response holds; `headers` for what no mark is read from but its headers."""
    kind = site_kind(response.url)
    if kind is not None or not response.body:
        return kind or "headers"
    if is_image(response.body) or response.media_type.startswith("image/"):
        return "image"
    start = response.body[:1000].lstrip().lower()
    if start.startswith(b"<") and b"<rsl" in start:
        return "rsl-xml"
    known = _TYPES.get(response.media_type)
    looks_like_a_page = start.startswith((b"<!doctype html", b"<html", b"<head"))
    return known or ("html" if looks_like_a_page else "headers")


def pieces_of(response: Response, kind: str) -> tuple[list[Piece], list[str]]:
    """Return what is looked at in a response, and what could not be read of it."""
    about: About = "page" if kind == "html" or response.media_type == "text/html" else "image"
    pieces: list[Piece] = []
    notes = list(response.notes)
    if (response.lines or response.status) and kind not in SITE_KINDS:
        headers = Evidence("headers", about, response.url, response.lines)
        pieces.append(Piece(headers, status=response.status))
    if kind == "image":
        marks, more = _in_the_file(response)
        return pieces + marks, notes + more
    if kind in SITE_KINDS and response.media_type not in _TYPES:
        response = replace(response, url=site_file_url(kind, response.url))
    if kind != "headers":
        pieces.append(text_piece(kind, response))
    return pieces, notes


def text_piece(kind: str, response: Response) -> Piece:
    """Return a page, a site's file or a file's metadata as evidence."""
    about: About = "site" if kind in SITE_KINDS else "page" if kind == "html" else "image"
    evidence = Evidence(kind, about, response.url, text=text_of(response.body))
    return Piece(evidence, len(response.body), response.status)


def site_file_url(kind: str, url: str) -> str:
    """Return where a site's file stood, for the URL that is asked about; empty without one."""
    if site_kind(url) == kind or not url_host(url):
        return url if url_host(url) else ""
    return robots_url(url).removesuffix("/robots.txt") + SITE_KINDS[kind]


def _in_the_file(response: Response) -> tuple[list[Piece], list[str]]:
    """Return the marks that an image file holds about itself."""
    from registry.embedded_marks import read_embedded

    found = read_embedded(response.body, response.url)
    pieces = [Piece(e, len(e.text.encode("utf-8", "replace"))) for e in found.evidence]
    there = {piece.evidence.carrier for piece in pieces}
    pieces += [
        Piece(Evidence(carrier, "image", response.url), refusal="none in the file")
        for carrier in FILE_KINDS
        if carrier not in there
    ]
    notes = list(found.warnings)
    known = is_image(response.body) or b"<svg" in response.body[:4096].lower()
    if not (found.evidence or notes or known):
        notes.append("no image of a format that is known: nothing was read of it")
    return pieces, notes

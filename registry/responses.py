"""Responses as evidence: one split into header lines and body, and what each part holds.

A response comes from a file that `curl -i` wrote, from a WARC record, or from the
web; here they are all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from registry.evidence.body_kinds import TEXT, is_markup_page, kind_of_body, media_type
from registry.evidence.carriers import AT_PATH, IN_FILES, OF_MEDIA_TYPE, SITE_PATHS, is_image
from registry.evidence.text import page_text, text_of
from registry.evidence.web_page import HTML_TYPES, is_web_page
from registry.file_kinds import is_packed
from registry.model import About, Evidence
from registry.site_rules import robots_url, url_host, url_path
from registry.sources import robots
from registry.unpacking import joined_chunks, plain

Lines = tuple[tuple[str, str], ...]

# Of a text and of a picture; the crawler's limit for pictures is the same.
READ_LIMIT = 16 * 1024 * 1024
PICTURE_LIMIT = 50 * 1024 * 1024
STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})\b")
NOT_READ = "not read"
PAGE_INSTEAD = "a web page was sent instead"
_BLANK = re.compile(rb"\r?\n\r?\n")
_MAX_HEADERS = 1024 * 1024
_KIND_UNKNOWN = "its kind is not known; of a file --kind or --url says it"
_SOURCE_TEXT = f"sent as {TEXT}, so browsers show its source; of a file --kind html reads it"


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


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing that was looked at: evidence with its size in bytes, or why there is none.

    `refusal` is the reason, for a site's file that is not there or a picture
    without metadata; the evidence is then empty. `cut`: only its beginning was read.
    `instead` is the page that was sent in the place of a robots.txt; no mark is read from it.
    """

    evidence: Evidence
    size: int = 0
    status: int | None = None
    refusal: str = ""
    cut: bool = False
    instead: str = ""

    @property
    def is_unread(self) -> bool:
        """Tell whether it may hold marks that nobody has looked for."""
        status = self.status or 0
        unread = self.cut or self.refusal.startswith(NOT_READ)
        return unread or status >= 500 or status == robots.TOO_MANY_REQUESTS


# Answers after which curl shows another: interim ones, redirects, calls for a password, a
# proxy's own.
_LEADS_ON = re.compile(rb"HTTP/[\d.]+ +(?:1\d\d|3\d\d|401|407|\d+ +connection established)", re.I)


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
        if alone or not _LEADS_ON.match(content, start):
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


def site_kind(url: str) -> str | None:
    """Return which of a site's files stands at a URL, None for any other."""
    return AT_PATH.get(url_path(url).partition("?")[0])


def kind_of(response: Response) -> str:
    """Tell what a response holds; `headers` for what no mark is read from but its headers."""
    kind = site_kind(response.url)
    if kind is not None or not (response.body or response.unread):
        return kind or "headers"
    return kind_of_body(response.media_type, response.body)


def pieces_of(response: Response, kind: str) -> tuple[list[Piece], list[str]]:
    """Return what is looked at in a response, and what could not be read of it."""
    about: About = "page" if kind == "html" or response.media_type in HTML_TYPES else "image"
    pieces: list[Piece] = []
    notes = [*response.notes, *_remarks(response, kind)]
    if (response.lines or response.status) and kind not in SITE_PATHS:
        headers = Evidence("headers", about, response.url, response.lines)
        pieces.append(Piece(headers, status=response.status))
    if kind == "image" and not response.unread:
        marks, more = _in_the_file(response)
        return pieces + marks, notes + more
    if kind in SITE_PATHS and response.media_type not in OF_MEDIA_TYPE:
        response = replace(response, url=site_file_url(kind, response.url))
    if kind in SITE_PATHS:
        pieces.append(site_file_piece(kind, response))
    elif response.unread or (kind == "headers" and response.body):
        is_source = response.media_type == TEXT and is_markup_page(response.body)
        why = response.unread or (_SOURCE_TEXT if is_source else _KIND_UNKNOWN)
        body = Evidence("body" if kind == "headers" else kind, about, response.url)
        pieces.append(Piece(body, len(response.body), response.status, f"{NOT_READ}: {why}"))
    elif kind != "headers":
        pieces.append(text_piece(kind, response))
    return pieces, notes


def _remarks(response: Response, kind: str) -> list[str]:
    """Return what is odd about a response: its status, and a media type that is not its own."""
    found: list[str] = []
    status = response.status or 200
    if kind in SITE_PATHS and not 200 <= status < 300:
        says = "there is no such file" if robots.is_absent(status) else "the file cannot be had"
        found.append(f"{kind}: answered {status}: {says}")
    elif not 200 <= status < 300 and response.unread == "":
        found.append(f"answered {status}: what this says may not be of what is asked about")
    told = response.media_type
    if response.body and (kind, told.partition("/")[0]) in {("html", "image"), ("image", "text")}:
        found.append(f"sent as {told[:40]}, read as what it is: {kind}")
    return found


def text_piece(kind: str, response: Response) -> Piece:
    """Return a page, a site's file or a file's metadata as evidence."""
    about: About = "site" if kind in SITE_PATHS else "page" if kind == "html" else "image"
    body = response.body
    text = page_text(body, response.field("content-type")) if kind == "html" else text_of(body)
    evidence = Evidence(kind, about, response.url, text=text)
    return Piece(evidence, len(body), response.status, cut=response.cut)


def site_file_piece(kind: str, response: Response) -> Piece:
    """Return a site's file as it was answered, or why it is none."""
    status = response.status
    refusal = "" if status is None or 200 <= status < 300 else f"http-{status}"
    if not refusal and response.unread:
        refusal = f"{NOT_READ}: {response.unread}"
    if kind == robots.CARRIER and not refusal:
        return _robots_piece(response, robots_answer(response))
    if not refusal and is_web_page(kind, text_of(response.body), response.media_type):
        refusal = PAGE_INSTEAD
    if refusal:
        return Piece(Evidence(kind, "site", response.url), status=status, refusal=refusal)
    return text_piece(kind, response)


def robots_answer(response: Response) -> robots.RobotsAnswer:
    """Return what a response for a robots.txt means; one without a status was a success."""
    if response.unread:
        return robots.RobotsAnswer(None, "packed", robots.UNAVAILABLE, (response.unread,))
    # A long file is cut too, and that is no fault of the answer.
    broken = response.cut and len(response.body) < robots.READ_BYTES
    status = 200 if response.status is None else response.status
    return robots.answered(status, response.body, response.field("content-type"), broken=broken)


def _robots_piece(response: Response, answer: robots.RobotsAnswer) -> Piece:
    evidence = Evidence(robots.CARRIER, "site", response.url, text=answer.text or "")
    refusal = PAGE_INSTEAD if answer.refusal else ""
    if answer.refusal and answer.stay_away:
        refusal = f"{NOT_READ}: {', '.join(answer.warnings)}"
    cut = answer.text is not None and bool(answer.warnings)
    # Nothing is read from a page in its place, but rules in it are worth a hint.
    instead = text_of(response.body) if refusal == PAGE_INSTEAD else ""
    return Piece(evidence, len(response.body), response.status, refusal, cut, instead)


def site_file_url(kind: str, url: str) -> str:
    """Return where a site's file stood, for the URL that is asked about; empty without one."""
    if site_kind(url) == kind or not url_host(url):
        return url if url_host(url) else ""
    return robots_url(url).removesuffix("/robots.txt") + SITE_PATHS[kind]


def _in_the_file(response: Response) -> tuple[list[Piece], list[str]]:
    """Return the marks that an image file holds about itself."""
    from registry.embedded_marks import holds_manifest, read_embedded

    body = response.body
    found = read_embedded(body, response.url, whole=not response.cut)
    pieces = [Piece(e, len(e.text.encode("utf-8", "replace"))) for e in found.evidence]
    there = {piece.evidence.carrier for piece in pieces}
    known = is_image(body) or b"<svg" in body[:4096].lower()
    notes = list(found.warnings)
    if not (found.evidence or notes or known):
        notes.append("no image of a format that is known: nothing was read of it")
    for carrier in IN_FILES:
        refusal = "none in the file"
        if not known:
            refusal = f"{NOT_READ}: no image of a format that is known"
        elif response.cut:
            refusal = f"{NOT_READ}: the file is not whole"
        elif carrier == "c2pa-json" and holds_manifest(body):
            refusal = f"{NOT_READ}: see the warning"
        if carrier not in there:
            pieces.append(Piece(Evidence(carrier, "image", response.url), refusal=refusal))
    return pieces, notes

"""What is looked at in one response, piece by piece, for a person who asks. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from registry.evidence.body_kinds import TEXT, is_markup_page
from registry.evidence.carriers import HTML_TYPES, IN_FILES, is_image
from registry.evidence.responses import Response
from registry.evidence.site_files import PACKED, answered
from registry.evidence.text import text_of
from registry.model import About, Evidence
from registry.signals import carriers
from registry.sources import robots
from registry.sources.kinds import is_site_file, site_file_url

NOT_READ = "not read"
PAGE_INSTEAD = "a web page was sent instead"
_KIND_UNKNOWN = "its kind is not known; of a file --kind or --url says it"
_SOURCE_TEXT = f"sent as {TEXT}, so browsers show its source; of a file --kind html reads it"


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


def pieces_of(response: Response, kind: str) -> tuple[list[Piece], list[str]]:
    """Return what is looked at in a response, and what could not be read of it."""
    about: About = "page" if kind == "html" or response.media_type in HTML_TYPES else "image"
    pieces: list[Piece] = []
    notes = [*response.notes, *_remarks(response, kind)]
    if (response.lines or response.status) and not is_site_file(kind):
        headers = Evidence("headers", about, response.url, response.lines)
        pieces.append(Piece(headers, status=response.status))
    if kind == "image" and not response.unread:
        marks, more = _in_the_file(response)
        return pieces + marks, notes + more
    if is_site_file(kind) and response.media_type not in carriers().of_media_type:
        response = replace(response, url=site_file_url(kind, response.url))
    if is_site_file(kind):
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
    if is_site_file(kind) and not 200 <= status < 300:
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
    about: About = "site" if is_site_file(kind) else "page" if kind == "html" else "image"
    evidence = Evidence(kind, about, response.url, text=response.text(kind))
    return Piece(evidence, len(response.body), response.status, cut=response.cut)


def site_file_piece(kind: str, response: Response) -> Piece:
    """Return a site's file, or why there is none."""
    status = response.status
    if kind == robots.CARRIER and (status is None or 200 <= status < 300) and not response.unread:
        return _robots_piece(response, robots.answer_to(response))
    answer = answered(kind, response)
    if answer.refusal is None:
        return text_piece(kind, response)
    refusal = PAGE_INSTEAD if answer.refusal.startswith("not-") else answer.refusal
    if answer.refusal == PACKED:
        refusal = f"{NOT_READ}: {response.unread}"
    return Piece(Evidence(kind, "site", response.url), status=status, refusal=refusal)


def _robots_piece(response: Response, answer: robots.RobotsAnswer) -> Piece:
    evidence = Evidence(robots.CARRIER, "site", response.url, text=answer.text or "")
    refusal = PAGE_INSTEAD if answer.refusal else ""
    if answer.refusal and answer.stay_away:
        refusal = f"{NOT_READ}: {', '.join(answer.warnings)}"
    cut = answer.text is not None and bool(answer.warnings)
    # Nothing is read from a page in its place, but rules in it are worth a hint.
    instead = text_of(response.body) if refusal == PAGE_INSTEAD else ""
    return Piece(evidence, len(response.body), response.status, refusal, cut, instead)


def _in_the_file(response: Response) -> tuple[list[Piece], list[str]]:
    """Return the marks that an image file holds about itself."""
    from registry.evidence.embedded_marks import holds_manifest, read_embedded

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

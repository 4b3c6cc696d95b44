"""The pieces of evidence in one response, or their refusals, for `registry explain`. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from registry.evidence.body_kinds import TEXT, is_markup_page
from registry.evidence.carriers import HTML_TYPES, IN_FILES, is_image
from registry.evidence.file_kinds import is_svg
from registry.evidence.responses import Response
from registry.evidence.site_files import PACKED, answered
from registry.evidence.text import text_of
from registry.model import Evidence, Scope
from registry.signals import carriers
from registry.sources import robots
from registry.sources.kinds import is_site_file, site_file_url

NOT_READ = "not read"
PAGE_INSTEAD = "a web page was sent instead"
_KIND_UNKNOWN = "its type is unknown; for a file, give --kind or --url"
_SOURCE_TEXT = f"sent as {TEXT}, so browsers show its source; for a file, give --kind html"


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence with its size in bytes, or the `refusal` why there is none.

    With a refusal (a missing site's file, an image without metadata) the evidence is
    empty. `cut`: only the beginning was read. `instead` is the text of a page that was
    sent in place of a robots.txt; no marks are read from it.
    """

    evidence: Evidence
    size: int = 0
    status: int | None = None
    refusal: str = ""
    cut: bool = False
    instead: str = ""

    @property
    def is_unread(self) -> bool:
        """Return whether it may contain marks that were not read."""
        if self.cut or self.refusal.startswith(NOT_READ):
            return True
        return self.status is not None and robots.is_unavailable(self.status)


def pieces_of(response: Response, kind: str) -> tuple[list[Piece], list[str]]:
    """Return the pieces of evidence in a response, and notes about the parts not read."""
    about: Scope = "page" if kind == "html" or response.media_type in HTML_TYPES else "image"
    pieces: list[Piece] = []
    notes = [*response.notes, *_remarks(response, kind)]
    if (response.lines or response.status) and not is_site_file(kind):
        headers = Evidence("headers", about, response.url, response.lines)
        pieces.append(Piece(headers, status=response.status))
    if kind == "image" and not response.unread:
        embedded, warnings = _embedded(response)
        return pieces + embedded, notes + warnings
    if is_site_file(kind) and response.media_type not in carriers().of_media_type:
        response = replace(response, url=site_file_url(kind, response.url))
    if is_site_file(kind):
        pieces.append(site_file_piece(kind, response))
    elif response.unread or (kind == "headers" and response.body):
        is_source = response.media_type == TEXT and is_markup_page(response.body)
        reason = response.unread or (_SOURCE_TEXT if is_source else _KIND_UNKNOWN)
        body = Evidence("body" if kind == "headers" else kind, about, response.url)
        pieces.append(Piece(body, len(response.body), response.status, f"{NOT_READ}: {reason}"))
    elif kind != "headers":
        pieces.append(text_piece(kind, response))
    return pieces, notes


def _remarks(response: Response, kind: str) -> list[str]:
    """Return notes about a status that is no success, and about a wrong media type."""
    remarks: list[str] = []
    status = response.status or 200
    if is_site_file(kind) and not 200 <= status < 300:
        is_absent = robots.is_absent(status)
        meaning = "the file does not exist" if is_absent else "the file cannot be fetched"
        remarks.append(f"{kind}: status {status}: {meaning}")
    elif not 200 <= status < 300 and response.unread == "":
        remarks.append(f"status {status}: this response may not describe the requested URL")
    sent_as = response.media_type
    main_type = sent_as.partition("/")[0]
    if response.body and (kind, main_type) in {("html", "image"), ("image", "text")}:
        remarks.append(f"sent as {sent_as[:40]}, but read as its content: {kind}")
    return remarks


def text_piece(kind: str, response: Response) -> Piece:
    """Return the text of a page, a site file or an image's metadata as a piece of evidence."""
    about: Scope = "site" if is_site_file(kind) else "page" if kind == "html" else "image"
    evidence = Evidence(kind, about, response.url, text=response.text(kind))
    return Piece(evidence, len(response.body), response.status, cut=response.cut)


def site_file_piece(kind: str, response: Response) -> Piece:
    """Return a site file as a piece of evidence, or its refusal."""
    status = response.status
    if kind == robots.CARRIER and not response.unread:
        rules = robots.answer_to(response)
        if rules.refusal in (None, robots.NOT_ROBOTS_TXT):
            return _robots_piece(response, rules)
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
    # No marks are read from a page sent in its place, but rules in it are worth a hint.
    instead = text_of(response.body) if refusal == PAGE_INSTEAD else ""
    return Piece(evidence, len(response.body), response.status, refusal, cut, instead)


def _embedded(response: Response) -> tuple[list[Piece], list[str]]:
    """Return the pieces of evidence inside an image file, or their refusals, and warnings."""
    from registry.evidence.embedded_marks import holds_manifest, read_embedded

    body = response.body
    metadata = read_embedded(body, response.url, whole=not response.cut)
    pieces = [Piece(e, len(e.text.encode("utf-8", "replace"))) for e in metadata.evidence]
    present = {piece.evidence.carrier for piece in pieces}
    is_known = is_image(body) or is_svg(body)
    warnings = list(metadata.warnings)
    if not (metadata.evidence or warnings or is_known):
        warnings.append("unknown image format: the file was not read")
    for carrier in IN_FILES:
        refusal = "none in the file"
        if not is_known:
            refusal = f"{NOT_READ}: unknown image format"
        elif response.cut:
            refusal = f"{NOT_READ}: the file is incomplete"
        elif carrier == "c2pa-json" and holds_manifest(body):
            refusal = f"{NOT_READ}: see the warning"
        if carrier not in present:
            pieces.append(Piece(Evidence(carrier, "image", response.url), refusal=refusal))
    return pieces, warnings

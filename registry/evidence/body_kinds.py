"""What a response holds, by the type it is sent as and its first bytes: decided here alone. Pure.

A page is what browsers show as one. Its type says so; where no type is said its first bytes
do (WHATWG MIME Sniffing, section 7.1, with a few tags more). No type is said by a missing or
malformed `Content-Type`, by `application/unknown` and the like, and by
`application/octet-stream`, which servers send for names that they do not know. `text/plain`
is a type: browsers show such a page as its source text, and no picture or mark of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from registry.evidence.carriers import HTML_TYPES, Carriers, is_image
from registry.evidence.text import text_of
from registry.evidence.web_page import begins_as_page, begins_with_comment

TEXT = "text/plain"
_UNTOLD = frozenset({"", "unknown/unknown", "application/unknown", "application/octet-stream"})
_XML_TYPES = frozenset({"text/xml", "application/xml"})
_START = 65536
_MAX_FIELD = 2000
_PART = re.compile(r'(?:[^,"]|"[^"]*+")++')
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}"
_ESSENCE = re.compile(f"({_TOKEN}/{_TOKEN})[\t\n\r ]*+(?:;.*+)?", re.DOTALL)
_XHTML = re.compile(r"<(?:!doctype\s++)?html[\s>]", re.IGNORECASE)


def media_type(fields: Iterable[str]) -> str:
    """Return the media type that `Content-Type` fields say, in lower case, without parameters.

    Of several the last valid one, as browsers do (Fetch, "extract a MIME type"); empty where
    there is none.
    """
    parts = (part for field in fields for part in _PART.findall(field[:_MAX_FIELD]))
    found = [match[1].lower() for part in parts if (match := _ESSENCE.fullmatch(part.strip()))]
    return next((told for told in reversed(found) if told != "*/*"), "")


def is_json(told: str) -> bool:
    """Return whether a media type is JSON (RFC 8259; RFC 6839, section 3.1, for `+json`)."""
    return told in {"application/json", "text/json"} or told.endswith("+json")


def is_markup_page(content: bytes) -> bool:
    """Return whether a body begins with a tag of HTML."""
    return begins_as_page(text_of(content[:_START]))


def kind_of_body(told: str, body: bytes, carriers: Carriers) -> str:
    """Return `html`, `image`, or another carrier of marks; `headers` for all else.

    `told` is the media type that `media_type` returns. An empty body is what its type says.
    A document that the words of a site's XML file tell is that, whatever its type says.
    """
    if is_image(body):
        return "image"
    is_markup = is_markup_page(body)
    if not is_markup and (document := _xml_document(body, carriers)):
        return document
    if told in HTML_TYPES or (told in _UNTOLD and (is_markup or _is_commented(body))):
        return "html"
    if told.startswith("image/"):
        return "html" if is_markup else "image"
    if told in _XML_TYPES and is_markup and _XHTML.search(text_of(body[:_START])):
        return "html"
    return carriers.of_media_type.get(told, "headers")


def _xml_document(body: bytes, carriers: Carriers) -> str | None:
    """Return which XML file of a site a body is by its words; None where it is none."""
    start = body[:1000].lstrip().lower().decode("latin-1")
    if not start.startswith("<"):
        return None
    rows = (row for row in carriers.by_words("xml", start) if row.about == "site")
    return next((row.name for row in rows), None)


def _is_commented(body: bytes) -> bool:
    return begins_with_comment(text_of(body[:_START]))

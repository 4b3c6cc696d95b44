"""The only place that decides the type of a body, by its media type and first bytes. Pure.

A page is a body that browsers show as one: by its media type, or without one by its first
bytes (WHATWG MIME Sniffing, section 7.1, with a few more tags). These count as no media type:
a missing or malformed `Content-Type`, `application/unknown` and the like, and
`application/octet-stream`, which servers send for unknown file names. `text/plain` is a
media type: browsers show the source text of such a page, without images or marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from registry.evidence.carriers import HTML_TYPES, Carriers, is_image
from registry.evidence.text import text_of
from registry.evidence.web_page import begins_as_page, begins_with_comment

TEXT = "text/plain"
_NO_TYPES = frozenset({"", "unknown/unknown", "application/unknown", "application/octet-stream"})
_XML_TYPES = frozenset({"text/xml", "application/xml"})
_START = 65536
_MAX_FIELD = 2000
_PART = re.compile(r'(?:[^,"]|"[^"]*+")++')
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}"
_ESSENCE = re.compile(f"({_TOKEN}/{_TOKEN})[\t\n\r ]*+(?:;.*+)?", re.DOTALL)
_XHTML = re.compile(r"<(?:!doctype\s++)?html[\s>]", re.IGNORECASE)


def media_type(fields: Iterable[str]) -> str:
    """Return the media type in `Content-Type` fields, in lower case, without parameters.

    Of several the last valid one, as in browsers (Fetch, "extract a MIME type"); empty if
    there is none.
    """
    parts = (part for field in fields for part in _PART.findall(field[:_MAX_FIELD]))
    types = [match[1].lower() for part in parts if (match := _ESSENCE.fullmatch(part.strip()))]
    return next((name for name in reversed(types) if name != "*/*"), "")


def is_json(type_name: str) -> bool:
    """Return whether a media type is JSON (RFC 8259; RFC 6839, section 3.1, for `+json`)."""
    return type_name in {"application/json", "text/json"} or type_name.endswith("+json")


def is_markup_page(content: bytes) -> bool:
    """Return whether a body begins with an HTML tag."""
    return begins_as_page(text_of(content[:_START]))


def kind_of_body(type_name: str, body: bytes, carriers: Carriers) -> str:
    """Return `html`, `image`, or another carrier of marks; `headers` for all other bodies.

    `type_name` is a result of `media_type`; it alone decides for an empty body. A document
    with the words of an XML site file is that file, whatever its media type.
    """
    if is_image(body):
        return "image"
    is_markup = is_markup_page(body)
    if not is_markup and (document := _xml_document(body, carriers)):
        return document
    is_untyped = type_name in _NO_TYPES
    if type_name in HTML_TYPES or (is_untyped and (is_markup or _is_commented(body))):
        return "html"
    if type_name.startswith("image/"):
        return "html" if is_markup else "image"
    if type_name in _XML_TYPES and is_markup and _XHTML.search(text_of(body[:_START])):
        return "html"
    return carriers.of_media_type.get(type_name, "headers")


def _xml_document(body: bytes, carriers: Carriers) -> str | None:
    """Return the carrier of the XML site file whose words are in a body; None if there is none."""
    start = body[:1000].lstrip().lower().decode("latin-1")
    if not start.startswith("<"):
        return None
    rows = (row for row in carriers.by_words("xml", start) if row.about == "site")
    return next((row.name for row in rows), None)


def _is_commented(body: bytes) -> bool:
    return begins_with_comment(text_of(body[:_START]))

"""What a response said, as evidence.

Limits of what Scrapy 2.19 on Twisted hands over, none of which touches a mark:
field lines of one name keep their order and stay apart, but names come in the
order of their first line and in `Title-Case`; `Transfer-Encoding` and the
`Content-Encoding` that was undone are gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from registry.evidence.body_kinds import is_json, kind_of_body, media_type
from registry.evidence.file_kinds import is_packed
from registry.evidence.text import page_text, text_of
from registry.model import Evidence

if TYPE_CHECKING:
    from scrapy.http import Response

# Secrets, and fields that differ from one answer to the next though nothing
# changed: with them no evidence would ever be seen twice.
LEFT_OUT = frozenset(
    {
        "age",
        "alt-svc",
        "authorization",
        "cf-cache-status",
        "cf-ray",
        "connection",
        "date",
        "expires",
        "keep-alive",
        "nel",
        "proxy-authorization",
        "report-to",
        "server-timing",
        "set-cookie",
        "set-cookie2",
        "via",
        "x-amz-cf-id",
        "x-amz-id-2",
        "x-amz-request-id",
        "x-cache",
        "x-cache-hits",
        "x-request-id",
        "x-runtime",
        "x-served-by",
        "x-timer",
    }
)
Lines = tuple[tuple[str, str], ...]


def header_lines(headers: Mapping[bytes, list[bytes]]) -> Lines:
    """Return the field lines worth keeping, unjoined, those of one name in their order."""
    return tuple(
        (spelled(name), plain(value))
        for name, values in headers.items()
        for value in values
        if plain(name).lower() not in LEFT_OUT
    )


def spelled(name: bytes) -> str:
    """Return a field name as RFC 9110 writes it, where Title-Case differs."""
    return "ETag" if name.lower() == b"etag" else plain(name)


def plain(data: bytes) -> str:
    """Decode header bytes: UTF-8, else Latin-1 as HTTP once had it."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def kind_of_page(response: Response) -> str:
    """Return `html` for a page, as `registry explain` decides it too, `json`, or another kind."""
    if b"Content-Encoding" in response.headers and is_packed(response.body):
        # What Scrapy could not unpack.
        return "packed"
    told = media_type(map(plain, response.headers.getlist(b"Content-Type")))
    kind = kind_of_body(told, response.body)
    return "json" if kind == "headers" and is_json(told) else kind


def text_of_page(response: Response, kind: str) -> str:
    """Return the text of a page; JSON is UTF-8 (RFC 8259, section 8.1)."""
    if kind == "json":
        return text_of(response.body)
    return page_text(response.body, plain(response.headers.get(b"Content-Type") or b""))


def page_evidence(response: Response, kind: str, excerpt: str) -> tuple[Evidence, ...]:
    """Return what a page of a kind said: its header lines, and of HTML the excerpt."""
    headers = Evidence("headers", "page", response.url, lines=header_lines(response.headers))
    if kind != "html":
        return (headers,)
    return headers, Evidence("html", "page", response.url, text=excerpt)


def image_evidence(response: Response) -> tuple[Evidence, ...]:
    """Return what an image's response said: its header lines."""
    return (Evidence("headers", "image", response.url, lines=header_lines(response.headers)),)


def refreshed(earlier: Iterable[Evidence], fresh: Lines) -> tuple[Evidence, ...]:
    """Return an image's earlier header evidence as a 304 answer brings it up to date.

    RFC 9111, section 3.2: fields in the 304 replace the stored ones of the
    same name; fields it does not repeat are as they were. Length and type of
    a 304 are those of an empty body and say nothing. What the file itself holds
    is as it was.
    """
    said = tuple((n, v) for n, v in fresh if not n.lower().startswith("content-"))
    names = {name.lower() for name, _ in said}
    return tuple(
        replace(evidence, lines=_merged(evidence.lines, said, names))
        if evidence.carrier == "headers"
        else evidence
        for evidence in earlier
        if evidence.about == "image"
    )


def _merged(stored: Lines, said: Lines, names: set[str]) -> Lines:
    """Put each replaced field where it stood, so that what did not change is the same evidence."""
    merged: list[tuple[str, str]] = []
    placed: set[str] = set()
    for name, value in stored:
        key = name.lower()
        if key not in names:
            merged.append((name, value))
        elif key not in placed:
            placed.add(key)
            merged.extend(line for line in said if line[0].lower() == key)
    return (*merged, *(line for line in said if line[0].lower() not in placed))

"""Scrapy's responses as `registry.evidence` takes them.

Scrapy 2.19 on Twisted loses three things, none of which changes a mark: header names come
in `Title-Case` and in the order of their first line (lines of one name stay apart and in
order), and `Transfer-Encoding` and an undone `Content-Encoding` are removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crawler.manners.cut_pages import is_cut
from registry.evidence.headers import Lines
from registry.evidence.responses import Response, unpacked

if TYPE_CHECKING:
    from scrapy import http


def response_of(response: http.Response) -> Response:
    """Return a response of Scrapy's with its body unpacked, in the form that `evidence` reads."""
    lines = header_lines(response.headers)
    return unpacked(
        Response(response.url, lines, response.body, response.status, cut=is_cut(response))
    )


def header_lines(headers: Mapping[bytes, list[bytes]]) -> Lines:
    """Return all field lines, unjoined, those of one name in their order."""
    return tuple(
        (_spelled(name), plain(value)) for name, values in headers.items() for value in values
    )


def plain(data: bytes) -> str:
    """Decode the bytes of a header field: UTF-8, else Latin-1 as HTTP/1.0 defined it."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _spelled(name: bytes) -> str:
    """Return a field name as RFC 9110 writes it, where Title-Case differs."""
    return "ETag" if name.lower() == b"etag" else plain(name)

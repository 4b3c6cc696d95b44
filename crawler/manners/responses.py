"""Converts Scrapy's responses to those of `registry.evidence`.

Scrapy 2.19 on Twisted loses three things, none of which changes a mark: header names are
in `Title-Case`, names are in the order of their first line (lines of one name stay separate
and in order), and `Transfer-Encoding` and a decoded `Content-Encoding` are removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crawler.manners.cut_pages import is_cut
from registry.evidence.headers import Lines
from registry.evidence.responses import Response, decoded_response

if TYPE_CHECKING:
    from scrapy import http


def response_of(response: http.Response) -> Response:
    """Return one of Scrapy's responses as a Response of `evidence`, with its body decompressed."""
    lines = header_lines(response.headers)
    return decoded_response(
        Response(response.url, lines, response.body, response.status, cut=is_cut(response))
    )


def header_lines(headers: Mapping[bytes, list[bytes]]) -> Lines:
    """Return all header field lines, not joined; lines of one name keep their order."""
    return tuple(
        (_spelled(name), plain(value)) for name, values in headers.items() for value in values
    )


def plain(data: bytes) -> str:
    """Return the bytes of a header field as text: UTF-8, else Latin-1 as in HTTP/1.0."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _spelled(name: bytes) -> str:
    """Return a field name as in RFC 9110, where that differs from Title-Case."""
    return "ETag" if name.lower() == b"etag" else plain(name)

"""Parses untrusted XML, within limits.

Documents with a DTD are refused, so no entity is expanded and nothing is fetched; size, depth
and number of elements are limited. XMP needs no DTD, and RSL does not allow entities.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

MAX_TEXT = 2 * 1024 * 1024
MAX_DEPTH = 100
MAX_ELEMENTS = 50_000

Fault = Literal["doctype-refused", "not-well-formed", "too-large", "too-deep"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """The root of a document, or the fault why it cannot be read. Names are `{namespace}local`."""

    root: Element | None
    fault: Fault | None = None


class _TooMuch(Exception):
    """The document exceeds the limits of depth or number of elements."""


class _Bounded(TreeBuilder):
    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> Element:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise _TooMuch
        return super().start(tag, attributes)

    def end(self, tag: str) -> Element:
        self._depth -= 1
        return super().end(tag)


@lru_cache(maxsize=4)
def parse(text: str) -> Parsed:
    """Parse a document, with or without a wrapper such as `<?xpacket?>`. Never raises.

    Results are cached: readers must not change the element.
    """
    if len(text) > MAX_TEXT:
        return Parsed(None, "too-large")
    parser = DefusedXMLParser(target=_Bounded(), forbid_dtd=True)
    # The text is already decoded, so the encoding in its declaration does not apply.
    content = text.strip("\x00\ufeff \t\r\n").encode("utf-8", "replace")
    try:
        parser.feed(_without_declaration(content))
        return Parsed(parser.close())
    except DefusedXmlException:
        return Parsed(None, "doctype-refused")
    except _TooMuch:
        return Parsed(None, "too-deep")
    except (ParseError, ValueError, LookupError):
        return Parsed(None, "not-well-formed")


def _without_declaration(content: bytes) -> bytes:
    if content.startswith(b"<?xml") and content[5:6] in b" \t\r\n":
        return content.partition(b"?>")[2].lstrip()
    return content


def local_name(name: str) -> str:
    """Return a name without its namespace."""
    return name.rpartition("}")[2]


def namespace(name: str) -> str:
    """Return the namespace of a name; empty if it has none."""
    return name[1:].partition("}")[0] if name.startswith("{") else ""

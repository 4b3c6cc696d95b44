"""Structured field values (RFC 9651), as far as the vocabularies here need them.

The library `http_sf` parses a value completely or not at all: a value with any syntax
error is ignored as a whole. Types to which no vocabulary here gives a meaning are
returned as None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import http_sf

# Servers and proxies refuse header blocks far smaller than this. A longer value is not
# parsed: its last member, which may replace the first, would be missing.
MAX_VALUE = 65_536


@dataclass(frozen=True, slots=True)
class Member:
    """The value of one member: its Token or String, and its parameters (True is a bare one)."""

    token: str | None = None
    string: str | None = None
    parameters: Mapping[str, str | bool | None] = field(default_factory=dict)


def joined(values: Sequence[str]) -> str:
    """Return the value of a field, joined from its lines (RFC 9110, section 5.3)."""
    return ", ".join(value.strip(" \t") for value in values)


def dictionary(text: str) -> dict[str, Member] | None:
    """Return the members of a Dictionary, of equal keys the last; None for another text."""
    parsed = _parsed(text, "dictionary")
    return {key: _member(value) for key, value in parsed.items()} if parsed is not None else None


def listing(text: str) -> list[Member] | None:
    """Return the members of a List; None for another text."""
    parsed = _parsed(text, "list")
    return [_member(value) for value in parsed] if parsed is not None else None


def _parsed(text: str, kind: str) -> Any:
    """Return a value as the library parses it: every member is a pair (value, parameters)."""
    if len(text) > MAX_VALUE or not text.isascii():
        return None
    try:
        return http_sf.parse(text.encode("ascii"), tltype=kind)
    except http_sf.StructuredFieldError:
        return None


def _member(value: tuple[object, Mapping[str, object]]) -> Member:
    bare, parameters = value
    token = str(bare) if isinstance(bare, http_sf.Token) else None
    string = bare if isinstance(bare, str) else None
    return Member(token, string, {name: _plain(given) for name, given in parameters.items()})


def _plain(given: object) -> str | bool | None:
    if isinstance(given, http_sf.Token):
        return str(given)
    return True if given is True else None

"""Addresses in texts that are more than one address, or not quite one (pure).

An address may stand among words, in JSON, in a page, beside a second one, or with a
comma of the list that it was cut out of. What a dataset's maker meant is not guessed:
every address that can be read out of such a value is looked up as a picture's.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote

import pyarrow as pa

from registry.urls.key import INVISIBLE, tidy

# What a value without a role must hold to be looked through (RE2).
PERHAPS = (
    r"(?i)https?(?:[:\\]|%3a|&#)|(?:^|[\s\"'(=,|;>])//[^\s/]"
    r"|^\s*[a-z0-9](?:[a-z0-9-]*\.)+[a-z]{2,}/\S+\s*$"
)
# Addresses that end as none does, or hold what none does: others may be in them (RE2).
PERHAPS_MORE = (
    r"(?i)[^a-z0-9/_=~+-]$|[\s\"'<>|\\^`{}]|[^\x00-\x7f]|.https?(?::|%3a)|&#"
    r"|%(?:0[9ad]|2[027]|3e|[57]d|60)$|&[a-z]+;$"
)
# Longer texts without a blank are no addresses; what follows so many marks belongs to none.
_MOST_CUTS, _TAIL = 32, 64
_ADDRESS = re.compile(
    r"(?i)(?:https?:[\\/]*|(?<![:/])//)([^\s\"'<>|^`{}\[\]\\][^\s\"<>|^`{}]{0,4095})"
)
_BARE = re.compile(r"(?i)\s*((?:[a-z0-9-]+\.)+[a-z]{2,}/\S+)\s*")
_NEXT = re.compile(r"(?i)(?=https?:[\\/])")
# Brackets and quotes may be of the address, or stand around it.
_CUTS = re.compile(r"[\\,;|$'()\[\]]+|&&|\\[nrt]")
_END = re.compile(
    r"(?:[^\w/=~+#%-]|_|%(?:0[9adAD]|2[027]|3[eE]|[57][dD]|60|[cCeE][0-9a-fA-F](?:%[89abAB].)+))+$"
)
_ESCAPED = re.compile(r"\\(?:/|u002[fF])")
_DROP = dict.fromkeys(map(ord, INVISIBLE))


def addresses_in(text: str) -> list[str]:
    """Return the addresses in a text as they may be meant, each once; none of them is sure."""
    return list(dict.fromkeys(_all_in(text)))


def flattened(column: pa.Array) -> tuple[list[int], list[str]]:
    """Return the addresses in the texts of a column, with the row of each."""
    places: list[int] = []
    found: list[str] = []
    for row, text in enumerate(column.to_pylist()):
        for address in addresses_in(text) if text else ():
            places.append(row)
            found.append(address)
    return places, found


def _all_in(text: str) -> Iterator[str]:
    for form in _forms(text):
        for piece in _NEXT.split(form):
            for match in _ADDRESS.finditer(piece):
                yield from _ends(match[1])
    if bare := _BARE.fullmatch(text):
        yield from _ends(bare[1])


def _forms(text: str) -> Iterator[str]:
    """Yield a text, and what it is where its escapes are meant as such."""
    yield text
    plain = html.unescape(_ESCAPED.sub("/", text))
    if "%3a" in plain[:4096].lower():
        plain = unquote(plain)
    yield plain
    # A line end or a character that shows nothing, within an address.
    yield tidy(plain).translate(_DROP)
    if _ADDRESS.match(plain.strip()):
        yield "".join(plain.split())


def _ends(rest: str) -> Iterator[str]:
    """Yield one address with what follows it, without, and up to each mark that may end it."""
    yield f"//{rest}"
    yield f"//{_trimmed(rest)}"
    for mark in islice(_CUTS.finditer(rest), _MOST_CUTS):
        yield f"//{_trimmed(rest[: mark.start()])}"
    if "\\" in rest:
        yield f"//{_trimmed(rest.replace(chr(92), '/'))}"


def _trimmed(rest: str) -> str:
    """Return an address without the marks at its end."""
    return rest[:-_TAIL] + _END.sub("", rest[-_TAIL:])

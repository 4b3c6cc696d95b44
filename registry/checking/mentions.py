"""URLs within longer texts, or with characters that do not belong to them (pure).

A URL may be among words, in JSON, in a page, beside a second URL, or have a comma of the
list that it was cut from. Its exact end is not guessed: every URL that can be read from
such a value is looked up as that of a picture.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote

import pyarrow as pa

from registry.urls.key import INVISIBLE, tidy

# Values of columns without a role are searched only if they match this (RE2).
PERHAPS = (
    r"(?i)https?(?:[:\\]|%3a|&#)|(?:^|[\s\"'(=,|;>])//[^\s/]"
    r"|^\s*[a-z0-9](?:[a-z0-9-]*\.)+[a-z]{2,}/\S+\s*$"
)
# URLs with unusual ends or characters: other URLs may be in them (RE2).
PERHAPS_MORE = (
    r"(?i)[^a-z0-9/_=~+-]$|[\s\"'<>|\\^`{}]|[^\x00-\x7f]|.https?(?::|%3a)|&#"
    r"|%(?:0[9ad]|2[027]|3e|[57]d|60)$|&[a-z]+;$"
)
# Most punctuation marks at which a URL is cut, and characters of its end that are trimmed.
_MOST_CUTS, _TAIL = 32, 64
_ADDRESS = re.compile(
    r"(?i)(?:https?:[\\/]*|(?<![:/])//)([^\s\"'<>|^`{}\[\]\\][^\s\"<>|^`{}]{0,4095})"
)
_BARE = re.compile(r"(?i)\s*((?:[a-z0-9-]+\.)+[a-z]{2,}/\S+)\s*")
_NEXT = re.compile(r"(?i)(?=https?:[\\/])")
# Brackets and quotes may belong to the URL, or surround it.
_CUTS = re.compile(r"[\\,;|$'()\[\]]+|&&|\\[nrt]")
_END = re.compile(
    r"(?:[^\w/=~+#%-]|_|%(?:0[9adAD]|2[027]|3[eE]|[57][dD]|60|[cCeE][0-9a-fA-F](?:%[89abAB].)+))+$"
)
_ESCAPED = re.compile(r"\\(?:/|u002[fF])")
_DROP = dict.fromkeys(map(ord, INVISIBLE))


def addresses_in(text: str) -> list[str]:
    """Return all possible URLs in a text, each once."""
    return list(dict.fromkeys(_all_in(text)))


def flattened(column: pa.Array) -> tuple[list[int], list[str]]:
    """Return the rows and the URLs found in the texts of a column, as parallel lists."""
    places: list[int] = []
    urls: list[str] = []
    for row, text in enumerate(column.to_pylist()):
        for url in addresses_in(text) if text else ():
            places.append(row)
            urls.append(url)
    return places, urls


def _all_in(text: str) -> Iterator[str]:
    for form in _forms(text):
        for piece in _NEXT.split(form):
            for match in _ADDRESS.finditer(piece):
                yield from _ends(match[1])
    if bare := _BARE.fullmatch(text):
        yield from _ends(bare[1])


def _forms(text: str) -> Iterator[str]:
    """Yield a text as it is, and with its escapes decoded."""
    yield text
    plain = html.unescape(_ESCAPED.sub("/", text))
    if "%3a" in plain[:4096].lower():
        plain = unquote(plain)
    yield plain
    # Without line ends and invisible characters, which may be within a URL.
    yield tidy(plain).translate(_DROP)
    if _ADDRESS.match(plain.strip()):
        yield "".join(plain.split())


def _ends(rest: str) -> Iterator[str]:
    """Yield a URL with its last punctuation, without it, and cut at each mark that may end it."""
    yield f"//{rest}"
    yield f"//{_trimmed(rest)}"
    for mark in islice(_CUTS.finditer(rest), _MOST_CUTS):
        yield f"//{_trimmed(rest[: mark.start()])}"
    if "\\" in rest:
        yield f"//{_trimmed(rest.replace(chr(92), '/'))}"


def _trimmed(rest: str) -> str:
    """Return a URL without the punctuation at its end."""
    return rest[:-_TAIL] + _END.sub("", rest[-_TAIL:])

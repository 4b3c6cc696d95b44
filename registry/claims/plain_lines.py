"""Many lines of a text file at once, if they are plain. Pure.

A plain line is one row or one object by itself: it ends with a line feed, has no other control
character but tabs, and matches a pattern, which says that its form is complete.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from registry.arrow_csv import read_block
from registry.claims.column_views import Mask, is_utf8, matches

# Patterns with more columns than this would be slow to match.
MOST_COLUMNS = 60
_CARRIAGE_RETURN, _LINE_FEED = 13, 10
_ODD_IN_UTF8 = np.zeros(256, np.bool_)
_ODD_IN_UTF8[[*range(0x20), 0x7F]] = True
_ODD_IN_UTF8[[9, _LINE_FEED]] = False
# In a block that is not UTF-8, all lines are odd that are not ASCII.
_ODD = _ODD_IN_UTF8.copy()
_ODD[0x80:] = True
_END = r"\r?\n$"
_NAME = re.compile(r"[ !#-\[\]-~]{1,200}")
_STRING = r'"[^"\\\t]*"'
_NUMBER = r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?"
_SIDES = ("width", "height")


@dataclass(frozen=True, slots=True)
class PlainLines:
    """Plain lines: the number of the first, how many, their bytes and where each begins."""

    first: int
    count: int
    data: memoryview
    places: npt.NDArray[np.int32]

    def texts(self) -> pa.Array:
        """Return the lines as an Arrow array, with their ends."""
        return _texts(self.data, self.places)

    def text(self, at: int) -> str:
        """Return one line."""
        return bytes(self.data[self.places[at] : self.places[at + 1]]).decode()


class PlainMap(NamedTuple):
    """Which lines of a block are plain, from one of its places on."""

    pattern: str
    block: memoryview
    start: int
    places: npt.NDArray[np.int32]
    breaks: npt.NDArray[np.int64]

    def run(self, at: int, fewest: int, number: int) -> PlainLines | None:
        """Return the plain lines from a place of the block on, None if they are too few.

        The first of them has this number.
        """
        line = int(np.searchsorted(self.places, at - self.start))
        if line == len(self.places) or self.places[line] != at - self.start:
            # A carriage return ended the line before: only line feeds are looked for here.
            return None
        end = int(self.breaks[np.searchsorted(self.breaks, line)])
        if end - line < fewest:
            return None
        places = self.places[line : end + 1] - self.places[line]
        data = self.block[at : at + int(places[-1])]
        return PlainLines(number, end - line, data, places)


def plain_map(block: bytes, start: int, pattern: str) -> PlainMap:
    """Return which lines are plain of those from `start` on, where a line begins."""
    view = memoryview(block)
    data = np.frombuffer(view[start:], np.uint8)
    ends = np.flatnonzero(data == _LINE_FEED)
    places = np.concatenate([[0], ends + 1]).astype(np.int32)
    odd = np.flatnonzero((_ODD_IN_UTF8 if is_utf8(view[start:]) else _ODD)[data])
    returns = odd[(data[odd] == _CARRIAGE_RETURN) & (odd + 1 < len(data))]
    odd = np.setdiff1d(odd, returns[data[returns + 1] == _LINE_FEED], assume_unique=True)
    lines = np.searchsorted(ends, odd)
    plain: Mask = matches(_texts(view[start:], places), pattern)
    plain[lines[lines < len(ends)]] = False
    # The line after the last, which may have no end, is never plain.
    breaks = np.append(np.flatnonzero(~plain), len(ends))
    return PlainMap(pattern, view, start, places, breaks)


def _texts(data: memoryview, places: npt.NDArray[np.int32]) -> pa.Array:
    buffers = [None, pa.py_buffer(places), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(places) - 1, buffers)


def csv_pattern(fields: int, delimiter: str) -> str | None:
    """Return the pattern of a row of CSV with this many fields, or None.

    Its fields are quoted as a whole, or have no quotes.
    """
    if not 0 < fields <= MOST_COLUMNS:
        return None
    if fields == 1:
        # A blank line is no row; which characters make a line blank, the row code knows.
        return rf'^[^\s"{delimiter}\x{{80}}-\x{{10ffff}}][^"{delimiter}\r\n]*{_END}'
    bare = rf'[^"{delimiter}\r\n]*'
    # Tab-separated values have no quoting.
    field = bare if delimiter == "\t" else rf'(?:"(?:[^"]|"")*"|{bare})'
    return f"^{field}(?:{delimiter}{field}){{{fields - 1}}}{_END}"


def csv_columns(
    lines: PlainLines, places: Mapping[str, int], fields: int, delimiter: str
) -> dict[str, pa.Array]:
    """Return the columns at these places of rows that match `csv_pattern`."""
    names = [str(place) for place in range(fields)]
    taken = [names[place] for place in places.values()]
    table = read_block(
        lines.data,
        names,
        csv.ParseOptions(
            delimiter=delimiter,
            quote_char=False if delimiter == "\t" else '"',
            newlines_in_values=False,
            ignore_empty_lines=False,
        ),
        csv.ConvertOptions(
            include_columns=taken,
            column_types=dict.fromkeys(taken, pa.string()),
            strings_can_be_null=False,
        ),
    )
    columns = {known: table[own].combine_chunks() for known, own in zip(places, taken, strict=True)}
    assert table.num_rows == lines.count
    return columns


def json_pattern(names: Sequence[str], columns: Mapping[str, str]) -> str | None:
    """Return the pattern of an object with these members, in this order, or None.

    Its known members, `columns`, are text without escapes, null, or numbers of pixels.
    """
    if len(names) > MOST_COLUMNS or not all(_NAME.fullmatch(name) for name in names):
        return None
    known = {own: column for column, own in columns.items()}
    members = [rf'"{re.escape(name)}"\s*:\s*{_json_value(known.get(name))}' for name in names]
    between = r"\s*,\s*".join(members)
    return rf"^\s*\{{\s*{between}\s*\}}\s*{_END}" if names else None


def _json_value(column: str | None) -> str:
    if column is None:
        return rf"(?:{_STRING}|{_NUMBER}|true|false|null)"
    text = rf'"(?P<{column}>[^"\\\t]*)"'
    if column in _SIDES:
        return rf"(?:{text}|(?P<{column}_number>[1-9][0-9]{{0,8}})|null)"
    return f"(?:{text}|null)"


def json_columns(
    lines: PlainLines, columns: Mapping[str, str], pattern: str
) -> dict[str, pa.Array]:
    """Return the known columns of objects that match `json_pattern`; null is empty text."""
    found = pc.extract_regex(lines.texts(), pattern)
    values = {column: found.field(column) for column in columns}
    for column in set(_SIDES) & set(columns):
        numbers = found.field(f"{column}_number")
        values[column] = pc.if_else(pc.equal(numbers, ""), values[column], numbers)
    return values

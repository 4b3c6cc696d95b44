"""The form of a CSV file: separator, quotes and column names, found in its first rows (pure).

Rows are those of RFC 4180: a quoted field may hold separators and line ends, and a quote in it is
doubled (or written with a backslash, as Spark and MySQL do). In a file that is separated by tabs
quotes are often plain text; they are read as such unless all fields of the first rows fit. A quote
at the start of a text may be plain in other files, too, and then joins lines that are rows: see
`Form.is_row`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from registry.evidence.carriers import IMAGE_ENDINGS

# The tab comes first: commas in the texts between tabs are common, the reverse is rare.
SEPARATORS = b"\t,;|"
_TAB = b"\t"
# Rows of the sample whose number of fields is compared.
_ROWS = 100
# Share of the first rows that have the same number of fields.
_REGULAR = 0.6
_LONGEST_NAME = 80
_EMPTY_LINES = re.compile(rb"\n[\r\n]*\n")
_KEY = re.compile(r"(?:https?:)?//\S+|[0-9a-f]{16,}")
# Texts that no column has as its name: numbers, hashes, URLs.
_VALUE = re.compile(r"[-+]?[\d.,]+(?:e[-+]?\d+)?|[0-9a-f]{16,}|.*://.*|www\..*", re.I | re.S)


@dataclass(frozen=True)
class Form:
    """How the fields of a row are written: the separator (one byte) and the kind of quotes."""

    separator: bytes = b","
    quoted: bool = True
    escaped: bool = False

    @cached_property
    def row(self) -> re.Pattern[bytes]:
        """One row with its line end. No match: a quote is not closed."""
        field = self._field(rb"")
        return re.compile(rb"%b(?:%b%b)*+(?:\n|\Z)" % (field, self._separator, field), re.DOTALL)

    @cached_property
    def _cell(self) -> re.Pattern[bytes]:
        return re.compile(self._field(rb"?P<quoted>"), re.DOTALL)

    @property
    def _separator(self) -> bytes:
        return re.escape(self.separator)

    def _field(self, group: bytes) -> bytes:
        plain = rb"[^%b\n]" % self._separator
        if not self.quoted:
            return plain + rb"*+"
        inside = rb'[^"\\]*+(?:(?:""|\\.)[^"\\]*+)*+' if self.escaped else rb'[^"]*+(?:""[^"]*+)*+'
        inside = rb"(%b%b)" % (group or b"?:", inside)
        return rb'(?:"%b"%b*+|(?!")%b++|)' % (inside, plain, plain)

    def cells(self, row: bytes) -> list[bytes]:
        """Return the values of a row that the pattern `row` matches."""
        row = row.removesuffix(b"\n").removesuffix(b"\r")
        cells, at = [], 0
        while match := self._cell.match(row, at):
            cells.append(self._value(match))
            at = match.end() + 1
            if at > len(row):
                break
        return cells

    def _value(self, match: re.Match[bytes]) -> bytes:
        inside = match["quoted"] if self.quoted else None
        if inside is None:
            return match[0]
        rest = match.string[match.end("quoted") + 1 : match.end()]
        if self.escaped:
            return re.sub(rb'\\(.)|""', lambda m: m[1] or b'"', inside, flags=re.DOTALL) + rest
        return inside.replace(b'""', b'"') + rest

    def is_row(self, row: bytes, columns: int) -> bool:
        """Return whether what the pattern `row` matches is a row with so many values.

        Lines that a quote joins are not if text follows a closing quote, or if the first and the
        last of them are rows with a key of a picture each: then quotes are plain text.
        """
        if b"\n" not in row.rstrip(b"\r\n"):
            return True
        if len(self.cells(row)) != columns or self._goes_on_after_quotes(row):
            return False
        lines = row.rstrip(b"\r\n").split(b"\n")
        plain = Form(self.separator, quoted=False)
        return not all(
            len(cells) == columns and any(map(_is_key, cells))
            for cells in (plain.cells(lines[0]), plain.cells(lines[-1]))
        )

    def _goes_on_after_quotes(self, row: bytes) -> bool:
        """Return whether text follows a value of several lines in quotes."""
        at = 0
        while at < len(row) and (match := self._cell.match(row, at)):
            inside = match["quoted"]
            if inside and b"\n" in inside and match[0][len(inside) + 2 :].strip(b"\r"):
                return True
            at = match.end() + 1
        return False

    def rows(self, data: bytes) -> Iterator[bytes]:
        """Yield the rows of some bytes that are not empty lines, up to one that has no end."""
        at = 0
        while at < len(data) and (match := self.row.match(data, at)):
            if match[0].strip(b"\r\n"):
                yield match[0]
            at = match.end()


def form_of(sample: bytes, prefers_tabs: bool) -> Form | None:
    """Return the form in which most rows of a sample have the same number of values, or None.

    Of two such forms the one with more regular rows counts, then the one with more columns.
    Rows of a single column are regular in any form.
    """
    best, most = None, (False, 0.0, 1)
    for separator in [bytes([byte]) for byte in SEPARATORS]:
        for form in _forms(separator, sample):
            share, fields = _regular(form, sample)
            rank = (prefers_tabs and separator == _TAB, share, fields)
            if fields > 1 and share >= _REGULAR and rank > most:
                best, most = form, rank
    single = Form(_TAB if prefers_tabs else b",", quoted=not prefers_tabs)
    return best or (single if _regular(single, sample) == (1.0, 1) else None)


def _forms(separator: bytes, sample: bytes) -> list[Form]:
    """Return the forms to try with a separator, of which the first regular one counts."""
    quoted = Form(separator)
    escaped = [Form(separator, escaped=True)] if b'\\"' in sample else []
    if separator == _TAB:
        starts = b'\t"' in sample or b'\n"' in sample or sample.startswith(b'"')
        with_quotes = [quoted, *escaped] if starts else []
        regular = [form for form in with_quotes if _has_only_rows(form, sample)]
        return [*regular, Form(separator, quoted=False)]
    return [*escaped, quoted]


def _regular(form: Form, sample: bytes) -> tuple[float, int]:
    """Return the share of the first rows with the usual number of values, and that number.

    Lines after a quote that is not closed are rows without the usual number.
    """
    counts: list[int] = []
    used = 0
    sample = _EMPTY_LINES.sub(b"\n", sample).lstrip(b"\r\n")
    for row in form.rows(sample):
        counts.append(len(form.cells(row)))
        used += len(row)
        if len(counts) == _ROWS:
            break
    if not counts:
        return 0, 0
    unclosed = sample[used:].count(b"\n") if len(counts) < _ROWS else 0
    usual, rows = Counter(counts).most_common(1)[0]
    return rows / (len(counts) + unclosed), usual


def _has_only_rows(form: Form, sample: bytes) -> bool:
    """Return whether no quote joins lines of a sample that are rows."""
    columns = _regular(form, sample)[1]
    return all(form.is_row(row, columns) for row in form.rows(sample))


def names_of(cells: Sequence[bytes]) -> list[str] | None:
    """Return the column names in the cells of a first row; None if they are values.

    A column without a name gets that of its place; a name that occurs twice gets a number.
    """
    texts = [cell.decode("utf-8", "replace").strip() for cell in cells]
    if not any(texts) or not all(_is_name(text) for text in texts[1:]):
        return None
    # The first column may be an index without a name.
    if (texts[0] and not _is_name(texts[0])) or (len(texts) > 1 and not all(texts[1:])):
        return None
    names: list[str] = []
    for place, text in enumerate(texts):
        name, number = text or column_name(place), 1
        while name in names:
            number += 1
            name = f"{text}_{number}"
        names.append(name)
    return names


def column_name(place: int) -> str:
    """Return the name of a column without one, given its place from 0."""
    return f"column_{place + 1}"


def _is_key(cell: bytes) -> bool:
    """Return whether a value may name a picture by itself: a URL, a hash or a file."""
    text = cell.decode("utf-8", "replace").strip().lower()
    return bool(_KEY.fullmatch(text)) or text.endswith(tuple(IMAGE_ENDINGS))


def _is_name(text: str) -> bool:
    is_value = len(text) > _LONGEST_NAME or _VALUE.fullmatch(text) or "\n" in text
    return not (is_value or text.lower().endswith(tuple(IMAGE_ENDINGS)))

"""From the lines of a CSV or TSV file to its rows. Pure.

A quoted field may hold line breaks. A quote that is never closed would hold the
rest of the file, so a row of several lines is taken only if

- it has at most QUOTED_LINES lines and QUOTED_CHARACTERS characters,
- it is CSV,
- and none of its lines, read alone, is a row that makes a claim, or the beginning of one.

Otherwise its first line is one bad row, and reading goes on at the second. So it does
behind a row with a quote within a field that does not begin with one (RFC 4180, 2.5):
a quote was lost or is too many. Between tabs such a quote is text. A row
with more or fewer fields than the header is one bad row, however many lines it takes.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from registry.claims.rows import UnreadableRow
from registry.errors import UnreadableInput

QUOTED_LINES = 1_000
QUOTED_CHARACTERS = 1 << 20

Cells = list[str]
MakesClaim = Callable[[Cells], bool]
_STRAY_QUOTE = "not CSV: a quote within a field that does not begin with one"
_NOT_CLOSED = "not CSV: a quote is not closed"
_HEADER = "the line with the names of the columns"


class Line(NamedTuple):
    """One line of a file, counted from 1, with its end; or why it cannot be read."""

    number: int
    text: str | UnreadableRow


class Row(NamedTuple):
    """One row and the lines it takes, `first` to `last`; or why they are none."""

    first: int
    last: int
    cells: Cells | UnreadableRow


class _Feed:
    """Hands lines to a CSV reader and remembers which ones the row at hand has taken."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self._again: deque[Line] = deque()
        self._characters = 0
        self.taken: list[Line] = []

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        if isinstance(line.text, UnreadableRow):
            if len(self.taken) == 1:
                raise line.text
            raise UnreadableRow(_NOT_CLOSED)
        self._characters += len(line.text)
        if len(self.taken) > 1 and (
            len(self.taken) > QUOTED_LINES or self._characters > QUOTED_CHARACTERS
        ):
            raise UnreadableRow(_NOT_CLOSED)
        return line.text

    def row_done(self) -> None:
        """Begin a new row at the next line."""
        self.taken = []
        self._characters = 0

    def take_again(self, taken: list[Line], place: int) -> None:
        """Go on behind a row's lines, after `back_to` gave those from `place` on back."""
        for _ in taken[place:]:
            self._again.popleft()
        self.taken = taken

    def back_to(self, place: int) -> None:
        """Begin a new row at one of the lines taken, by its place among them."""
        self._again.extendleft(reversed(self.taken[place:]))
        self.row_done()


class CsvRows:
    """The header and the rows of a CSV file.

    A `delimiter` of None is found out: the most frequent of comma, semicolon and
    tab in the first line. Raises UnreadableInput where the header is not CSV.
    """

    def __init__(self, lines: Iterable[Line], delimiter: str | None = None) -> None:
        self._lines = iter(lines)
        first = next(self._lines, Line(1, ""))
        if isinstance(first.text, UnreadableRow):
            raise UnreadableInput(f"{_HEADER}: {first.text.message}", first.text.hint)
        self._delimiter = delimiter or max(",;\t", key=first.text.count)
        self._well_quoted = _row_pattern(self._delimiter)
        self._feed = _Feed(chain([first], self._lines))
        csv.field_size_limit(2**31 - 1)  # lines and rows are bounded already
        try:
            self.header: Cells = next(self._reader(), [])
        except (csv.Error, UnreadableRow) as error:
            reason = _fault(error, self._feed.taken).message
            raise UnreadableInput(f"{_HEADER} is {reason}") from error
        self._below_header = self._feed.taken[1:]
        self._feed.row_done()

    def rows(self, makes_claim: MakesClaim) -> Iterator[Row]:
        """Yield the rows below the header; blank lines are passed over.

        `makes_claim` tells whether the fields of one line would be taken as a row.
        Raises UnreadableInput where the header holds such a line.
        """
        for line in self._below_header:
            if makes_claim(self._alone(line)):
                raise UnreadableInput(f"{_HEADER} is {_NOT_CLOSED}")
        reader = self._reader()
        while True:
            try:
                cells = next(reader)
                self._refuse_stray_quote()
                self._refuse_swallowed(cells, makes_claim)
            except StopIteration:
                return
            except (csv.Error, UnreadableRow) as error:
                fault, first = _fault(error, self._feed.taken), self._feed.taken[0].number
                self._feed.back_to(1)
                # What a reader has gathered of a row that failed must not reach the next.
                reader = self._reader()
                yield Row(first, first, fault)
                continue
            first, last = self._feed.taken[0].number, self._feed.taken[-1].number
            self._feed.row_done()
            if not _is_blank(cells):
                yield Row(first, last, self._counted(cells))

    def _reader(self) -> Iterator[Cells]:
        return csv.reader(self._feed, delimiter=self._delimiter, strict=True)

    def _refuse_stray_quote(self) -> None:
        """Raise UnreadableRow if a field that does not begin with a quote holds one."""
        text = "".join(str(line.text) for line in self._feed.taken)
        # Tab-separated values know no quoting (IANA), though programs that write them do.
        if '"' in text and self._delimiter != "\t" and not self._well_quoted.fullmatch(text):
            raise UnreadableRow(_STRAY_QUOTE)

    def _refuse_swallowed(self, row: Cells, makes_claim: MakesClaim) -> None:
        """Raise UnreadableRow if a row holds another one as quoted text."""
        taken = self._feed.taken
        if len(taken) == 1:
            return
        for line in taken:
            if self._begins_row(line, row, makes_claim):
                raise UnreadableRow(f"{_NOT_CLOSED}, line {line.number} is a row of its own")
        if self._is_good(row, makes_claim):
            return
        for place in range(1, len(taken)):
            if self._row_begins_at(place, makes_claim):
                raise UnreadableRow(f"{_NOT_CLOSED}, line {taken[place].number} begins another row")

    def _row_begins_at(self, place: int, makes_claim: MakesClaim) -> bool:
        """Tell whether reading anew at a line of this row finds a row that makes a claim."""
        taken = self._feed.taken
        self._feed.back_to(place)
        try:
            row = next(self._reader(), [])
        except (csv.Error, UnreadableRow):
            row = []
        self._feed.back_to(0)
        self._feed.take_again(taken, place)
        return self._is_good(row, makes_claim)

    def _is_good(self, row: Cells, makes_claim: MakesClaim) -> bool:
        return len(row) == len(self.header) and makes_claim(row)

    def _counted(self, cells: Cells) -> Cells | UnreadableRow:
        """Return a row if it has as many fields as the header, or why it is refused.

        With fewer it cannot be told from one whose end was cut off.
        """
        if len(cells) == len(self.header):
            return cells
        short = "; it may be cut short" if len(cells) < len(self.header) else ""
        return UnreadableRow(f"{len(cells)} fields, the first line names {len(self.header)}{short}")

    def _begins_row(self, line: Line, row: Cells, makes_claim: MakesClaim) -> bool:
        """Tell whether a line within a row is a row that makes a claim or the beginning of one.

        Fields that `row` has anyway, before or behind the quoted text, are no sign of that.
        """
        text = str(line.text)
        alone = self._alone(line)
        missing = len(self.header) - len(alone)
        whole = missing == 0 or (missing > 0 and _is_open(text, self._delimiter))
        # With a quote too many or too few a row still has all its delimiters.
        parts = [part.strip('"\r\n') for part in text.split(self._delimiter)]
        return (whole and makes_claim(_others(alone, row))) or (
            # A row that lost a quote around delimiters has more of them.
            (len(parts) == len(self.header) or (len(parts) > len(self.header) and '"' in text))
            and makes_claim(_others(parts[: len(self.header)], row))
        )

    def _alone(self, line: Line) -> Cells:
        """Return the fields of a line that is read by itself."""
        return next(csv.reader([str(line.text)], delimiter=self._delimiter), [])


def _row_pattern(delimiter: str) -> re.Pattern[str]:
    """Return what a row looks like whose fields are quoted from end to end or hold no quote."""
    field = rf'(?:"[^"]*+(?:""[^"]*+)*+"|[^"\r\n{delimiter}]*+)'
    return re.compile(rf"{field}(?:{delimiter}{field})*+[\r\n]*+")


def _others(cells: Cells, row: Cells) -> Cells:
    """Return the fields with those empty that a row has, too."""
    return ["" if cell in row else cell for cell in cells]


def _is_blank(cells: Cells) -> bool:
    return not cells or (len(cells) == 1 and not cells[0].strip())


def _is_open(line: str, delimiter: str) -> bool:
    """Tell whether a line ends within a quoted field."""
    asked: list[str] = []

    def lines() -> Iterator[str]:
        yield line
        asked.append(line)

    try:
        next(csv.reader(lines(), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return bool(asked)
    return False


def _fault(error: Exception, taken: Sequence[Line]) -> UnreadableRow:
    """Return what is wrong with the row that began at the first of the lines taken."""
    if isinstance(error, UnreadableRow):
        return error
    return UnreadableRow(_NOT_CLOSED if len(taken) > 1 else f"not CSV: {error}")

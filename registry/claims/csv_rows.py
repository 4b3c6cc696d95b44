"""Rows of a CSV or TSV file from its lines. Pure.

A quoted field may hold line breaks. A quote that is never closed would swallow the
rest of the file, so a row of several lines is accepted only if

- it has at most QUOTED_LINES lines and QUOTED_CHARACTERS characters,
- it is CSV,
- and none of its lines, read alone, is a row with a claim, or the start of one.

Otherwise its first line is one bad row, and reading continues at the second line. The
same happens after a row with a quote inside a field that does not begin with one
(RFC 4180, 2.5): a quote is missing or superfluous. In TSV such a quote is text. A row
with more or fewer fields than the header is one bad row, however many lines it has.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

from registry.claims.rows import UnreadableRow
from registry.errors import UnreadableInput

QUOTED_LINES = 1_000
QUOTED_CHARACTERS = 1 << 20

Cells = list[str]
MakesClaim = Callable[[Cells], bool]
Many = TypeVar("Many")
_STRAY_QUOTE = "not CSV: a quote inside a field that does not begin with a quote"
_NOT_CLOSED = "not CSV: a quote is not closed"
_HEADER = "the line with the column names"


class CsvLine(NamedTuple):
    """A line of a file, counted from 1, with its line end; or why it cannot be read."""

    number: int
    text: str | UnreadableRow


class CsvRow(NamedTuple):
    """The fields of a row and its lines, `first` to `last`; or why it cannot be read."""

    first: int
    last: int
    cells: Cells | UnreadableRow


class _Feed:
    """Gives lines to a CSV reader, and records which ones the current row has consumed."""

    def __init__(self, lines: Iterable[CsvLine]) -> None:
        self._lines = iter(lines)
        self._again: deque[CsvLine] = deque()
        self._characters = 0
        self.taken: list[CsvLine] = []

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

    @property
    def reads_on(self) -> bool:
        """Return whether the next line is one that was not consumed before."""
        return not self._again

    def row_done(self) -> None:
        """Start a new row at the next line."""
        self.taken = []
        self._characters = 0

    def take_again(self, taken: list[CsvLine], place: int) -> None:
        """Consume the lines from `place` on again, after `back_to` returned them."""
        for _ in taken[place:]:
            self._again.popleft()
        self.taken = taken

    def back_to(self, place: int) -> None:
        """Return the consumed lines from `place` on, and start a new row there."""
        self._again.extendleft(reversed(self.taken[place:]))
        self.row_done()


class CsvRows:
    """The header and the rows of a CSV file.

    If `delimiter` is None, it is the most frequent of comma, semicolon and tab in the
    first line. Raises UnreadableInput if the header is not CSV.
    """

    def __init__(self, lines: Iterable[CsvLine], delimiter: str | None = None) -> None:
        self._lines = iter(lines)
        first = next(self._lines, CsvLine(1, ""))
        if isinstance(first.text, UnreadableRow):
            raise UnreadableInput(f"{_HEADER}: {first.text.message}", first.text.hint)
        self.delimiter = delimiter or max(",;\t", key=first.text.count)
        self._well_quoted = _row_pattern(self.delimiter)
        self._feed = _Feed(chain([first], self._lines))
        csv.field_size_limit(2**31 - 1)  # lines and rows are bounded already
        try:
            self.header: Cells = next(self._reader(), [])
        except (csv.Error, UnreadableRow) as error:
            reason = _fault(error, self._feed.taken).message
            raise UnreadableInput(f"{_HEADER} is {reason}") from error
        self._below_header = self._feed.taken[1:]
        self._feed.row_done()

    def rows(self, makes_claim: MakesClaim) -> Iterator[CsvRow]:
        """Yield the rows below the header; blank lines are skipped.

        `makes_claim` returns whether the fields of one line would be a row with a claim.
        Raises UnreadableInput if the header contains such a line.
        """
        none: Callable[[], CsvRow | None] = lambda: None  # noqa: E731 (it has a type)
        yield from self.parts(makes_claim, none)

    def parts(
        self, makes_claim: MakesClaim, take_many: Callable[[], Many | None]
    ) -> Iterator[CsvRow | Many]:
        """Yield the rows as `rows` does, and between them what `take_many` returns.

        It is called where a row begins, and takes the next lines if each of them is a row.
        """
        for line in self._below_header:
            if makes_claim(self._alone(line)):
                raise UnreadableInput(f"{_HEADER} is {_NOT_CLOSED}")
        reader = self._reader()
        while True:
            if self._feed.reads_on and (many := take_many()):
                yield many
                continue
            try:
                cells = next(reader)
                self._refuse_stray_quote()
                self._refuse_swallowed(cells, makes_claim)
            except StopIteration:
                return
            except (csv.Error, UnreadableRow) as error:
                fault, first = _fault(error, self._feed.taken), self._feed.taken[0].number
                self._feed.back_to(1)
                # A reader that failed keeps parts of its row; a new one starts empty.
                reader = self._reader()
                yield CsvRow(first, first, fault)
                continue
            first, last = self._feed.taken[0].number, self._feed.taken[-1].number
            self._feed.row_done()
            if not _is_blank(cells):
                yield CsvRow(first, last, self._counted(cells))

    def _reader(self) -> Iterator[Cells]:
        return csv.reader(self._feed, delimiter=self.delimiter, strict=True)

    def _refuse_stray_quote(self) -> None:
        """Raise UnreadableRow if a field that does not begin with a quote contains one."""
        text = "".join(str(line.text) for line in self._feed.taken)
        # Tab-separated values have no quoting (IANA), though some programs write quotes.
        if '"' in text and self.delimiter != "\t" and not self._well_quoted.fullmatch(text):
            raise UnreadableRow(_STRAY_QUOTE)

    def _refuse_swallowed(self, row: Cells, makes_claim: MakesClaim) -> None:
        """Raise UnreadableRow if the quoted text of a row contains another row."""
        taken = self._feed.taken
        if len(taken) == 1:
            return
        for line in taken:
            if self._begins_row(line, row, makes_claim):
                raise UnreadableRow(f"{_NOT_CLOSED}, line {line.number} is a separate row")
        if self._is_good(row, makes_claim):
            return
        for place in range(1, len(taken)):
            if self._row_begins_at(place, makes_claim):
                raise UnreadableRow(f"{_NOT_CLOSED}, line {taken[place].number} starts another row")

    def _row_begins_at(self, place: int, makes_claim: MakesClaim) -> bool:
        """Return whether a row with a claim starts at one of the lines of this row."""
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
        """Return a row with as many fields as the header; else why it is refused.

        A row with fewer fields may be one whose end was cut off.
        """
        if len(cells) == len(self.header):
            return cells
        short = "; it may be cut short" if len(cells) < len(self.header) else ""
        return UnreadableRow(
            f"{len(cells)} fields instead of {len(self.header)} as in the first line{short}"
        )

    def _begins_row(self, line: CsvLine, row: Cells, makes_claim: MakesClaim) -> bool:
        """Return whether a line within a row is a row with a claim, or the start of one.

        Fields that `row` also has, before or after the quoted text, are ignored.
        """
        text = str(line.text)
        alone = self._alone(line)
        missing = len(self.header) - len(alone)
        whole = missing == 0 or (missing > 0 and _is_open(text, self.delimiter))
        # A row with a missing or superfluous quote still has all its delimiters.
        parts = [part.strip('"\r\n') for part in text.split(self.delimiter)]
        return (whole and makes_claim(_others(alone, row))) or (
            # A row that lost a quote around delimiters has more of them.
            (len(parts) == len(self.header) or (len(parts) > len(self.header) and '"' in text))
            and makes_claim(_others(parts[: len(self.header)], row))
        )

    def _alone(self, line: CsvLine) -> Cells:
        """Return the fields of a line that is read alone."""
        return next(csv.reader([str(line.text)], delimiter=self.delimiter), [])


def _row_pattern(delimiter: str) -> re.Pattern[str]:
    """Return the pattern of a row whose fields are fully quoted or have no quotes."""
    field = rf'(?:"[^"]*+(?:""[^"]*+)*+"|[^"\r\n{delimiter}]*+)'
    return re.compile(rf"{field}(?:{delimiter}{field})*+[\r\n]*+")


def _others(cells: Cells, row: Cells) -> Cells:
    """Return the fields, with "" in place of those that `row` has, too."""
    return ["" if cell in row else cell for cell in cells]


def _is_blank(cells: Cells) -> bool:
    return not cells or (len(cells) == 1 and not cells[0].strip())


def _is_open(line: str, delimiter: str) -> bool:
    """Return whether a line ends inside a quoted field."""
    more_requested: list[str] = []

    def lines() -> Iterator[str]:
        yield line
        more_requested.append(line)

    try:
        next(csv.reader(lines(), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return bool(more_requested)
    return False


def _fault(error: Exception, taken: Sequence[CsvLine]) -> UnreadableRow:
    """Return the fault of the row that consumed these lines."""
    if isinstance(error, UnreadableRow):
        return error
    return UnreadableRow(_NOT_CLOSED if len(taken) > 1 else f"not CSV: {error}")

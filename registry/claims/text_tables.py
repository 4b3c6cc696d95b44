"""The rows of CSV, TSV and JSON lines: one by one, or many plain lines at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from registry.claims.columns import columns_of
from registry.claims.csv_rows import CsvRow, CsvRows
from registry.claims.lines import lines_of, opened
from registry.claims.rows import UnreadableRow, makes_claim
from registry.claims.tables import Problems, TableBatch, TableParts, TableRow, Values
from registry.errors import UnreadableInput

if TYPE_CHECKING:
    from registry.claims.plain_lines import PlainLines

# So many lines after which a file of JSON lines may have taken another form.
_OTHER_FORM = 2_000


def csv_parts(path: Path, problems: Problems, in_columns: bool) -> TableParts:
    """Yield the rows of a CSV or TSV file; with `in_columns`, plain ones in batches."""
    with opened(path) as file:
        lines = lines_of(file)
        table = CsvRows(lines, "\t" if path.suffix.lower() == ".tsv" else None)
        columns = problems.columns(str(path), table.header)
        places = {known: table.header.index(own) for known, own in columns.items()}
        form = _CsvForm(places, len(table.header), table.delimiter)
        pattern = _csv_pattern(form) if in_columns else None

        def values(cells: list[str]) -> dict[str, object]:
            return {known: cells[at] for known, at in places.items() if at < len(cells)}

        def plain() -> PlainLines | None:
            return lines.plain(pattern) if pattern else None

        for part in table.parts(lambda cells: makes_claim(values(cells)), plain):
            if isinstance(part, CsvRow):
                cells = part.cells
                row = cells if isinstance(cells, UnreadableRow) else values(cells)
                yield TableRow(part.first, row)
            else:
                yield _csv_batch(part, form)


class _CsvForm(NamedTuple):
    """The places of the known columns in a row, its number of fields, and what is between them."""

    places: dict[str, int]
    fields: int
    delimiter: str


def _csv_pattern(form: _CsvForm) -> str | None:
    from registry.claims.plain_lines import csv_pattern

    return csv_pattern(form.fields, form.delimiter)


def _csv_batch(lines: PlainLines, form: _CsvForm) -> TableBatch:
    from registry.claims.plain_lines import csv_columns

    columns = csv_columns(lines, form.places, form.fields, form.delimiter)

    def rows(at: Sequence[int]) -> Iterable[TableRow]:
        for place in at:
            row = {known: column[place].as_py() for known, column in columns.items()}
            yield TableRow(lines.first + place, row)

    return TableBatch(lines.count, columns, rows)


class _Form(NamedTuple):
    """The members of an object in a JSON line: their pattern, and the known ones by column."""

    pattern: str
    names: list[str]
    columns: dict[str, str]


class _Object(dict[str, object]):
    """A JSON object and the names that its text holds, in order, with those there twice."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.names = [name for name, _ in pairs]


def json_parts(path: Path, problems: Problems, in_columns: bool) -> TableParts:
    """Yield the rows of a file of JSON lines; blank lines are skipped.

    With `in_columns`, lines that have the same members are read in batches.
    """
    file_name, form = str(path), None
    # Lines that were read one by one since the last batch or the last look at their form.
    alone = _OTHER_FORM
    with opened(path) as file:
        lines = lines_of(file)
        while True:
            if form and (plain := lines.plain(form.pattern)):
                yield _json_batch(plain, form, file_name, problems)
                alone = 0
                continue
            line = next(lines, None)
            if line is None:
                return
            row = line.text if isinstance(line.text, UnreadableRow) else _json_object(line.text)
            alone += 1
            if in_columns and alone > _OTHER_FORM and isinstance(row, _Object):
                form, alone = _form(row), 0
            if row is not None:
                yield TableRow(line.number, _json_row(row, file_name, problems))


def _json_batch(lines: PlainLines, form: _Form, file: str, problems: Problems) -> TableBatch:
    from registry.claims.plain_lines import json_columns

    def rows(places: Sequence[int]) -> Iterable[TableRow]:
        for place in places:
            row = _json_object(lines.text(place))
            assert row is not None
            yield TableRow(lines.first + place, _json_row(row, file, problems))

    problems.columns(file, form.names)
    columns = json_columns(lines, form.columns, form.pattern)
    return TableBatch(lines.count, columns, rows)


def _form(row: _Object) -> _Form | None:
    """Return the form of an object, None if lines of this form are not read in columns."""
    from registry.claims.plain_lines import json_pattern

    try:
        columns = columns_of(row.names)
    except UnreadableInput:
        return None
    pattern = json_pattern(row.names, columns)
    return _Form(pattern, row.names, columns) if pattern else None


def _json_object(line: str) -> _Object | UnreadableRow | None:
    """Return the object of a line, None for a blank line."""
    if not line.strip():
        return None
    try:
        members = json.loads(line, object_pairs_hook=_Object)
    except (ValueError, RecursionError) as error:
        return UnreadableRow(f"not JSON: {error}")
    return members if isinstance(members, _Object) else UnreadableRow("not a JSON object")


def _json_row(row: _Object | UnreadableRow, file: str, problems: Problems) -> Values:
    if isinstance(row, UnreadableRow):
        return row
    try:
        columns = problems.columns(file, row.names)
    except UnreadableInput as error:
        return UnreadableRow(error.message)
    return {known: row[own] for known, own in columns.items()}

"""The rows of a block of CSV in columns of texts (pure).

Ordinary blocks are read by Arrow. Blocks with quotes inside fields, or with rows that have more
or fewer values than there are columns, are read row by row: such a row keeps its values by their
places, and the reason why it cannot be relied on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from registry.arrow_csv import read_block
from registry.datasets.hidden import MORE, UNREAD
from registry.datasets.text.csv_form import Form

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOT_CLOSED = "a quote is not closed"
# After so many quotes in a block that are not closed its other rows are not read either.
_MOST_RESTARTS = 1000
_LF, _CR, _QUOTE = 10, 13, 34


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows at the start of some bytes: where each starts and ends, and why some are not read.

    `used`: the number of bytes of these rows and of empty lines between them.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    used: int
    unread: dict[int, str]


def rows_of(data: bytes, form: Form, columns: int, is_last: bool) -> Rows:
    """Return the whole rows at the start of some bytes; all, if they are the last of the file."""
    ends = _ends(data, form)
    if ends is None or (is_last and form.quoted and not _is_closed(data)):
        return _one_by_one(data, form, columns, is_last)
    used = len(data) if is_last else int(ends[-1]) if len(ends) else 0
    if is_last and len(data) > (int(ends[-1]) if len(ends) else 0):
        ends = np.append(ends, len(data))
    starts = np.concatenate([np.zeros(1, np.int64), ends])[: len(ends)]
    if form.quoted and len(ends) and not _fit(data, starts, ends, form, columns):
        return _one_by_one(data, form, columns, is_last)
    return Rows(*_not_empty(data, starts, ends), used, {})


def in_columns(data: bytes, rows: Rows, names: Sequence[str], form: Form) -> pa.RecordBatch:
    """Return rows as a batch of texts, which may be no UTF-8."""
    # Arrow reads a backslash outside quotes, too.
    ordinary = not rows.unread and not (form.escaped and b"\\" in data)
    batch = _by_arrow(data[: rows.used], names, form) if ordinary else None
    if batch is not None and len(batch) == len(rows.ends):
        return batch
    return _by_cells(data, rows, names, form)


def _fit(
    data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64], form: Form, columns: int
) -> bool:
    """Return whether rows of several lines are rows; if not, a quote that joins lines is text."""
    breaks = np.flatnonzero(np.frombuffer(data, np.uint8) == _LF)
    if len(breaks) <= len(ends):
        return True
    lines = np.searchsorted(breaks, ends - 1) - np.searchsorted(breaks, starts)
    several = np.flatnonzero(lines).tolist()
    return all(form.is_row(data[starts[row] : ends[row]], columns) for row in several)


def _is_closed(data: bytes) -> bool:
    return data.count(b'"') % 2 == 0


def _ends(data: bytes, form: Form) -> NDArray[np.int64] | None:
    """Return where the rows end; None if quotes are in the middle of fields."""
    content = np.frombuffer(data, np.uint8)
    breaks: NDArray[np.int64] = np.flatnonzero(content == _LF)
    if not form.quoted or b'"' not in data:
        return breaks + 1
    quotes: NDArray[np.int64] = np.flatnonzero(content == _QUOTE)
    if form.escaped and b"\\" in data:
        return None
    opening, closing = quotes[0::2], quotes[1::2]
    around = np.array([*form.separator, _LF, _CR, _QUOTE], np.uint8)
    before = content[opening[opening > 0] - 1]
    after = content[closing[closing < len(data) - 1] + 1]
    if not (np.isin(before, around).all() and np.isin(after, around).all()):
        return None
    ends: NDArray[np.int64] = breaks[np.searchsorted(quotes, breaks) % 2 == 0] + 1
    return ends


def _not_empty(
    data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    short = np.flatnonzero(ends - starts <= len(b"\r\n"))
    empty = [row for row in short.tolist() if not data[starts[row] : ends[row]].strip(b"\r\n")]
    return np.delete(starts, empty), np.delete(ends, empty)


def _one_by_one(data: bytes, form: Form, columns: int, is_last: bool) -> Rows:
    """Find the rows by the pattern of a row, and go on after a quote that is not closed."""
    starts: list[int] = []
    ends: list[int] = []
    unread: dict[int, str] = {}
    at = 0
    while at < len(data):
        given_up = len(unread) >= _MOST_RESTARTS
        match = None if given_up else form.row.match(data, at)
        end = match.end() if match else None
        if end == len(data) and not is_last and data[-1] != _LF:
            break
        if end is None and not (is_last or given_up):
            break
        line = data.find(b"\n", at) + 1 or len(data)
        if end is None or (end > line and not form.is_row(data[at:end], columns)):
            unread[len(ends)] = NOT_CLOSED
            end = line
        if data[at:end].strip(b"\r\n"):
            starts.append(at)
            ends.append(end)
        at = end
    return Rows(np.array(starts, np.int64), np.array(ends, np.int64), at, unread)


def _by_arrow(data: bytes, names: Sequence[str], form: Form) -> pa.RecordBatch | None:
    """Return rows as a batch; None if some have more or fewer values."""
    parse = pc.ParseOptions(
        delimiter=form.separator.decode(),
        quote_char='"' if form.quoted else False,
        escape_char="\\" if form.escaped else False,
        newlines_in_values=form.quoted,
    )
    types = dict.fromkeys(names, pa.string())
    convert = pc.ConvertOptions(check_utf8=False, column_types=types, strings_can_be_null=False)
    try:
        table = read_block(data, names, parse, convert)
    except (pa.ArrowException, OSError):
        return None
    table = table.combine_chunks()
    columns = [column.chunk(0) for column in table.columns if column.num_chunks]
    return pa.RecordBatch.from_arrays(columns, names) if len(columns) == len(names) else None


def _by_cells(data: bytes, rows: Rows, names: Sequence[str], form: Form) -> pa.RecordBatch:
    cells: list[list[bytes]] = []
    reasons: list[str | None] = []
    for row, (start, end) in enumerate(zip(rows.starts.tolist(), rows.ends.tolist(), strict=True)):
        why = rows.unread.get(row)
        # Within a row that is not CSV the values are not known.
        values = [data[start:end].strip(b"\r\n")] if why else form.cells(data[start:end])
        if not why and len(values) != len(names):
            why = f"its values do not fit the {len(names)} columns: {len(values)}"
        cells.append(values)
        reasons.append(why)
    columns = [
        pa.array([row[place] if place < len(row) else None for row in cells], pa.binary())
        for place in range(len(names))
    ]
    batch = pa.RecordBatch.from_arrays([_as_text(column) for column in columns], names)
    more = [_beyond(row, len(names)) for row in cells]
    if any(more):
        batch = batch.append_column(MORE, pa.array(more, pa.large_string()))
    if any(reasons):
        batch = batch.append_column(UNREAD, pa.array(reasons, pa.string()))
    return batch


def _as_text(column: pa.Array) -> pa.Array:
    # Not cast: bytes that are no UTF-8 remain as they are.
    return pa.Array.from_buffers(pa.string(), len(column), column.buffers())


def _beyond(cells: Sequence[bytes], columns: int) -> str | None:
    """Return the values that have no column as JSON text."""
    values = [cell.decode("utf-8", "replace") for cell in cells[columns:]]
    return json.dumps(values, ensure_ascii=False) if values else None

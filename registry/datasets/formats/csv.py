"""CSV and TSV, with or without column names; also compressed, and from standard input.

All values are texts. Columns without names are `column_1`, `column_2`, ...
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from registry.datasets.hidden import RAW, own_columns
from registry.datasets.streams import Source, suffix_of
from registry.datasets.tables import (
    StreamedTable,
    files_of_tables,
    opened_tables,
    sureness_of_tables,
)
from registry.datasets.text.csv_form import Form, column_name, form_of, names_of
from registry.datasets.text.csv_rows import Rows, in_columns, rows_of
from registry.datasets.text.files import TextFiles
from registry.datasets.text.line_blocks import BLOCK, LONGEST_ROW, TOO_LONG, pieces
from registry.errors import UnreadableDataset
from registry.model import DIGESTS, hex_pattern

SUFFIXES = (".csv", ".tsv", ".tab")
READS_STREAMS = True
_TABS = (".tsv", ".tab")
# Bytes of a file that show its format, and those that show its columns.
_HEAD, _SAMPLE = 65536, 1 << 20
_BOM = b"\xef\xbb\xbf"
_KEY = re.compile(rb"(?i:https?)://\S+|%b" % hex_pattern("phash64", *DIGESTS).encode())
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
# A text has so many bytes for each NUL at least.
_TEXT_A_NUL = 64


def sureness(path: Path) -> float:
    """Return the sureness, from 0 to 1, that a path is a file of CSV or a folder of them."""
    return sureness_of_tables(path, SUFFIXES, _content)


def open_files(paths: Sequence[Path], name: str) -> TextFiles:
    """Open files of CSV or TSV and folders of them as one dataset."""
    files, others = files_of_tables(paths, SUFFIXES)
    return TextFiles("csv", name, opened_tables(files, CsvFile), others, SUFFIXES)


class CsvFile(StreamedTable):
    """The rows of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = Source(path)
        sample = self.source.head(_SAMPLE)
        if _is_binary(sample):
            raise UnreadableDataset(f"{self.source.name} is not a text in UTF-8", "save it as one")
        text = sample.removeprefix(_BOM)
        self._form = form_of(text, suffix_of(path) in _TABS) or Form()
        first = next(self._form.rows(text), b"")
        cells = self._form.cells(first)
        names = names_of(cells)
        if not first or (b"\r" in first.strip(b"\r\n") and b"\n" not in text):
            why = "it has no line ends" if first else "it is empty"
            raise UnreadableDataset(f"{self.source.name} is not CSV: {why}", "name another file")
        # Bytes before the rows of a file that are no rows.
        size = len(sample) - len(text) + (text.index(first) + len(first) if names else 0)
        self.head = sample[:size]
        self._names = names or [column_name(place) for place in range(len(cells))]
        self.schema = pa.schema([(name, pa.string()) for name in self._names])

    def read(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield all rows, with the columns `names` and hidden ones."""
        with self.source.opened() as file:
            _skip(file, len(self.head))
            for data, rows in _blocks(file, self._form, len(self._names)):
                batch = in_columns(data, rows, self._names, self._form)
                own = own_columns(batch, names)
                raw = pieces(data, rows.starts, rows.ends) if RAW in names else None
                yield own if raw is None else own.append_column(RAW, raw)


def _skip(file: IO[bytes], size: int) -> None:
    while size and (data := file.read(size)):
        size -= len(data)


def _blocks(file: IO[bytes], form: Form, columns: int) -> Iterator[tuple[bytes, Rows]]:
    """Yield the bytes of a file in blocks, with the rows in each."""
    rest = b""
    while data := file.read(BLOCK):
        data = rest + data
        rows = rows_of(data, form, columns, is_last=False)
        if len(rows.ends):
            yield data, rows
        rest = data[rows.used :]
        if len(rest) > LONGEST_ROW:
            rest = yield from _without_line(rest, file)
    if rest:
        yield rest, rows_of(rest, form, columns, is_last=True)


def _without_line(data: bytes, file: IO[bytes]) -> Generator[tuple[bytes, Rows], None, bytes]:
    """Yield the first line of a row that is too long as unread, and return what follows it."""
    end = data.find(b"\n") + 1 or len(data)
    place = np.array([0, end], np.int64)
    yield data[:end], Rows(place[:1], place[1:], end, {0: TOO_LONG})
    if data[end - 1 : end] == b"\n":
        return data[end:]
    while more := file.read(BLOCK):
        if b"\n" in more:
            return more[more.index(b"\n") + 1 :]
    return b""


def _is_binary(head: bytes) -> bool:
    """Return whether the first bytes are no text in UTF-8: of a single NUL a row is to blame."""
    line = head.lstrip().partition(b"\n")[0]
    return head.startswith(_UTF_16) or b"\0" in line or head.count(0) * _TEXT_A_NUL > len(head)


def _content(path: Path) -> bool:
    """Return whether a file begins with rows of values."""
    source = Source(path)
    try:
        head = source.head(_HEAD).removeprefix(_BOM)
    except UnreadableDataset:
        return False
    if not head.strip() or _is_binary(head) or head.lstrip()[:1] in (b"{", b"["):
        return False
    if suffix_of(path) in SUFFIXES:
        return True
    # The last line may be cut off.
    whole = head if len(head) < _HEAD else head[: head.rfind(b"\n") + 1]
    form = form_of(whole, prefers_tabs=False)
    return form is not None and (source.is_stdin or _holds_keys(whole, form))


def _holds_keys(head: bytes, form: Form) -> bool:
    """Return whether most rows of a text hold a value that is entirely a URL or a hash."""
    rows = list(form.rows(head))
    cells = [[cell.strip() for cell in form.cells(row)] for row in rows]
    held = [row for row in cells if any(map(_KEY.fullmatch, row))]
    return 2 * len(held) > len(rows)

"""JSON lines: an object in each line is a row; also compressed, and from standard input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from registry.datasets.hidden import RAW, own_columns
from registry.datasets.json.rows import in_columns, inferred, one_by_one, parsed
from registry.datasets.streams import Source, suffix_of
from registry.datasets.tables import (
    StreamedTable,
    files_of_tables,
    opened_tables,
    sureness_of_tables,
)
from registry.datasets.text.files import TextFiles
from registry.datasets.text.line_blocks import TOO_LONG, Lines, line_blocks, line_ends, pieces
from registry.errors import UnreadableDataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUFFIXES = (".jsonl", ".ndjson", ".jsonlines")
READS_STREAMS = True
# Bytes of a file that show its format, and those that show its columns.
_HEAD, _SAMPLE = 4096, 1 << 20
# A shorter line may be blank; the shortest object with a key is longer.
SHORTEST = 8


def sureness(path: Path) -> float:
    """Return the sureness, from 0 to 1, that a path is a file of JSON lines or a folder of them."""
    return sureness_of_tables(path, SUFFIXES, _content)


def open_files(paths: Sequence[Path], name: str) -> TextFiles:
    """Open files of JSON lines and folders of them as one dataset."""
    files, others = files_of_tables(paths, SUFFIXES)
    return TextFiles("jsonl", name, opened_tables(files, JsonLines), others, SUFFIXES)


class JsonLines(StreamedTable):
    """The rows of one file."""

    # Bytes before the rows of a file that are no rows.
    head = b""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = Source(path)
        with self.source.opened() as file:
            first = next(line_blocks(file, _SAMPLE), Lines(b""))
        rows = [] if first.too_long else parsed(_Rows(first).texts())
        if not any(isinstance(row, dict) for row in rows):
            raise UnreadableDataset(
                f"{self.source.name}: none of its first lines is a JSON object",
                "each line is an object with the URL or hash of a picture",
            )
        self.schema = inferred(first.data, rows)

    def read(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield all rows, with the columns `names` and hidden ones."""
        with self.source.opened() as file:
            for block in line_blocks(file):
                lines = _Rows(block)
                batch = self._parsed(lines)
                own = own_columns(batch, names)
                yield own.append_column(RAW, lines.raw()) if RAW in names else own

    def _parsed(self, lines: _Rows) -> pa.RecordBatch:
        if lines.block.too_long:
            return one_by_one([TOO_LONG], self.schema)
        batch = in_columns(lines.block.data, self.schema, len(lines.ends))
        return batch or one_by_one(parsed(lines.texts()), self.schema)


class _Rows:
    """The lines of a block that are rows: all that are not blank."""

    def __init__(self, block: Lines) -> None:
        self.block = block
        ends = line_ends(block.data)
        starts = np.concatenate([np.zeros(1, np.int64), ends])[: len(ends)]
        if (ends - starts).min(initial=SHORTEST) < SHORTEST:
            given = np.array([bool(text.strip()) for text in _texts(block.data, starts, ends)])
            starts, ends = starts[given], ends[given]
        self.starts, self.ends = starts, ends

    def texts(self) -> list[bytes]:
        """Return the lines."""
        return _texts(self.block.data, self.starts, self.ends)

    def raw(self) -> pa.Array:
        """Return the lines with their line ends; of a row that is too long, nothing."""
        if self.block.too_long:
            return pa.array([b""], pa.large_binary())
        return pieces(self.block.data, self.starts, self.ends)


def _texts(data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> list[bytes]:
    return [data[s:e] for s, e in zip(starts.tolist(), ends.tolist(), strict=True)]


def _content(path: Path) -> bool:
    """Return whether a file begins with objects, one in each line."""
    source = Source(path)
    try:
        lines = [line for line in source.head(_HEAD).split(b"\n") if line.strip()]
    except UnreadableDataset:
        return False
    if not lines or not lines[0].lstrip(b"\xef\xbb\xbf \t\r").startswith(b"{"):
        return False
    if suffix_of(path) in SUFFIXES or source.is_stdin:
        return True
    # The last line may be cut off.
    whole = parsed(lines[:-1])
    return bool(whole) and all(isinstance(row, dict) for row in whole)

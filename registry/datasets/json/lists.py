"""Tables of JSON files that hold a list for each column: these files are read whole."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from registry.datasets.hidden import own_columns
from registry.datasets.json.rows import in_columns, inferred, one_by_one, parsed
from registry.datasets.json.scan import SPACE
from registry.datasets.json.stream import Cursor
from registry.datasets.json.tables import with_places
from registry.datasets.streams import Source
from registry.datasets.text.line_blocks import BLOCK
from registry.errors import UnreadableDataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Most bytes of a file that is read whole.
WHOLE = 1 << 30
_SAMPLE_ROWS = 1000
_WITHOUT_LINES = bytes.maketrans(b"\n\r", b"  ")


@dataclass(frozen=True, slots=True)
class Column:
    """A list in a text: where each element starts and ends, with the space around it.

    `broken`: a line ends within a text.
    """

    name: str
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    broken: bool

    def __len__(self) -> int:
        """Return the number of elements."""
        return len(self.starts)


class JsonLists:
    """The rows of one file: element N of each list is in row N."""

    shape = "lists"

    def __init__(self, path: Path) -> None:
        self.path = path
        text, columns = self.load()
        self.rows: int | None = len(columns[0])
        lines = _lines(text, columns, 0, min(self.rows, _SAMPLE_ROWS))
        self.schema: pa.Schema = inferred(b"\n".join(lines), parsed(lines))

    def load(self) -> tuple[bytes, list[Column]]:
        """Return the text, and the lists in it that are columns. Raises UnreadableDataset."""
        text = self._text()
        try:
            return text, _alike(list(_columns(text)))
        except ValueError as error:
            raise UnreadableDataset(
                f"{self.path} cannot be read: {error}",
                "the file may be incomplete: get it again",
            ) from error

    def batches(
        self, columns: Sequence[str] | None = None, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows from `first` on; only `columns` where given, and hidden ones."""
        names = self.schema.names if columns is None else list(columns)
        text, lists = self.load()
        rows = len(lists[0])
        size = max(1, BLOCK * rows // len(text))
        broken = any(one.broken for one in lists)
        for start in range(first, rows, size):
            lines = _lines(text, lists, start, min(start + size, rows))
            batch = None if broken else in_columns(b"\n".join(lines), self.schema, len(lines))
            if batch is None:
                batch = one_by_one(parsed(lines), self.schema)
            yield with_places(own_columns(batch, names), names, lines, start)

    def _text(self) -> bytes:
        parts, size = [], 0
        with Source(self.path).opened() as file:
            while data := file.read(BLOCK):
                parts.append(data)
                size += len(data)
                if size > WHOLE:
                    raise UnreadableDataset(
                        f"{self.path}: lists of more than {WHOLE >> 20} MiB are not read",
                        "write them as JSON lines, an object for each row",
                    )
        return b"".join(parts)


def _columns(text: bytes) -> Iterator[Column]:
    """Yield the lists in a text. Raises ValueError."""
    cursor = Cursor(io.BytesIO(text), BLOCK)
    cursor.start()
    for name in cursor.members():
        if not cursor.opens(b"["):
            cursor.value()
            continue
        nothing = np.zeros(0, np.int64)
        starts, ends, broken = [nothing], [nothing], False
        # While a block is in hand the cursor is at its start.
        for block in cursor.elements():
            if block.unread:
                raise ValueError(block.unread)
            starts.append(block.starts + cursor.place)
            ends.append(block.ends + cursor.place)
            broken = broken or block.found.broken
        yield Column(name, np.concatenate(starts), np.concatenate(ends), broken)
    if cursor.peek():
        raise ValueError("something follows the lists")


def _alike(columns: Sequence[Column]) -> list[Column]:
    """Return the columns of the most common length. Raises ValueError."""
    lengths = Counter(len(column) for column in columns if len(column))
    most = max(lengths, key=lambda length: (lengths[length], length), default=0)
    alike = [column for column in columns if len(column) == most]
    if not most or len({column.name for column in alike}) < len(alike):
        raise ValueError("it has no lists of one length, or two of one name")
    return alike


def _lines(text: bytes, columns: Sequence[Column], first: int, end: int) -> list[bytes]:
    """Return rows as objects, one in each line."""
    values = []
    for column in columns:
        pairs = zip(column.starts[first:end].tolist(), column.ends[first:end].tolist(), strict=True)
        start = json.dumps(column.name).encode() + b":"
        values.append([start + text[s:e].strip(SPACE) for s, e in pairs])
    rows = [b"{%b}" % b",".join(row) for row in zip(*values, strict=True)]
    if any(b"\n" in row or b"\r" in row for row in rows):
        return [row.translate(_WITHOUT_LINES) for row in rows]
    return rows

"""Writes some rows of JSON files in the shape of the file that they are from."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from registry import durable
from registry.datasets.hidden import RAW, ROW
from registry.datasets.json.lists import JsonLists
from registry.datasets.json.scan import SPACE
from registry.datasets.json.shapes import IMAGES
from registry.datasets.json.stream import Cursor
from registry.datasets.json.tables import JsonElements, Spaces
from registry.datasets.text.files import TextWriter
from registry.datasets.text.line_blocks import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ANNOTATIONS, _ID, _IMAGE_ID = "annotations", "id", "image_id"
# Elements that are written together.
_TOGETHER = 1 << 16


class ElementsWriter(TextWriter):
    """Writes the elements of an array, or the members of an object, as they are."""

    def __init__(self, path: Path, spaces: Spaces, brackets: bytes = b"[]") -> None:
        super().__init__(path, brackets[:1])
        self._joined = _Joined(self._file.write, spaces)
        self._end = brackets[1:]

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Append the rows of a batch, which has the column RAW."""
        # Rows of a file that cannot be read have no bytes.
        texts = batch.column(RAW).to_pylist() if len(batch) else []
        with durable.reported(self.path):
            self._joined.write(filter(None, texts))

    def close(self) -> None:
        """Finish the file, and give it its name."""
        with durable.reported(self.path):
            self._joined.end()
            self._file.write(self._end)
        super().close()


class CopyWriter(TextWriter, ABC):
    """Copies a file without the rows that are not kept, when all rows are known.

    Rows have the columns RAW and ROW.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, b"")
        self._rows = [np.zeros(0, np.int64)]

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Keep the rows of a batch."""
        self._rows.append(batch.column(ROW).to_numpy())

    def close(self) -> None:
        """Write the file, and give it its name."""
        with durable.reported(self.path):
            self._copy(np.concatenate(self._rows))
        super().close()

    @abstractmethod
    def _copy(self, rows: NDArray[np.int64]) -> None:
        """Write the file with the rows of these numbers."""


class ListsWriter(CopyWriter):
    """Copies lists of one length, with those elements in each that belong to rows."""

    def __init__(self, path: Path, table: JsonLists) -> None:
        super().__init__(path)
        self._table = table

    def _copy(self, rows: NDArray[np.int64]) -> None:
        text, columns = self._table.load()
        done = 0
        for column in columns:
            pairs = zip(column.starts[:2].tolist(), column.ends[:2].tolist(), strict=True)
            spaces = Spaces.of([text[start:end] for start, end in pairs])
            last = text[int(column.starts[-1]) : int(column.ends[-1])]
            behind = last[len(last.rstrip(SPACE)) :]
            self._file.write(text[done : int(column.starts[0])])
            joined = _Joined(self._file.write, Spaces(spaces.first, spaces.between, behind))
            for place in range(0, len(rows), _TOGETHER):
                some = rows[place : place + _TOGETHER]
                pairs = zip(column.starts[some].tolist(), column.ends[some].tolist(), strict=True)
                joined.write(text[start:end].strip(SPACE) for start, end in pairs)
            joined.end()
            done = int(column.ends[-1])
        self._file.write(text[done:])


class ImagesWriter(CopyWriter):
    """Copies an object with a list `images`, and of its `annotations` those of kept images.

    The identifiers of the kept images are held in memory.
    """

    def __init__(self, path: Path, table: JsonElements) -> None:
        super().__init__(path)
        self._table = table
        self._ids = set[int | str]()

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Keep the rows of a batch."""
        super().write(batch, table)
        values = (_field(text, _ID) for text in batch.column(RAW).to_pylist())
        self._ids.update(value for value in values if value is not None)

    def _copy(self, rows: NDArray[np.int64]) -> None:
        kept, row = {*rows.tolist()}, 0
        are_named = bool(self._ids) or not kept

        def is_kept(text: bytes) -> bool:
            nonlocal row
            row += 1
            return row - 1 in kept

        def is_of_kept(text: bytes) -> bool:
            image = _field(text, _IMAGE_ID)
            return image is None or image in self._ids or not are_named

        with self._table.source.opened() as file:
            cursor = Cursor(file, BLOCK)
            cursor.copy = self._file.write
            cursor.start()
            try:
                for name in cursor.members():
                    if name == IMAGES and cursor.opens(b"["):
                        self._filter(cursor, is_kept)
                    elif name == _ANNOTATIONS and cursor.opens(b"["):
                        self._filter(cursor, is_of_kept)
                    else:
                        cursor.value()
                cursor.peek()
            except ValueError:
                # The file is cut off, and so ends what is copied.
                self._file.write(b"}")

    def _filter(self, cursor: Cursor, is_kept: Callable[[bytes], bool]) -> None:
        """Copy some elements of a list, which is open, and its end."""
        cursor.copy = None
        joined: _Joined | None = None
        behind: bytes | None = None
        for block in cursor.elements():
            joined = joined or _Joined(self._file.write, Spaces.of(block.first_two()))
            if not block.unread:
                joined.write(filter(is_kept, block.texts()))
                behind = block.behind_last()
        if joined is not None:
            joined.end(behind)
        self._file.write(b"]")
        cursor.copy = self._file.write


class _Joined:
    """Writes elements with space and commas between them."""

    def __init__(self, write: Callable[[bytes], object], spaces: Spaces) -> None:
        self._write, self._spaces = write, spaces
        self._before = spaces.first

    def write(self, texts: Iterable[bytes]) -> None:
        """Write some elements."""
        some = list(texts)
        if some:
            self._write(self._before + self._spaces.between.join(some))
            self._before = self._spaces.between

    def end(self, behind: bytes | None = None) -> None:
        """Write what is behind the last element; what is guessed, if it is not given."""
        self._write(self._spaces.last if behind is None else behind)


def _field(text: bytes, name: str) -> int | str | None:
    """Return an identifier in an object; None if there is none."""
    try:
        row: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    value = row.get(name) if isinstance(row, dict) else None
    return value if isinstance(value, int | str) else None

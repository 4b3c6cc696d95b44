"""Tables of JSON files whose rows are elements: of an array, of an object, of a list `images`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from registry.datasets.hidden import RAW, ROW, UNREAD, own_columns
from registry.datasets.json.columns import columns_of
from registry.datasets.json.scan import SPACE
from registry.datasets.json.shapes import IMAGES, Shape
from registry.datasets.json.stream import CUT_OFF, GOES_ON, Cursor
from registry.datasets.streams import Source
from registry.datasets.tables import StreamedTable
from registry.datasets.text.line_blocks import BLOCK
from registry.errors import UnreadableDataset

# Bytes of the elements that show the columns.
_SAMPLE = 1 << 20


@dataclass(frozen=True, slots=True)
class Spaces:
    """What is written around elements: before the first, between two, behind the last."""

    first: bytes
    between: bytes
    last: bytes

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> Spaces:
        """Return what is around the first two elements, given with the space around them."""
        before = [text[: len(text) - len(text.lstrip(SPACE))] for text in texts] or [b""]
        behind = texts[0][len(texts[0].rstrip(SPACE)) :] if len(texts) > 1 else b""
        # The bracket at the end is on a line of its own if the elements are.
        return cls(before[0], behind + b"," + before[-1], b"\n" if b"\n" in before[0] else b"")


class JsonElements(StreamedTable):
    """The rows of one file. With the shape `objects`, the key of each is a column."""

    def __init__(self, path: Path, shape: Shape) -> None:
        self.path, self.shape = path, shape
        self.source = Source(path)
        with self.source.opened() as file:
            block = next(self.at_rows(file, _SAMPLE).elements(), None)
        columns = block and columns_of(block, shape)
        if not block or not columns:
            raise UnreadableDataset(
                f"{path}: none of its first elements is a JSON object",
                "each element is an object with the URL or hash of a picture",
            )
        self.spaces = Spaces.of(block.first_two())
        self._columns = columns
        self.schema: pa.Schema = columns.schema

    def at_rows(self, file: IO[bytes], size: int | None = None) -> Cursor:
        """Return a cursor before the first element. Raises UnreadableDataset."""
        cursor = Cursor(file, size or BLOCK)
        cursor.start()
        if self.shape != "images":
            return cursor
        try:
            for name in cursor.members():
                if name == IMAGES and cursor.opens(b"["):
                    return cursor
                cursor.value()
            why = f"it has no list {IMAGES}"
        except ValueError as error:
            why = str(error)
        raise UnreadableDataset(f"{self.path} cannot be read: {why}", "name another file")

    def read(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield all rows, with the columns `names` and hidden ones."""
        row, why = 0, ""
        with self.source.opened() as file:
            cursor = self.at_rows(file)
            for block in cursor.elements():
                batch, why = self._columns.batch(block), block.unread
                texts = block.texts() if RAW in names else []
                yield with_places(own_columns(batch, names), names, texts, row)
                row += len(batch)
            why = "" if why == CUT_OFF else self._behind(cursor)
        if why:
            yield with_places(pa.record_batch([pa.array([why])], [UNREAD]), names, [b""], row)

    def _behind(self, cursor: Cursor) -> str:
        """Return why what follows the elements cannot be read, or nothing."""
        try:
            if self.shape == "images":
                cursor.opens(b",")
                for name in cursor.members():
                    if name == IMAGES:
                        return f"a second list {IMAGES}"
                    cursor.value()
        except ValueError as error:
            return str(error)
        return GOES_ON if cursor.peek() else ""


def with_places(
    batch: pa.RecordBatch, names: Sequence[str], texts: Sequence[bytes], first: int
) -> pa.RecordBatch:
    """Add the texts of the rows and their numbers, if they are asked for."""
    if RAW in names:
        batch = batch.append_column(RAW, pa.array(texts, pa.large_binary()))
    if ROW in names:
        batch = batch.append_column(ROW, pa.array(np.arange(first, first + len(batch))))
    return batch

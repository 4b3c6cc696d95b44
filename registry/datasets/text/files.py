"""Datasets of text files, whose rows are kept as they are written in the files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from registry import durable
from registry.datasets import RowWriter
from registry.datasets._left_out import SkippedFiles
from registry.datasets.hidden import RAW
from registry.datasets.npy.uids import UID
from registry.datasets.streams import COMPRESSIONS, suffix_of
from registry.datasets.tables import Table, Tables
from registry.errors import UsageError

_LINE_END = ord("\n")


class TextFiles(Tables):
    """Rows of one or more text files; those that are kept are written as they are."""

    def __init__(
        self,
        format_: str,
        name: str,
        tables: Sequence[Table],
        left_out: Sequence[SkippedFiles],
        suffixes: Sequence[str],
    ) -> None:
        super().__init__(format_, name, tables, left_out)
        # Bytes before the rows of a file, such as the line with the column names.
        self._heads: list[bytes] = [getattr(table, "head", b"") for table in tables]
        self._suffixes = list(dict.fromkeys([*suffixes, *map(suffix_of, self.files)]))

    @property
    def needed(self) -> Sequence[str]:
        """The columns that the writer of kept rows needs."""
        return (RAW, *(name for name in self.schema.names if name == UID))

    def _kept_table(self, number: int, path: Path) -> RowWriter:
        self._refuse_suffix(path)
        return TextWriter(path, self._heads[number])

    def _refuse_suffix(self, path: Path) -> None:
        """Raise UsageError for the name of a file of another format."""
        if suffix_of(path) not in self._suffixes:
            raise UsageError(
                f"{path}: the rows that are kept are written as in the dataset",
                f"name a file that ends in {' or '.join(filter(None, self._suffixes))}",
            )

    def _kept_in_one(self, path: Path) -> RowWriter:
        if len({head.strip() for head in self._heads}) > 1:
            raise UsageError(
                "the files of the dataset have different columns",
                "name a folder for the rows that are kept",
            )
        return self._kept_table(0, path)


class RawWriter:
    """Writes rows as bytes to a file, compressed if `compression` is given.

    The file has its name only when it is complete. All methods except `abandon` may raise
    UnwritableOutput.
    """

    def __init__(self, path: Path, head: bytes, compression: str | None) -> None:
        self.path = path
        with durable.reported(path):
            self._made = durable.Unfinished(path)
            try:
                self._file = _opened(self._made.path, compression)
                self._file.write(head)
            except BaseException:
                self._made.discard()
                raise

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Append the rows of a batch, which has the column RAW."""
        self.append(_joined(batch.column(RAW)))

    def append(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        with durable.reported(self.path):
            self._file.write(data)

    def close(self) -> None:
        """Finish the file, and give it its name."""
        with durable.reported(self.path):
            self._file.close()
            self._made.finish()

    def abandon(self) -> None:
        """Remove the part that was written."""
        with suppress(OSError, pa.ArrowException):
            self._file.close()
        self._made.discard()


class TextWriter(RawWriter):
    """Writes lines to a file, compressed if it is named so."""

    def __init__(self, path: Path, head: bytes) -> None:
        super().__init__(path, head, COMPRESSIONS.get(path.suffix.lower()))
        self._is_open = False

    def append(self, data: bytes | memoryview) -> None:
        """Append whole lines, of which the last one may have no end."""
        if not len(data):
            return
        if self._is_open:
            super().append(b"\n")
        super().append(data)
        self._is_open = data[-1] != _LINE_END


def _opened(path: Path, compression: str | None) -> Any:
    """Open a file for writing."""
    return pa.CompressedOutputStream(str(path), compression) if compression else path.open("wb")


def _joined(rows: pa.Array) -> memoryview:
    """Return the bytes of all values together."""
    _, offsets, data = rows.buffers()
    first, last = np.frombuffer(offsets, np.int64)[[rows.offset, rows.offset + len(rows)]]
    return memoryview(data if data is not None else b"")[first:last]

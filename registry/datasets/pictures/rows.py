"""Rows of picture files: the path, the bytes, and what the files beside the picture hold.

The bytes are read batch by batch. A file that cannot be read is a row without bytes, with the
reason, so that the check counts it and continues.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from registry.datasets import RowWriter
from registry.datasets.hidden import MORE, RAW, UNREAD
from registry.datasets.json.rows import one_by_one
from registry.datasets.listing import Listing
from registry.datasets.pictures.side_files import FILE, IMAGE, Row, SideFiles, Sides, shown
from registry.datasets.remote.ahead import ahead
from registry.datasets.remote.paths import is_remote, path_of
from registry.errors import RefusedFile
from registry.files import read_whole
from registry.text import visible

BATCH_BYTES = 32 << 20
BATCH_ROWS = 256
# Files after which reading can start, and the bytes of an ordinary one.
PART_FILES, USUAL_BYTES = 4096, 1 << 16


class Pictures:
    """A row for each file."""

    def __init__(
        self,
        path: Path,
        files: Listing,
        sides: SideFiles,
        file: str = FILE,
        image: str = IMAGE,
    ) -> None:
        """`path` is that of all; `file` and `image` are the columns for path and bytes of each."""
        self.path, self._files, self._sides = path, files, sides
        self._file, self._image = file, image
        self._texts = pa.schema([(file, pa.string()), *sides.columns])
        self.schema = pa.schema([(file, pa.string()), (image, pa.binary()), *sides.columns])
        self.rows: int | None = len(files)
        self.size = len(files) * USUAL_BYTES

    def starts(self) -> Sequence[int]:
        """Return the first rows of all parts but the first one; batches begin there."""
        return range(PART_FILES, len(self._files), PART_FILES)

    def batches(
        self, columns: Sequence[str] | None = None, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """Yield the files in order, with their bytes where `columns` has them."""
        wanted = list(self.schema.names if columns is None else columns)
        batch = _Batch()
        read = self._read(first, with_bytes=self._image in wanted)
        for number, (path, content, sides) in enumerate(read, first + 1):
            batch.add(path, content, sides)
            is_full = batch.size >= BATCH_BYTES or len(batch.paths) >= BATCH_ROWS
            if is_full or not number % PART_FILES:
                yield self._made(batch, wanted)
                batch = _Batch()
        if batch.paths:
            yield self._made(batch, wanted)

    def _read(self, first: int, *, with_bytes: bool) -> Iterator[tuple[str, bytes | str, Sides]]:
        """Yield the files in order with what they and those beside them hold."""

        def read(path: str) -> tuple[str, bytes | str, Sides]:
            return path, content_of(path) if with_bytes else b"", self._sides.read(path)

        paths = (os.path.join(*file) for file in self._files.files(first))
        return ahead(read, paths) if is_remote(self.path) else map(read, paths)

    def _made(self, batch: _Batch, wanted: Sequence[str]) -> pa.RecordBatch:
        names = [os.fsencode(path).decode("utf-8", "backslashreplace") for path in batch.paths]
        rows = [{**sides, self._file: name} for sides, name in zip(batch.sides, names, strict=True)]
        made = one_by_one(rows, self._texts)
        made = made.append_column(self._image, pa.array(batch.contents, pa.binary()))
        if any(batch.unread):
            made = made.append_column(UNREAD, pa.array(batch.unread, pa.string()))
        if RAW in wanted:
            paths = [os.fsencode(path) for path in batch.paths]
            made = made.append_column(RAW, pa.array(paths, pa.large_binary()))
        hidden = [name for name in (MORE, UNREAD) if name in made.schema.names]
        return made.select([*(name for name in wanted if name in made.schema.names), *hidden])

    def pictures_of(self, rows: pa.RecordBatch) -> list[list[str]]:
        """Return the paths of the pictures of each row."""
        return [[os.fsdecode(path)] for path in rows.column(RAW).to_pylist()]

    def kept(self, path: Path) -> RowWriter | None:
        """Return a writer of rows of a table: here there is none."""
        return None


class _Batch:
    """Rows that are being collected."""

    def __init__(self) -> None:
        self.sides: list[Row] = []
        self.contents: list[bytes | None] = []
        self.unread: list[str | None] = []
        self.paths: list[str] = []
        self.size = 0

    def add(self, path: str, content: bytes | str, sides: Sides) -> None:
        self.sides.append(sides.values)
        self.contents.append(content if isinstance(content, bytes) else None)
        self.unread.append(sides.unread if isinstance(content, bytes) else content)
        self.paths.append(path)
        self.size += len(content) + sides.size


def content_of(path: str) -> bytes | str:
    """Return the bytes of a picture, or why it cannot be read."""
    try:
        return read_whole(path_of(path))
    except RefusedFile as error:
        return visible(error.message)
    except FileNotFoundError:
        return f"{shown(path)} does not exist"
    except OSError as error:
        return f"{shown(path)} cannot be read: {error.strerror}"

"""Folders of pictures as a dataset: one row per file, `file` and `image`.

The bytes are read batch by batch. A file that cannot be read is a row without bytes, so
that the check counts it and continues.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from registry.datasets import FOLDER, NAME, RowWriter, files_in
from registry.datasets._left_out import SkippedFiles, is_picture, left_out
from registry.datasets.tables import Tables
from registry.errors import RefusedFile
from registry.files import read_whole

BATCH_BYTES = 32 << 20
BATCH_ROWS = 256


def sureness(path: Path) -> float:
    """Return the sureness, from 0 to 1, that a path is a picture or a folder of pictures."""
    if path.is_dir():
        return FOLDER[NAME] if any(_is_picture(child) for child in files_in(path)) else 0
    return NAME if _is_picture(path) else 0


def open_files(paths: Sequence[Path], name: str) -> PictureFolder:
    """Open picture files and folders of them as one dataset."""
    files: list[Path] = []
    others: list[Path] = []
    for path in paths:
        for file in files_in(path) if path.is_dir() else [path]:
            (files if file == path or _is_picture(file) else others).append(file)
    return PictureFolder(name, paths[0], files, left_out(others, pictures=files))


class PictureFolder(Tables):
    """A dataset of picture files, sorted by path."""

    def __init__(
        self, name: str, path: Path, files: Sequence[Path], left_out: Sequence[SkippedFiles]
    ) -> None:
        super().__init__("pictures", name, [Pictures(path, files)], left_out, label="file")
        self.files = tuple(files)

    @property
    def needed(self) -> Sequence[str]:
        """The columns that the writer of kept rows needs."""
        return ("file",)

    def writer(self, path: Path, schema: pa.Schema) -> RowWriter:
        """Return a writer of the list of files; the bytes of pictures are not written."""
        without_bytes = [field for field in schema if field.name != "image"]
        return super().writer(path, pa.schema(without_bytes, schema.metadata))

    def _kept_table(self, number: int, path: Path) -> RowWriter:
        return self.writer(path, self.schema)


class Pictures:
    """A row for each file."""

    schema = pa.schema([("file", pa.string()), ("image", pa.binary())])

    def __init__(self, path: Path, files: Sequence[Path]) -> None:
        self.path, self._files = path, files
        self.rows: int | None = len(files)

    def batches(
        self, columns: Sequence[str] | None = None, first: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """Yield the files in order, with their bytes where `columns` has `image`."""
        wanted = list(self.schema.names if columns is None else columns)
        names: list[str] = []
        contents: list[bytes | None] = []
        size = 0
        for path in self._files[first:]:
            content = _read(path) if "image" in wanted else b""
            names.append(os.fsencode(path).decode("utf-8", "backslashreplace"))
            contents.append(content)
            size += len(content or b"")
            if size >= BATCH_BYTES or len(names) >= BATCH_ROWS:
                yield self._batch(names, contents, wanted)
                names, contents, size = [], [], 0
        if names:
            yield self._batch(names, contents, wanted)

    def _batch(
        self, names: list[str], contents: list[bytes | None], wanted: Sequence[str]
    ) -> pa.RecordBatch:
        batch = pa.record_batch([pa.array(names), pa.array(contents, pa.binary())], self.schema)
        return batch.select(list(wanted))


def _is_picture(path: Path) -> bool:
    # A broken link counts as a picture that cannot be read.
    return not path.is_dir() and is_picture(path)


def _read(path: Path) -> bytes | None:
    try:
        return read_whole(path)
    except (RefusedFile, OSError):
        return None

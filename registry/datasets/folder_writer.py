"""Writes rows of several tables into the files of one folder, which appears when it is complete."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa

from registry import durable
from registry.datasets import RowWriter
from registry.errors import UnwritableOutput, UsageError

MakesWriter = Callable[[int, Path], RowWriter | None]


class FolderWriter:
    """One file for each table, under the name that it has in the dataset.

    All methods except `abandon` may raise UnwritableOutput; UsageError if the folder exists.
    """

    def __init__(
        self,
        path: Path,
        names: Sequence[str],
        make: MakesWriter,
        finish: Callable[[Path], None] = lambda folder: None,
    ) -> None:
        """Write the table number N with the writer `make(N, FOLDER/names[N])`; None: not at all.

        `finish` may write other files into the folder before it has its name.
        """
        if path.exists():
            raise UsageError(f"{path} already exists", "name a new folder")
        self.path, self._names, self._make, self._finish = path, names, make, finish
        self._number = -1
        self._writer: RowWriter | None = None
        with durable.reported(path):
            self._made = durable.Unfinished(path)
            self._folder = self._made.make_folder()

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Append rows of a table; tables come in their order."""
        with self._shown():
            self._open(table)
            if self._writer is not None:
                self._writer.write(batch, table)

    def close(self) -> None:
        """Finish the files, and give the folder its name."""
        with self._shown():
            self._open(len(self._names))
            self._finish(self._folder)
        with durable.reported(self.path):
            self._folder.rename(self.path)
            durable.flush_folder(self.path.parent)
            self._made.discard()

    def abandon(self) -> None:
        """Remove the part that was written."""
        if self._writer is not None:
            self._writer.abandon()
        with suppress(OSError):
            self._made.discard()

    @contextmanager
    def _shown(self) -> Iterator[None]:
        """Name files in errors as they would have been named, not in the temporary folder."""
        try:
            yield
        except UnwritableOutput as error:
            error.message = error.message.replace(str(self._folder), str(self.path))
            raise

    def _open(self, table: int) -> None:
        """Finish the files of earlier tables, also of those without rows, and open one."""
        while self._number < table:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._number += 1
            if self._number < len(self._names):
                path = self._folder / self._names[self._number]
                with durable.reported(self.path):
                    path.parent.mkdir(parents=True, exist_ok=True)
                self._writer = self._make(self._number, path)


def names_in_folder(paths: Sequence[Path]) -> list[str]:
    """Return the names of files relative to the folder that holds them all."""
    # Without `..` in them, which would lead out of the new folder.
    files = [os.path.abspath(path) for path in paths]
    folder = os.path.commonpath([os.path.dirname(file) for file in files])
    return [os.path.relpath(file, folder) for file in files]

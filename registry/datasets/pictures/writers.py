"""Writes pictures of rows: the list of their files, or the files into another folder.

In the folder a picture is a hard link, so that no bytes are copied: whoever writes into one of both
files changes the other. Captions and tables, which people edit, are copies, and so are pictures
where the file system has no links (another disk, the file of another user).
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from registry import durable
from registry.datasets import RowWriter
from registry.datasets.hidden import RAW
from registry.datasets.remote.paths import is_url, path_of
from registry.datasets.text.files import TextWriter
from registry.errors import RefusedFile, UsageError
from registry.files import opened

PicturesOf = Callable[[pa.RecordBatch, int], Sequence[Sequence[str]]]


class PictureList:
    """Writes the paths of the pictures of rows, one in each line."""

    def __init__(self, path: Path, pictures_of: PicturesOf) -> None:
        self._pictures_of = pictures_of
        self._text = TextWriter(path, b"")

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Append the pictures of rows."""
        paths = [path for row in self._pictures_of(batch, table) for path in row]
        if any("\n" in path for path in paths):
            raise UsageError("the name of a picture has a line end", "name a .parquet file")
        lines = pa.array([os.fsencode(path) + b"\n" for path in paths], pa.large_binary())
        self._text.write(pa.record_batch([lines], [RAW]))

    def close(self) -> None:
        """Finish the file."""
        self._text.close()

    def abandon(self) -> None:
        """Remove the part that was written."""
        self._text.abandon()


class Placing:
    """Puts pictures and their side files into a folder, each once."""

    def __init__(
        self,
        folder: Path,
        name_of: Callable[[str], str],
        sides_of: Callable[[str], Sequence[str]],
    ) -> None:
        """`name_of` returns the name of a file in the folder, `sides_of` files beside a picture."""
        self._folder, self._name_of, self._sides_of = folder, name_of, sides_of
        self._folders: set[Path] = set()

    def put(self, picture: str) -> None:
        """Add a picture, if its file exists. Raises OSError."""
        self._put(picture, is_picture=True)
        for side in self._sides_of(picture):
            self._put(side, is_picture=False)

    def _put(self, path: str, *, is_picture: bool) -> None:
        target = self._folder / self._name_of(path)
        if os.path.lexists(target) or not _is_regular(path):
            return
        if target.parent not in self._folders:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(target.parent)
        if is_picture and not is_url(path):
            # A link to a symbolic link would lead elsewhere from the new folder.
            with suppress(OSError):
                os.link(os.path.realpath(path), target)
                return
        _copy(path, target)

    def finish(self) -> None:
        """Force the names to the disk."""
        inner = {one for folder in self._folders for one in (folder, *folder.parents)}
        for folder in inner.difference(self._folder.parents):
            durable.flush_folder(folder)


class PlacedPictures:
    """Writes rows of one table, and puts their pictures into the folder of the table.

    All methods except `abandon` may raise UnwritableOutput.
    """

    def __init__(
        self, path: Path, rows: RowWriter | None, placing: Placing, pictures_of: PicturesOf
    ) -> None:
        """`path` is shown if it cannot be written; `rows` writes the table, if it has a file."""
        self.path, self._rows = path, rows
        self._placing, self._pictures_of = placing, pictures_of

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Append rows, and add their pictures."""
        if self._rows is not None:
            self._rows.write(batch, table)
        with durable.reported(self.path):
            for picture in (path for row in self._pictures_of(batch, table) for path in row):
                self._placing.put(picture)

    def close(self) -> None:
        """Finish the file of the table."""
        if self._rows is not None:
            self._rows.close()
        with durable.reported(self.path):
            self._placing.finish()

    def abandon(self) -> None:
        """Remove the part that was written."""
        if self._rows is not None:
            self._rows.abandon()


def _is_regular(path: str) -> bool:
    """Return whether there is a file; a picture that cannot be read has no file to put."""
    try:
        return stat.S_ISREG(path_of(path).stat().st_mode)
    except OSError:
        return False


def _copy(path: str, target: Path) -> None:
    try:
        source = opened(path_of(path))
    except (OSError, RefusedFile):
        return
    with source, target.open("xb") as file:
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())

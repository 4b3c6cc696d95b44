"""Datasets of picture files: what is in their folders, and how rows of them are written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import pyarrow as pa

from registry.datasets import RowWriter, refuse_inside, refuse_own_files
from registry.datasets._left_out import SkippedFiles
from registry.datasets.folder_writer import FolderWriter
from registry.datasets.hidden import GROUP, RAW
from registry.datasets.listing import File, Listing, listing_of
from registry.datasets.npy.files import NPY
from registry.datasets.pictures.rows import Pictures
from registry.datasets.pictures.side_files import PICTURE, SIDE, SideFiles, kinds_of, with_sides
from registry.datasets.pictures.writers import PictureList, PlacedPictures, Placing
from registry.datasets.tables import Table, Tables
from registry.errors import UsageError


@runtime_checkable
class PictureTable(Table, Protocol):
    """A table whose rows have pictures in files."""

    def pictures_of(self, rows: pa.RecordBatch) -> list[list[str]]:
        """Return the paths of the pictures of each row."""

    def kept(self, path: Path) -> RowWriter | None:
        """Return a writer of rows of the table as they are in its file; None if it has none."""


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """Files and what is in folders: all files, the pictures, the names of side files, the rest.

    `roots` are the given paths.
    """

    roots: Sequence[Path]
    all: Listing
    pictures: Listing
    sides: set[tuple[bool, str]]
    others: Sequence[Path]


def picture_files(paths: Sequence[Path]) -> PictureFiles:
    """Find the pictures among files and in folders, and the files that belong to them."""
    files = _listed(paths)
    kinds, sides = kinds_of(files)
    pictures = files.where(kinds == PICTURE)
    others = files.where((kinds != PICTURE) & (kinds != SIDE))
    return PictureFiles(paths, files, pictures, sides, others)


def _listed(paths: Sequence[Path]) -> Listing:
    if len(paths) == 1 and paths[0].is_dir():
        return listing_of(paths[0])
    return Listing(_files(paths))


def _files(paths: Sequence[Path]) -> Iterator[File]:
    given: set[File] = set()
    for path in paths:
        if path.is_dir():
            yield from listing_of(path).files()
            continue
        for file in with_sides(str(path)):
            # Several pictures may have the same caption.
            if file not in given:
                given.add(file)
                yield file


class PictureTables(Tables):
    """A dataset of picture files. Of rows that are written the bytes of pictures are not."""

    def __init__(
        self,
        format_: str,
        name: str,
        tables: Sequence[Table],
        found: PictureFiles,
        left_out: Sequence[SkippedFiles],
        images: Sequence[str],
        label: str,
    ) -> None:
        """`images` are the columns of bytes, `label` is that of the path."""
        super().__init__(format_, name, tables, left_out, label)
        self.files = found.all
        # Rows of a table name files; else each file is a row.
        self.shares_files = any(not isinstance(table, Pictures) for table in tables)
        self._found, self._images = found, frozenset(images)

    @property
    def needed(self) -> Sequence[str]:
        """The columns that the writer of kept rows needs."""
        return (*(name for name in self.schema.names if name not in self._images), RAW, GROUP)

    def writer(self, path: Path, schema: pa.Schema) -> RowWriter:
        """Return a writer of the list of files; the bytes of pictures are not written."""
        without_bytes = [field for field in schema if field.name not in self._images]
        return super().writer(path, pa.schema(without_bytes, schema.metadata))

    def keeper(self, path: Path) -> RowWriter:
        """Return a writer of some rows: a list of files, a table, or a folder of the pictures."""
        refuse_own_files(path, self.files)
        suffix = path.suffix.lower()
        if suffix == ".txt":
            self._refuse_line_ends("name a .parquet file, or a folder")
            return PictureList(path, self._pictures_of)
        if suffix == ".parquet":
            return self.writer(path, self.schema)
        if suffix == NPY:
            return super().keeper(path)
        if suffix:
            raise UsageError(
                f"{path}: pictures that are kept are written as a list or into a folder",
                "name a .txt or .parquet file, or a folder without an ending",
            )
        return self._folder(path)

    @property
    def naming(self) -> Sequence[str]:
        """The columns that `lines_of` needs."""
        self._refuse_line_ends("rename the file, or write the kept rows to a .parquet file")
        return [name for name in self.needed if name != GROUP]

    def lines_of(
        self, rows: pa.RecordBatch, table: int, numbers: Sequence[int]
    ) -> list[list[bytes]]:
        """Return the paths of the pictures of each row: a list of them is one of files."""
        paths = self._pictures_of(rows, table) or [[]] * len(numbers)
        return [[os.fsencode(path) for path in row if "\n" not in path] for row in paths]

    def _refuse_line_ends(self, hint: str) -> None:
        if self._found.all.has_line_ends:
            raise UsageError(
                "the name of a file has a line end, so that a list of lines cannot hold it", hint
            )

    def _pictures_of(self, rows: pa.RecordBatch, number: int) -> list[list[str]]:
        table = self.tables[number]
        return table.pictures_of(rows) if isinstance(table, PictureTable) else []

    def _folder(self, path: Path) -> RowWriter:
        """Return a writer of a folder of the pictures and of their tables, as they lie now."""
        refuse_inside(path, self._found.roots)
        roots = [root if root.is_dir() else root.parent for root in self._found.roots]
        base = os.path.commonpath([os.path.abspath(root) for root in roots])
        files = [table.path if table.path.is_file() else None for table in self.tables]
        names = ["." if file is None else _relative(str(file), base) for file in files]
        sides = SideFiles(self._found.sides)

        def make(number: int, file: Path) -> RowWriter:
            top = file if names[number] == "." else file.parents[names[number].count("/")]
            placing = Placing(top, lambda picture: _relative(picture, base), sides.of)
            table = self.tables[number]
            rows = table.kept(file) if isinstance(table, PictureTable) else None
            return PlacedPictures(path, rows, placing, self._pictures_of)

        return FolderWriter(path, names, make)


def _relative(path: str, base: str) -> str:
    return os.path.relpath(os.path.abspath(path), base)

"""Folders of pictures with tables that name them: a row for each row of a table.

The tables are `metadata.csv`, `metadata.jsonl` and `metadata.parquet` of Hugging Face's
"imagefolder", and those that img2dataset writes beside its folders of files. Pictures that no row
names are rows, too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from registry.datasets import FOLDER_OF_NAMED_PICTURES
from registry.datasets._left_out import is_picture, left_out
from registry.datasets.listing import listing_of
from registry.datasets.pictures.named import NamingTable, UnnamedPictures
from registry.datasets.pictures.names import free
from registry.datasets.pictures.naming_tables import naming_tables
from registry.datasets.pictures.side_files import FILE, SideFiles
from registry.datasets.pictures.tables import PictureTables, picture_files
from registry.datasets.tables import Table


def sureness(path: Path) -> float:
    """Return the sureness, from 0 to 1, that a path is a folder with tables that name pictures."""
    if not path.is_dir():
        return 0
    files = listing_of(path)
    names_some = any(naming for _, naming in naming_tables(files))
    return FOLDER_OF_NAMED_PICTURES if names_some and any(map(is_picture, files)) else 0


def open_files(paths: Sequence[Path], name: str) -> PictureTables:
    """Open folders of pictures and of the tables that name them as one dataset."""
    found = picture_files(paths)
    opened = list(naming_tables(found.all))
    namings = [naming for _, naming in opened if naming]
    images = list(dict.fromkeys(image for naming in namings for image in naming.images))
    file = free(FILE, {*images, *(column for table, _ in opened for column in table.schema.names)})
    sides = SideFiles(found.sides, taken=(file, images[0]))
    tables: list[Table] = [
        NamingTable(table, os.path.dirname(table.path), naming, sides, file) if naming else table
        for table, naming in opened
    ]
    of_rows = [table for table in tables if isinstance(table, NamingTable)]
    unnamed = UnnamedPictures(of_rows, found.pictures, sides, file, images[0])
    read = {table.path for table in tables}
    others = [path for path in found.others if path not in read]
    return PictureTables(
        "imagefolder",
        name,
        [*tables, unnamed],
        found,
        left_out(others, pictures=found.pictures[:1]),
        images,
        label=file,
    )

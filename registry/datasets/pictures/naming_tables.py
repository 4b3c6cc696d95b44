"""Finds the tables in folders that name the pictures there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from registry.datasets.fitting import is_text
from registry.datasets.formats.csv import CsvFile
from registry.datasets.formats.jsonl import JsonLines
from registry.datasets.formats.parquet import ParquetTable
from registry.datasets.listing import Listing
from registry.datasets.pictures.names import (
    KEY,
    STATUS,
    ByFileName,
    ByKey,
    Naming,
    by_file_name,
    free,
    lists_of,
)
from registry.datasets.pictures.side_files import IMAGE
from registry.datasets.remote.paths import path_of
from registry.datasets.tables import Table, UnreadableTable
from registry.errors import RefusedFile, UnreadableDataset

_METADATA: dict[str, Callable[[Path], Table]] = {
    "metadata.csv": CsvFile,
    "metadata.jsonl": JsonLines,
    "metadata.parquet": ParquetTable,
}
_PARQUET = ".parquet"
# Endings of the pictures that img2dataset writes.
_ENCODED = (".jpg", ".png", ".webp")
# Keys of a table that are looked for in its folder: img2dataset writes so many rows.
_SAMPLE = 10_000


def naming_tables(files: Listing) -> Iterator[tuple[Table, Naming | None]]:
    """Yield the tables of a folder that name its pictures, and how.

    A file with the name of such a table that cannot be opened is a table that names none.
    """
    if not files.may_have(os.path.splitext(name)[1] for name in _METADATA):
        return
    for folder, name in files.files():
        path = path_of(os.path.join(folder, name))
        stem, suffix = os.path.splitext(name)
        if name in _METADATA:
            try:
                table = _METADATA[name](path)
                naming = _by_file_name(table)
            except (UnreadableDataset, RefusedFile) as error:
                yield UnreadableTable(path, error), None
            else:
                if naming is not None:
                    yield table, naming
        elif suffix == _PARQUET and files.has_folder(os.path.join(folder, stem)):
            yield from _beside_folder(files, path)


def _by_file_name(table: Table) -> Naming | None:
    def longest(column: str) -> int:
        first = next(table.batches([column]), None)
        if first is None or column not in first.schema.names:
            return 1
        return max(map(len, lists_of(first.column(column))), default=1) or 1

    columns, images = by_file_name(table.schema, longest)
    if not columns:
        return None
    flat = [image for of_column in images for image in of_column]
    return ByFileName(columns, flat, [len(of_column) for of_column in images])


def _beside_folder(files: Listing, path: Path) -> Iterator[tuple[Table, Naming | None]]:
    """Yield a table whose keys are names of pictures in the folder of the table's name."""
    try:
        table = ParquetTable(path)
        keys = list(islice(_keys(table), _SAMPLE))
    except (UnreadableDataset, RefusedFile):
        return
    folder = os.path.dirname(path)

    def find(name: str) -> str | None:
        place, base = os.path.split(os.path.join(folder, name))
        endings = (e for e in _ENCODED if files.number_of(place, base + e) is not None)
        ending = next(endings, None)
        return None if ending is None else name + ending

    names = table.schema.names
    has_status = STATUS in names and is_text(table.schema.field(STATUS).type)
    naming = ByKey(path.stem, find, has_status, [free(IMAGE, set(names))])
    if any(find(os.path.join(path.stem, key)) for key in keys):
        yield table, naming


def _keys(table: Table) -> Iterator[str]:
    if KEY not in table.schema.names or not is_text(table.schema.field(KEY).type):
        return
    for batch in table.batches([KEY]):
        if KEY in batch.schema.names:
            yield from (key[0] for key in lists_of(batch.column(KEY)) if key)

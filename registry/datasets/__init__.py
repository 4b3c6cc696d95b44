"""Datasets: one file per format, of which the surest takes a path.

A format plug-in exports `sureness(path) -> float` and `open_files(paths) ->
Dataset`. Sureness is 0 for what is not of the format, CONTENT where the content
says that it is, FOLDER for a folder that holds such files, NAME where only the
name does; a folder of mixed files is that of its surest format. A dataset is read
in record batches of bounded size, whatever the size of the file, and knows how to
write its own rows back.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from registry.errors import UnreadableDataset, UsageError
from registry.files import refuse_special
from registry.plugins import discover

if TYPE_CHECKING:
    import pyarrow as pa

    from registry.datasets._left_out import SkippedFiles

# How sure a format is of a path; a format whose files describe themselves is surer of a
# folder than one that goes by their names.
CONTENT, NAME = 1.0, 0.6
FOLDER = {CONTENT: 0.9, NAME: 0.5}


class RowWriter(Protocol):
    """Writes record batches to one file that appears only when it is whole."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""

    def close(self) -> None:
        """Finish the file and give it its name."""

    def abandon(self) -> None:
        """Remove what was written so far."""


class Dataset(Protocol):
    """Rows to be checked.

    `files` are those it is read from, `left_out` is what lies beside them and is
    not read. `name` is what the user called it, `label` the column that names a row (None:
    its URL does), `rows` the number of rows if it is known before reading.
    """

    name: str
    format: str
    label: str | None
    schema: pa.Schema
    rows: int | None
    files: Sequence[Path]
    left_out: Sequence[SkippedFiles]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order; only `columns` where given."""

    def writer(self, path: Path, schema: pa.Schema) -> RowWriter:
        """Return a writer of this dataset's format."""


def open_dataset(names: Sequence[str]) -> Dataset:
    """Open files, folders or glob patterns as one dataset.

    Raises UnreadableDataset, with the name of the file, if one is missing, unreadable or
    of an unknown format, and UsageError if none is named.
    """
    if not names:
        raise UsageError("no dataset is named", "name a Parquet file or a folder")
    paths = [path for name in names for path in _expand(name)]
    formats = discover("registry.datasets", ("sureness", "open_files"))
    names_of_formats = {_surest(path, formats) for path in paths}
    if len(names_of_formats) > 1:
        raise UnreadableDataset("these datasets are of different formats", "check them one by one")
    opened: Dataset = formats[names_of_formats.pop()].open_files(paths, ", ".join(names))
    return opened


def _surest(path: Path, formats: Mapping[str, ModuleType]) -> str:
    """Return the name of the format with the highest sureness; raise for none, or for several."""
    sure = {name: plugin.sureness(path) for name, plugin in formats.items()}
    most = max(sure.values(), default=0)
    names = [name for name, value in sure.items() if value == most]
    if not most:
        raise UnreadableDataset(
            f"{path} has no format that this version reads", "formats: " + ", ".join(formats)
        )
    if len(names) > 1:
        raise UnreadableDataset(
            f"{path} may be of these formats: {', '.join(names)}", "name the files to read"
        )
    return names[0]


def _expand(name: str) -> list[Path]:
    if not name:
        raise UsageError("the name of the dataset is empty", "name a Parquet file or a folder")
    if "://" in name:
        raise UnreadableDataset(f"{name}: remote datasets are not read", "copy it to a local disk")
    path = Path(name)
    paths = [path] if path.exists() else sorted(map(Path, glob.glob(name, recursive=True)))
    if not paths:
        raise UnreadableDataset(f"{name} does not exist", "name a Parquet file or a folder")
    for file in paths:
        if file.exists() and not file.is_dir():
            refuse_special(file)
    return paths


def files_in(folder: Path) -> list[Path]:
    """Return all files below a folder, except hidden ones, sorted.

    Raises UnreadableDataset for a folder that cannot be read: files that are skipped
    without an error would look as if they had been checked.
    """
    return [path for path in _walk(folder) if not path.name.startswith(".")]


def hidden_files_in(folder: Path) -> list[Path]:
    """Return all hidden files below a folder, sorted; hidden folders are not searched.

    Raises UnreadableDataset as `files_in` does.
    """
    return [path for path in _walk(folder) if path.name.startswith(".")]


def _walk(folder: Path) -> list[Path]:
    def refuse(error: OSError) -> None:
        raise UnreadableDataset(
            f"{error.filename} cannot be read: {error.strerror}",
            "give yourself permission to read it",
        )

    files: list[Path] = []
    seen: set[tuple[int, int]] = set()
    for parent, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        here = Path(parent).stat()
        # Links to folders are followed, but each folder is read only once.
        if (here.st_dev, here.st_ino) in seen:
            folders.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += (Path(parent, name) for name in names)
    return sorted(files)


def refuse_own_files(path: Path, files: Sequence[Path]) -> None:
    """Raise UsageError if writing to `path` would overwrite the dataset."""
    if path.exists() and any(file.exists() and path.samefile(file) for file in files):
        raise UsageError(f"{path} is part of the dataset itself", "name another file")

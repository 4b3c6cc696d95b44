"""Datasets: one file per format, recognised by `matches(path)`.

A format plug-in exports `matches(path) -> bool` and `open_files(paths) ->
Dataset`. A dataset is read in record batches of bounded size, whatever the
size of the file, and knows how to write its own rows back.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from registry.errors import UnreadableDataset, UsageError
from registry.plugins import discover

if TYPE_CHECKING:
    import pyarrow as pa

    from registry.datasets._left_out import LeftOut


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
    left_out: Sequence[LeftOut]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order; only `columns` where given."""

    def writer(self, path: Path, schema: pa.Schema) -> RowWriter:
        """Return a writer of this dataset's format."""


def open_dataset(names: Sequence[str]) -> Dataset:
    """Open files, folders or glob patterns as one dataset.

    Raises UnreadableDataset, naming the file, for what is missing, unreadable
    or of no known format.
    """
    paths = [path for name in names for path in _expand(name)]
    formats = discover("registry.datasets")
    for plugin in formats.values():
        if all(plugin.matches(path) for path in paths):
            opened: Dataset = plugin.open_files(paths, ", ".join(names))
            return opened
    strange = [path for path in paths if not any(f.matches(path) for f in formats.values())]
    if strange:
        raise UnreadableDataset(
            f"{strange[0]} is of no format this version reads",
            "formats: " + ", ".join(formats),
        )
    raise UnreadableDataset("these datasets are of different formats", "check them one by one")


def _expand(name: str) -> list[Path]:
    if "://" in name:
        raise UnreadableDataset(f"{name}: remote datasets are not read", "copy it to a local disk")
    path = Path(name)
    if path.exists():
        return [path]
    found = sorted(Path(match) for match in glob.glob(name, recursive=True))
    if not found:
        raise UnreadableDataset(f"{name} does not exist", "name a Parquet file or a folder")
    return found


def files_in(folder: Path) -> list[Path]:
    """Return every file below a folder, hidden ones aside, sorted.

    Raises UnreadableDataset, naming it, for a folder that cannot be read: what
    is passed over in silence would look as if it had been checked.
    """

    def refuse(error: OSError) -> None:
        raise UnreadableDataset(
            f"{error.filename} cannot be read: {error.strerror}", "give yourself access to it"
        )

    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    for parent, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        here = Path(parent).stat()
        # Links to folders are followed, but a folder is read once, however many lead to it.
        if (here.st_dev, here.st_ino) in seen:
            folders.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += (Path(parent, name) for name in names if not name.startswith("."))
    return sorted(found)


def refuse_own_files(path: Path, files: Sequence[Path]) -> None:
    """Raise UsageError if writing to `path` would write over the dataset."""
    if path.exists() and any(file.exists() and path.samefile(file) for file in files):
        raise UsageError(f"{path} is part of the dataset itself", "name another file")

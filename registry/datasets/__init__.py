"""Datasets: one file per format; the format with the highest sureness opens a path.

A format plug-in exports `sureness(path) -> float` and `open_files(paths) ->
Dataset`. Sureness is 0 for a path of another format, CONTENT for a file with content of the
format, NAME for a file with only a name of the format, and FOLDER[CONTENT] or FOLDER[NAME]
for a folder with such files; a folder of mixed files has the format with the highest
sureness. A dataset is read in record batches of limited size, whatever the size of the file,
and provides a writer for its own rows.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from registry.datasets.braces import MOST, expanded
from registry.datasets.hidden import HIDDEN
from registry.datasets.listing import listed_once, listing_of, walked
from registry.datasets.remote.naming import forget_all, learn_of_all, missing, named, shown_by
from registry.datasets.remote.paths import is_url, path_of, without_remote
from registry.datasets.remote.places import SCHEMES
from registry.errors import UnreadableDataset, UsageError
from registry.files import refuse_special
from registry.plugins import discover

if TYPE_CHECKING:
    import pyarrow as pa

    from registry.datasets._left_out import SkippedFiles
    from registry.datasets.tables import Chunk
    from registry.datasets.units import Part

# Levels of sureness. A folder recognised by the content of its files ranks above a folder
# recognised by their names only.
CONTENT, NAME = 1.0, 0.6
FOLDER = {CONTENT: 0.9, NAME: 0.5}
FOLDER_OF_TABLES = 0.4
# A folder with a table that names the pictures beside it: surer than either of them.
FOLDER_OF_NAMED_PICTURES = 0.95
# A folder of archives of which each table beside them has the name of one.
FOLDER_OF_ARCHIVES = 0.95
# The name of standard input.
STDIN = Path("-")


class RowWriter(Protocol):
    """Writes record batches to one file, which appears only when it is complete."""

    def write(self, batch: pa.RecordBatch, table: int = 0) -> None:
        """Append rows; `table` is the number of their table in the dataset."""

    def close(self) -> None:
        """Finish the file and give it its name."""

    def abandon(self) -> None:
        """Remove the part that was written."""


class Dataset(Protocol):
    """Rows to be checked.

    `files` are the files of the dataset, `left_out` other files in its folders, which are not
    read. `name` is the name that the user gave, `label` the column that identifies a row (None:
    its URL), `rows` the number of rows if it is known before reading. With `shares_files`,
    `lines_of` names files, of which several rows may have the same.
    """

    name: str
    format: str
    label: str | None
    schema: pa.Schema
    rows: int | None
    files: Sequence[Path]
    left_out: Sequence[SkippedFiles]
    encrypted: frozenset[str]
    shares_files: bool

    def estimated_rows(self, done: int, table: int) -> int | None:
        """Return the number of rows, or an estimate when so many are done; None if unknown.

        `table` is that of the last row that is done.
        """

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order; only `columns` where given."""

    def chunks(
        self, columns: Sequence[str] | None = None, parts: Sequence[Part] | None = None
    ) -> Iterator[Chunk]:
        """Yield the rows of some parts, or of all, each with its place."""

    def units(self) -> Sequence[Sequence[Part]]:
        """Return the parts that can be checked independently, in order, small ones together."""

    def writer(self, path: Path, schema: pa.Schema) -> RowWriter:
        """Return a writer of all rows with their outcomes, in Parquet."""

    @property
    def needed(self) -> Sequence[str]:
        """The columns that the writer of kept rows needs."""

    def keeper(self, path: Path) -> RowWriter:
        """Return a writer of some rows as they are, in the dataset's format."""

    @property
    def naming(self) -> Sequence[str]:
        """The columns that `lines_of` needs."""

    def lines_of(
        self, rows: pa.RecordBatch, table: int, numbers: Sequence[int]
    ) -> list[list[bytes]]:
        """Return for each row the lines of a list by which it is found: names, or its number."""


def open_dataset(names: Sequence[str]) -> Dataset:
    """Open files, folders, or patterns with wildcards or braces as one dataset.

    Raises UnreadableDataset, with the name of the file, if one is missing, unreadable or
    of an unknown format, and UsageError if none is named.
    """
    if not names:
        raise UsageError("no dataset is named", "name a Parquet file or a folder")
    formats = discover("registry.datasets.formats", ("sureness", "open_files"))
    if str(STDIN) in names:
        return _open_stdin(names, formats)
    forget_all(names)
    with listed_once():
        opened = _open_paths([path for name in names for path in _expand(name)], names, formats)
    refuse_hidden(opened.schema)
    return opened


def refuse_hidden(schema: pa.Schema) -> None:
    """Raise UnreadableDataset for columns with a name that hidden columns have."""
    hidden = [name for name in schema.names if name in HIDDEN]
    if hidden:
        raise UnreadableDataset(f"the dataset has a column {hidden[0]}", "rename the column")


def _open_paths(
    paths: Sequence[Path], names: Sequence[str], formats: Mapping[str, ModuleType]
) -> Dataset:
    # Loaded late: these are built on the tables of the formats, which are built on this module.
    from registry.datasets.npy.subset import SubsetOf, split_subset
    from registry.datasets.streams import web_page

    paths, subset = split_subset(paths)
    # A file that is missing in a range of names is a row that says so, in any format.
    names_of_formats = {_surest(path, formats) for path in shown_by(paths)}
    if len(names_of_formats) > 1:
        raise UnreadableDataset("these datasets are of different formats", "check them one by one")
    name = ", ".join(names)
    try:
        opened = formats[names_of_formats.pop()].open_files(paths, name)
    except UnreadableDataset as error:
        raise next(filter(None, map(web_page, paths[:1])), error) from error
    return opened if subset is None else SubsetOf(opened, subset, name)


def _open_stdin(names: Sequence[str], formats: Mapping[str, ModuleType]) -> Dataset:
    if len(names) > 1:
        raise UsageError("standard input (-) is named beside files", "check them one by one")
    streams = {name: one for name, one in formats.items() if hasattr(one, "READS_STREAMS")}
    format_ = _surest(STDIN, streams)
    opened: Dataset = streams[format_].open_files([STDIN], "standard input")
    return opened


def _surest(path: Path, formats: Mapping[str, ModuleType]) -> str:
    """Return the name of the format with the highest sureness; raise for none, or for several."""
    sure = {name: plugin.sureness(path) for name, plugin in formats.items()}
    most = max(sure.values(), default=0)
    names = [name for name, value in sure.items() if value == most]
    shown = "standard input" if path == STDIN else path
    if not most:
        # Loaded late: it needs this module.
        from registry.datasets.streams import web_page

        raise web_page(path) or UnreadableDataset(
            f"{shown} has no format that this version reads", "formats: " + ", ".join(formats)
        )
    if len(names) > 1:
        raise UnreadableDataset(
            f"{shown} may be of these formats: {', '.join(names)}", "name the files to read"
        )
    return names[0]


def _expand(name: str) -> list[Path]:
    if not name:
        raise UsageError("the name of the dataset is empty", "name a Parquet file or a folder")
    if "://" in name and not is_url(name):
        raise UnreadableDataset(
            f"{name}: such places are not read", f"places: {', '.join(SCHEMES)}, and local disks"
        )
    paths = [path_of(name)] if path_of(name).exists() else _named(name)
    if not any(path.exists() for path in paths):
        if is_url(name):
            raise missing(name)
        if glob.has_magic(name):
            raise UnreadableDataset(f"no file matches {name}", "check the folder and the pattern")
        raise UnreadableDataset(f"{name} does not exist", "check the name and the folder")
    for file in paths:
        if file.exists() and not file.is_dir():
            refuse_special(file)
    return paths


def _named(pattern: str) -> list[Path]:
    """Return the paths that a pattern stands for; those in a range of names may be missing."""
    names = expanded(pattern)
    if len(names) > MOST:
        raise UsageError(f"{pattern} stands for more than {MOST:,} names", "name fewer files")
    paths: list[Path] = []
    for name in names:
        if is_url(name):
            paths += named(name, several=len(names) > 1)
            continue
        found = sorted(map(Path, glob.glob(name, recursive=True)))
        paths += found or ([Path(name)] if len(names) > 1 and not glob.has_magic(name) else [])
    learn_of_all(paths)
    return list(dict.fromkeys(paths))


def files_in(folder: Path) -> Sequence[Path]:
    """Return all files below a folder, except hidden ones, sorted.

    Raises UnreadableDataset for a folder that cannot be read: files that are skipped
    without an error would look as if they had been checked.
    """
    return listing_of(folder)


def hidden_files_in(folder: Path) -> list[Path]:
    """Return all hidden files below a folder, sorted; hidden folders are not searched.

    Raises UnreadableDataset as `files_in` does.
    """
    return [Path(*file) for file in walked(folder, hidden=True)]


def refuse_inside(path: Path, folders: Sequence[Path]) -> None:
    """Raise UsageError for a result in a folder of a dataset: the next check would read it."""
    if is_inside(path, folders):
        raise UsageError(f"{path} is in the folder of the dataset", "name another folder")


def is_inside(path: Path, folders: Sequence[Path]) -> bool:
    """Return whether a file is, or would be, in one of some folders."""
    place = path.resolve()
    return any(
        folder.is_dir() and place.is_relative_to(folder.resolve())
        for folder in without_remote(folders)
    )


def refuse_own_files(path: Path, files: Sequence[Path]) -> None:
    """Raise UsageError if writing to `path` would overwrite the dataset."""
    own = without_remote(files)
    if path.exists() and any(file.exists() and path.samefile(file) for file in own):
        raise UsageError(f"{path} is part of the dataset itself", "name another file")

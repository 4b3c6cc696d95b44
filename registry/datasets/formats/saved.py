"""Folders written by `save_to_disk` of the package `datasets`: a dataset, or one for each split.

The rows are in the order that `load_from_disk` gives them, and kept rows are such a folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from registry.datasets import RowWriter, files_in, refuse_own_files
from registry.datasets._left_out import SkippedFiles, left_out
from registry.datasets.hidden import ROW
from registry.datasets.npy.files import NPY
from registry.datasets.npy.uids import UID
from registry.datasets.parquet_writer import OTHER_FORMATS
from registry.datasets.saved.splits import Split, is_saved, opened_splits
from registry.datasets.saved.state import INFO, SPLITS, STATE
from registry.datasets.saved.writer import SavedKeeper
from registry.datasets.streams import is_folder
from registry.datasets.tables import Tables
from registry.errors import UsageError

# Above a folder of files of any format.
_FOLDER = 0.97
# What `datasets` writes beside the files that it names: results of its functions on the rows.
_CACHE = "cache-*.arrow"


def sureness(path: Path) -> float:
    """Return the sureness, from 0 to 1, that a path is a folder written by `save_to_disk`."""
    return _FOLDER if is_folder(path) and is_saved(path) else 0


def open_files(paths: Sequence[Path], name: str) -> SavedTables:
    """Open folders written by `save_to_disk` as one dataset."""
    splits = [split for path in paths for split in opened_splits(path)]
    read = [split.folder / file for split in splits for file in [*split.files, *split.indices]]
    about = {split.folder / file for split in splits for file in (STATE, INFO)}
    about |= {path / SPLITS for path in paths}
    about = {file for file in about if file.is_file()}
    known = about.union(read)
    others = [file for path in paths for file in files_in(path) if file not in known]
    return SavedTables(name, splits, [*read, *sorted(about)], _left_out(others))


class SavedTables(Tables):
    """The rows of folders of `save_to_disk`, split by split."""

    def __init__(
        self,
        name: str,
        splits: Sequence[Split],
        files: Sequence[Path],
        left_out: Sequence[SkippedFiles],
    ) -> None:
        tables = [table for split in splits for table in split.tables]
        super().__init__("saved", name, tables, left_out)
        self.files = tuple(files)
        self._splits = splits

    @property
    def needed(self) -> Sequence[str]:
        """The columns that the writer of kept rows needs."""
        return (ROW, *(name for name in self.schema.names if name == UID))

    def keeper(self, path: Path) -> RowWriter:
        """Return a writer of some rows as they are, into a folder."""
        if path.suffix.lower() == NPY:
            return super().keeper(path)
        refuse_own_files(path, self.files)
        if path.suffix.lower() in OTHER_FORMATS | {".parquet"}:
            raise UsageError(
                f"{path}: the rows that are kept are written as `save_to_disk` does",
                "name a folder",
            )
        return SavedKeeper(path, self._splits)


def _left_out(files: Sequence[Path]) -> tuple[SkippedFiles, ...]:
    """Return the files that are not read; rows that are held back hold no keys of the others."""
    cached = [file for file in files if file.match(_CACHE)]
    found = left_out([file for file in files if not file.match(_CACHE)])
    if not cached:
        return found
    return (*found, SkippedFiles("tables", len(cached), (f"{len(cached)} {_CACHE}",)))
